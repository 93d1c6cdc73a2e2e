"""Jupyter's public kernel test suite, with samples for every test it has."""
import os
import unittest

import jupyter_kernel_test


class CandlebookTests(jupyter_kernel_test.KernelTests):
    kernel_name = os.environ.get("CANDLEBOOK_TEST_KERNEL", "candlebook")
    language_name = "rust"
    file_extension = ".rs"
    code_hello_world = 'println!("hello, world")'
    code_stderr = 'eprintln!("oops")'
    completion_samples = [
        {"text": "let candle_wax = 1; candle_w", "matches": {"candle_wax"}},
        {"text": "Autoenc", "matches": {"Autoencoder"}},
    ]
    complete_code_samples = ["1 + 1", "let x = 5;", "fn f() -> i32 { 3 }", 'println!("hi")']
    incomplete_code_samples = ["fn f() {", "let x =", 'println!("hi', "vec![1, 2,"]
    invalid_code_samples = ["let = = 3;", ")", "fn 5() {}"]
    code_page_something = "?Autoencoder"
    code_generate_error = 'panic!("on purpose")'
    code_execute_result = [{"code": "6 * 7", "result": "42"}, {"code": '"a"', "result": '"a"'}]
    code_display_data = [{"code": "show(Tensor::zeros((2, 2), DType::F32, &Device::Cpu)?);", "mime": "image/png"}]
    code_history_pattern = "6 ? 7"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "Autoencoder"
    code_clear_output = "show::clear_output();"
    code_stdin = 'let name = input("name? "); println!("{name}");'


if __name__ == "__main__":
    unittest.main()

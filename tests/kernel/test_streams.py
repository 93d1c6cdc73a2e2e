"""Standard streams of cells: input that is asked for, errors that are kept, output in few messages."""
import os
import json
import re
import subprocess
import time

import pytest

from conftest import BIN, Cell


@pytest.fixture(scope="module", autouse=True)
def started(kernel):
    """The first cell may wait for the kernel's start, with a notice on its standard output."""
    kernel.ok("1")


def answered(kernel, code, answers, **options):
    """Runs a cell that asks, and gives the answers in order; returns the cell and the questions."""
    asked = []
    remaining = list(answers)
    request = kernel.client.execute(code, allow_stdin=True, **options)
    cell = Cell()
    deadline = time.monotonic() + 60
    idle = False
    # The reply may come before the cell's last messages, and after them.
    while cell.reply is None or not idle:
        assert time.monotonic() < deadline, (code, asked, remaining)
        if remaining and kernel.client.stdin_channel.msg_ready():
            asked.append(kernel.client.get_stdin_msg(timeout=1)["content"])
            kernel.client.input(remaining.pop(0))
        while kernel.client.iopub_channel.msg_ready():
            message = kernel.client.get_iopub_msg(timeout=1)
            if message["parent_header"].get("msg_id") == request:
                cell.add(message)
                idle = message["content"].get("execution_state") == "idle"
        if kernel.client.shell_channel.msg_ready():
            reply = kernel.client.get_shell_msg(timeout=1)
            if reply["parent_header"].get("msg_id") == request:
                cell.reply = reply["content"]
        time.sleep(0.01)
    assert not remaining, (code, asked, cell.reply)
    return cell, asked


def test_a_cell_that_reads_a_line_asks_in_the_page(kernel):
    code = """print!("Guess: ");
let mut line = String::new();
let bytes = std::io::stdin().read_line(&mut line)?;
println!("{bytes} {line:?}");"""
    cell, asked = answered(kernel, code, ["7"])
    assert cell.stream() == 'Guess: 2 "7\\n"\n' and cell.stream("stderr") == ""
    assert len(asked) == 1 and asked[0]["password"] is False
    assert kernel.ok("line.trim().parse::<i32>()?").text == "7"


def test_an_empty_line_ends_the_input(kernel):
    code = "use std::io::Read;\nlet mut all = String::new(); std::io::stdin().read_to_string(&mut all)?; all"
    cell, asked = answered(kernel, code, ["one", "two", ""])
    assert cell.text == '"one\\ntwo\\n"'
    assert "an empty line ends it" in asked[1]["prompt"]
    code = "let typed: Vec<String> = std::io::stdin().lines().collect::<Result<_, _>>()?; typed"
    cell, _ = answered(kernel, code, ["a", "b", "c", ""])
    assert cell.text == '["a", "b", "c"]'
    # A program of Rust courses: empty lines are asked for again.
    code = """let guess: i32 = loop {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    match line.trim().parse() { Ok(n) => break n, Err(_) => continue }
};
guess"""
    cell, _ = answered(kernel, code, ["", "x", "42"])
    assert cell.text == "42"


def test_an_answer_of_several_lines_is_read_line_by_line(kernel):
    # In a block, because a variable would keep standard input locked.
    code = """let both = { let mut lines = std::io::stdin().lines(); (lines.next().unwrap()?, lines.next().unwrap()?) };
both"""
    cell, asked = answered(kernel, code, ["a\\b\nc"])
    assert cell.text == '("a\\\\b", "c")' and len(asked) == 1


def test_prompts_and_reading_may_be_mixed(kernel):
    code = """let name = input("name? ");
let mut line = String::new();
std::io::stdin().read_line(&mut line)?;
let town = input("town? ");
(name, line, town)"""
    cell, asked = answered(kernel, code, ["Ada", "x", "London"])
    assert cell.text == '("Ada", "x\\n", "London")'
    assert [asked[0]["prompt"], asked[2]["prompt"]] == ["name? ", "town? "]


def test_nothing_of_an_answer_is_left_for_the_next_cell(kernel):
    code = "use std::io::Read;\nlet mut byte = [0u8; 1]; std::io::stdin().read_exact(&mut byte)?; byte[0] as char"
    cell, _ = answered(kernel, code, ["abc"])
    assert cell.text == "'a'"
    cell, _ = answered(kernel, 'let name = input("name? "); name', ["Bob"])
    assert cell.text == '"Bob"'


def test_standard_input_is_at_its_end_where_nobody_can_be_asked(kernel):
    read = """let mut line = String::new();
let n = std::io::stdin().read_line(&mut line)?;
let all = std::io::read_to_string(std::io::stdin())?;
(n, all.len(), std::io::stdin().lines().count())"""
    cell = kernel.ok(read, allow_stdin=False, timeout=20)
    assert cell.text == "(0, 0, 0)"
    assert cell.stream("stderr").count("standard input is at its end") == 1
    assert kernel.ok('input("name? ")', allow_stdin=False, timeout=20).text == '""'
    # A loop that ignores the end fails.
    endless = """loop {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("cannot read");
    if line.trim() == "7" { break; }
}"""
    reply = kernel.run(endless, allow_stdin=False, timeout=20).reply
    assert reply["ename"] == "Panic" and reply["evalue"].startswith("cannot read"), reply


def test_programs_and_threads_of_a_cell_do_not_wait_for_input(kernel):
    code = 'let output = std::process::Command::new("cat").stdin(std::process::Stdio::inherit()).output()?; output.stdout.len()'
    assert kernel.ok(code, timeout=20).text == "0"
    # The input of a thread ends with its cell.
    kernel.ok("let reader = std::thread::spawn(|| { let mut line = String::new(); std::io::stdin().read_line(&mut line).unwrap_or(7) });")
    assert kernel.ok("reader.join().unwrap_or(8)", timeout=20).text == "0"


def test_prompts_work_again_after_the_process_was_killed(fresh):
    kernel = fresh()
    kernel.ok("1")
    request = kernel.client.execute("let mut line = String::new(); std::io::stdin().read_line(&mut line)?; line", allow_stdin=True)
    kernel.client.get_stdin_msg(timeout=60)
    pid = kernel.manager.provisioner.pid
    child = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()[0]
    subprocess.run(["kill", "-9", child])
    reply = kernel.client.get_shell_msg(timeout=30)
    assert reply["parent_header"]["msg_id"] == request and reply["content"]["ename"] == "Died"
    # The answer to the killed cell's question comes late, as from a page whose field is still open.
    cell, _ = answered(kernel, 'let name = input("name? "); name', ["Ada"])
    assert cell.text == '"Ada"'
    cell, _ = answered(kernel, "let mut line = String::new(); std::io::stdin().read_line(&mut line)?; line", ["x"])
    assert cell.text == '"x\\n"'


def test_the_file_that_replaces_standard_input_is_read(fresh, tmp_path):
    kernel = fresh()
    path = tmp_path / "numbers.txt"
    path.write_text("1\n2\n")
    kernel.ok(f"""unsafe extern "C" {{ fn dup2(from: i32, to: i32) -> i32; }}
use std::os::fd::AsRawFd;
let file = std::fs::File::open({json.dumps(str(path))})?;
unsafe {{ dup2(file.as_raw_fd(), 0); }}""")
    assert kernel.ok("std::io::read_to_string(std::io::stdin())?", timeout=20).text == '"1\\n2\\n"'


@pytest.mark.parametrize(
    "code, error, name, value",
    [
        ("let v = vec![1, 2, 3];\ndbg!(v.len());\nv[10]", "v.len() = 3\n", "Panic", "index out of bounds: the len is 3 but the index is 10"),
        ('eprintln!("step 100");\npanic!("boom");', "step 100\n", "Panic", "boom"),
        ('eprintln!("step 200");\nlet n: i32 = "x".parse()?;', "step 200\n", "Error", "invalid digit found in string"),
        ('for i in 0..2000 { eprintln!("line {i}"); }\npanic!("after many");', "".join(f"line {i}\n" for i in range(2000)), "Panic", "after many"),
        ('eprint!("no newline"); panic!("two\\nlines\\n\\nand more");', "no newline", "Panic", "two\nlines\n\nand more"),
        ('eprintln!("a"); Err("first\\n  second \\\\n")?;', "a\n", "Error", "first\n  second \\n"),
        ('eprintln!("a"); std::panic::panic_any(5);', "a\n", "Panic", "Box<dyn Any>"),
        ('eprintln!("a"); None::<i32>.expect("a value");', "a\n", "Panic", "a value"),
        ('struct Loud; impl Drop for Loud { fn drop(&mut self) { eprintln!("dropped"); } } fn fail() { let _loud = Loud; panic!("x"); } fail();', "dropped\n", "Panic", "x"),
        ('eprintln!("a"); std::panic::set_hook(Box::new(|_| eprintln!("mine"))); panic!("hooked");', "a\nmine\n", "Panic", "hooked"),
        ('let _ = std::panic::take_hook(); eprintln!("a"); panic!("{}", "long ".repeat(500));', "a\n", "Panic", "long " * 500),
    ],
)
def test_standard_error_precedes_the_failure_which_is_told_alone(kernel, code, error, name, value):
    cell = kernel.run(code)
    assert (cell.reply["ename"], cell.reply["evalue"].rstrip("\n")) == (name, value.rstrip("\n")), cell.reply
    # `dbg!` begins its lines with their position.
    assert re.sub(r"(?m)^\[src/.*?\] ", "", cell.stream("stderr")) == error
    kinds = [kind for _, kind, _ in cell.messages]
    assert kinds.index("error") > max(i for i, kind in enumerate(kinds) if kind == "stream")


def test_panics_that_the_cell_survives_are_told_on_standard_error(kernel):
    cell = kernel.ok("""let caught = std::panic::catch_unwind(|| panic!("caught one")).is_err();
let joined = std::thread::spawn(|| panic!("in a thread")).join().is_err();
println!("{caught} {joined}");""")
    assert cell.stream() == "true true\n"
    text = cell.stream("stderr")
    assert text.index("caught one") < text.index("in a thread") and text.count("panicked at") == 2
    # One is survived, and the other is not.
    cell = kernel.run('let _ = std::panic::catch_unwind(|| panic!("caught")); panic!("not caught");')
    assert cell.reply["evalue"] == "not caught"
    assert cell.stream("stderr").count("panicked at") == 1 and "caught\n" in cell.stream("stderr")
    # A panic of a worker thread that goes on in the cell.
    cell = kernel.run('std::thread::scope(|scope| { scope.spawn(|| -> () { panic!("inner") }).join().unwrap_or_else(|cause| std::panic::resume_unwind(cause)) })')
    assert (cell.reply["ename"], cell.reply["evalue"]) == ("Panic", "inner")


@pytest.mark.parametrize("end", ["std::process::exit(3);", "std::process::abort();", "unsafe { *(8 as *mut i32) = 1; }"])
def test_the_last_lines_of_a_process_that_ends_are_kept(kernel, end):
    cell = kernel.run(f'for i in 0..1000 {{ eprintln!("err {{i}}"); println!("out {{i}}"); }} {end}')
    assert cell.reply["ename"] == "Died"
    for name, start in (("stderr", "err"), ("stdout", "out")):
        assert cell.stream(name).startswith("".join(f"{start} {i}\n" for i in range(1000)))


def test_the_order_of_both_streams_is_kept(kernel):
    cell = kernel.ok('for i in 0..100 { println!("o{i}"); eprintln!("e{i}"); print!("p{i} "); println!(); }')
    found = "".join(content["text"] for content in cell.of("stream")).split()
    assert found == [f"{name}{i}" for i in range(100) for name in "oep"]


def test_a_loop_that_prints_makes_few_messages(kernel):
    start = time.monotonic()
    cell = kernel.ok("for i in 0..1500 { println!(\"line {i}\"); std::thread::sleep(std::time::Duration::from_millis(1)); }")
    seconds = time.monotonic() - start
    assert cell.stream() == "".join(f"line {i}\n" for i in range(1500))
    assert len(cell.of("stream")) < 10 + 10 * seconds
    assert cell.of("stream")[0]["text"].startswith("line 0\n")
    cell = kernel.ok("for i in 0..200_000 { println!(\"line {i}\"); }")
    assert cell.stream() == "".join(f"line {i}\n" for i in range(200_000))
    assert len(cell.of("stream")) < 100


def test_text_is_shown_before_what_follows_it(kernel):
    cell = kernel.ok('println!("a"); println!("b"); show("c"); println!("d"); println!("e"); show("f"); "g"')
    kinds = [kind for _, kind, _ in cell.messages if kind in ("stream", "display_data", "execute_result")]
    assert [kind for i, kind in enumerate(kinds) if i == 0 or kinds[i - 1] != kind or kind != "stream"] == [
        "stream", "display_data", "stream", "display_data", "execute_result",
    ]
    assert cell.stream() == "a\nb\nd\ne\n"


def run_notebook(path, *sources):
    cell = lambda source: {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell(source) for source in sources]}))
    start = time.monotonic()
    ran = subprocess.run([BIN, "run", str(path)], capture_output=True, text=True, timeout=300)
    outputs = [cell["outputs"] for cell in json.loads(path.read_text())["cells"]]
    return ran, outputs, time.monotonic() - start


def test_run_keeps_much_output_and_ends_standard_input(tmp_path):
    ran, outputs, _ = run_notebook(
        tmp_path / "much.ipynb",
        'let line = "x".repeat(99); for _ in 0..200_000 { println!("{line}"); }',
        "let mut line = String::new(); std::io::stdin().read_line(&mut line)?",
        'eprintln!("before"); panic!("last")',
    )
    assert ran.returncode == 1
    assert outputs[0] == [{"output_type": "stream", "name": "stdout", "text": ("x" * 99 + "\n") * 200_000}]
    assert "standard input is at its end" in outputs[1][0]["text"] and outputs[1][1]["data"]["text/plain"] == "0"
    assert outputs[2][0]["text"] == "before\n" and outputs[2][1]["evalue"] == "last"


def test_backtraces_name_the_functions_of_cells(fresh):
    kernel = fresh(env=os.environ | {"RUST_BACKTRACE": "1"})
    kernel.ok("#[inline(never)]\nfn inner(v: &[i32], i: usize) -> i32 {\n    print!(\"\");\n    v[i]\n}")
    kernel.ok("#[inline(never)]\nfn outer(i: usize) -> i32 {\n    let x = inner(&[1], i);\n    print!(\"\");\n    x\n}")
    traceback = kernel.run("outer(7)").reply["traceback"]
    assert traceback[1:4] == ["  at cell 1, line 4: v[i]", "  in `inner` of cell 1", "  in `outer` of cell 2"], traceback

"""A notebook keeps what its user has: one test for each way in which work was lost."""
import re

import pytest


def test_an_impl_run_again_replaces_the_one_before(kernel):
    decay = "impl Schedule {{ fn at(&self, epoch: i32) -> f64 {{ {} }} }}"
    show = "impl std::fmt::Display for Schedule {{ fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {{ write!(f, {}) }} }}"
    kernel.ok("struct Schedule { base: f64 }")
    kernel.ok(decay.format("self.base / epoch as f64"))
    kernel.ok("let schedule = Schedule { base: 8.0 };")
    assert kernel.ok("schedule.at(4)").text == "2.0"
    kernel.ok(decay.format("self.base / epoch as f64"))
    kernel.ok(decay.format("self.base * 0.5f64.powi(epoch)"))
    assert kernel.ok("(schedule.at(4), Schedule { base: 1.0 }.at(1))").text == "(0.5, 0.5)"
    kernel.ok(show.format('"from {}", self.base'))
    kernel.ok(show.format('"from {} down to {}", self.base, self.at(3)'))
    assert kernel.ok("schedule.to_string()").text == '"from 8 down to 1"'


def test_a_moved_variable_can_be_assigned_again(kernel):
    kernel.ok('let mut title = String::from("train");')
    kernel.ok("let first_title = title;")
    kernel.ok('title = String::from("test");')
    assert kernel.ok("[first_title, title].join(\" and \")").text == '"train and test"'


def test_a_builder_may_go_on_in_the_next_cell(kernel):
    kernel.ok("let mut chart = Plot::new();")
    kernel.ok('chart = chart.line("loss", 0..3, [0.9, 0.4, 0.2]);')
    kernel.ok('chart = chart.line("valid", 0..3, [0.9, 0.5, 0.4]);')
    assert "image/png" in kernel.ok("&chart").of("display_data")[0]["data"]
    slip = kernel.run('chart = chart.title("Loss");\nlet rate: f64 = "fast".parse()?;')
    assert slip.reply["evalue"] == "invalid float literal"
    assert "image/png" in kernel.ok("&chart").of("display_data")[0]["data"]
    kernel.ok("let mut net = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(4)])?;")
    kernel.ok("net = net.to_device(&Device::Cpu)?;")
    assert kernel.ok("net.count_params()").text == str(784 * 4 + 4 + 4 * 784 + 784)
    # A type without `Clone`, of which no backup is possible.
    kernel.ok(
        "#[derive(Debug)]\nstruct Recipe(Vec<String>);\n"
        "impl Recipe { fn step(mut self, name: &str) -> Self { self.0.push(name.into()); self } }\n"
        "let mut recipe = Recipe(vec![]);"
    )
    kernel.ok('recipe = recipe.step("mix");')
    kernel.ok('recipe = recipe.step("bake");')
    assert kernel.ok("recipe").text == 'Recipe(["mix", "bake"])'


def answered(kernel, code, answer):
    """Runs a cell that asks once; returns its standard output."""
    request = kernel.client.execute(code, allow_stdin=True)
    kernel.client.get_stdin_msg(timeout=60)
    kernel.client.input(answer)
    text = ""
    while True:
        message = kernel.client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") != request:
            continue
        if message["msg_type"] == "stream":
            text += message["content"]["text"]
        if message["content"].get("execution_state") == "idle":
            break
    assert kernel.client.get_shell_msg(timeout=10)["content"]["status"] == "ok"
    return text


GUESS = 'let mut guess = String::new();\nlet size = std::io::stdin().read_line(&mut guess)?;\nprintln!("{size} {guess:?}");'


def test_standard_input_asks_the_front_end(fresh):
    kernel = fresh()
    kernel.ok("let secret = 17;")
    assert answered(kernel, GUESS, "12") == '3 "12\\n"\n'
    assert kernel.ok("secret").text == "17"
    assert answered(kernel, 'println!("{}", input("again? "));', "yes") == "yes\n"


def test_standard_input_is_at_its_end_if_nobody_can_be_asked(fresh):
    kernel = fresh()
    kernel.ok("let secret = 19;")
    assert kernel.ok(GUESS, allow_stdin=False, timeout=20).stream() == '0 ""\n'
    everything = "let mut pasted = String::new();\nstd::io::Read::read_to_string(&mut std::io::stdin(), &mut pasted)?;"
    kernel.ok(everything, allow_stdin=False, timeout=20)
    assert kernel.ok("(pasted.len(), secret)").text == "(0, 19)"


@pytest.mark.parametrize(
    "code, lines, name, value",
    [
        ("let sizes = [4, 5];\ndbg!(sizes.len());\nlet at = sizes.len() + 5;\nsizes[at]", "sizes.len() = 2", "Panic", "index out of bounds: the len is 2 but the index is 7"),
        ('eprintln!("epoch 3 saved");\npanic!("disk gone");', "epoch 3 saved\n", "Panic", "disk gone"),
        ('eprintln!("reads the rate");\nlet rate: f32 = "?".parse()?;', "reads the rate\n", "Error", "invalid float literal"),
        ('for step in 0..1000 { eprintln!("step {step}"); }\npanic!("end of steps");', "".join(f"step {step}\n" for step in range(1000)), "Panic", "end of steps"),
    ],
)
def test_standard_error_comes_before_the_error_and_not_in_it(kernel, code, lines, name, value):
    cell = kernel.run(code)
    assert lines in cell.stream("stderr")
    assert (cell.reply["ename"], cell.reply["evalue"]) == (name, value)
    kinds = [kind for _, kind, _ in cell.messages]
    written = [at for at, (_, kind, content) in enumerate(cell.messages) if kind == "stream" and content["name"] == "stderr"]
    assert written[-1] < kinds.index("error")


def test_a_panic_of_another_thread_that_is_caught_is_no_error(kernel):
    worker = 'std::thread::spawn(|| -> u8 { panic!("worker") }).join().is_err()'
    assert kernel.ok(worker).text == "true"


def test_candle_as_its_own_readme_writes_it(kernel):
    kernel.ok("use candle_core::{D, DType, Device, Tensor};")
    kernel.ok("let left = Tensor::randn(0f32, 1., (3, 5), &Device::Cpu)?;\nlet right = Tensor::randn(0f32, 1., (5, 2), &Device::Cpu)?;")
    assert kernel.ok("left.matmul(&right)?.dims().to_vec()").text == "[3, 2]"
    kernel.ok("let variables = candle_nn::VarMap::new();\nlet builder = candle_nn::VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);")
    kernel.ok('let down = candle_nn::linear(6, 4, builder.pp("down"))?;\nlet up = candle_nn::linear(4, 6, builder.pp("up"))?;')
    kernel.ok("use candle_nn::{Module, Optimizer};\nlet mut sgd = candle_nn::SGD::new(variables.all_vars(), 0.5)?;")
    kernel.ok("let target = Tensor::eye(6, DType::F32, &Device::Cpu)?;")
    kernel.ok(
        """let mut course: Vec<f32> = Vec::new();
for _ in 0..300 {
    let loss = (up.forward(&down.forward(&target)?)? - &target)?.sqr()?.mean_all()?;
    sgd.backward_step(&loss)?;
    course.push(loss.to_scalar()?);
}"""
    )
    assert kernel.ok("course[299] < 0.7 * course[0]").text == "true"
    names = kernel.ok("let mut names: Vec<String> = variables.data().lock().unwrap().keys().cloned().collect();\nnames.sort();\nnames")
    assert eval(names.text) == ["down.bias", "down.weight", "up.bias", "up.weight"]


def test_a_cell_that_fails_keeps_the_trained_model(kernel):
    kernel.ok("let digits = mnist_embedded()?.take(256, 64);")
    diverged = kernel.run(
        "let mut deep = Autoencoder::new((1, 28, 28), &[Flatten, Linear(6)], &[Linear(784), Unflatten(1, 28, 28)])?;\n"
        "let course = deep.fit(&digits, &Fit { epochs: 3, batch_size: 16, learning_rate: 1e18, ..Default::default() })?;"
    )
    assert "training diverged" in diverged.reply["evalue"] and "weights" in diverged.reply["evalue"]
    assert kernel.ok("deep.count_params()").text == str(784 * 6 + 6 + 6 * 784 + 784)
    kernel.ok("let mut trained = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(6), Relu])?;")
    slip = kernel.run(
        "let learned = trained.fit(&digits, &Fit { epochs: 2, batch_size: 64, ..Default::default() })?;\n"
        'let minutes: f64 = "soon".parse()?;'
    )
    assert slip.reply["evalue"] == "invalid float literal"
    assert "`learned`" in slip.said
    assert kernel.ok("learned.epochs.len()").text == "2"
    panic = kernel.run("let average = digits.train.mean_image()?;\nlet far = digits.train.labels().unwrap_or_default()[9999];")
    assert panic.reply["evalue"] == "index out of bounds: the len is 256 but the index is 9999"
    assert kernel.ok("average.dims().to_vec()").text == "[1, 1, 28, 28]"


def test_statics_are_one_for_the_kernel(kernel):
    kernel.ok("thread_local! { static SEEN: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) }; }\nfn see(n: u8) -> usize { SEEN.with_borrow_mut(|seen| { seen.push(n); seen.len() }) }\nsee(1);")
    assert kernel.ok("see(2)").text == "2"
    kernel.ok("use std::sync::atomic::{AtomicI64, Ordering::Relaxed};\nstatic STEPS: AtomicI64 = AtomicI64::new(100);\nSTEPS.fetch_add(20, Relaxed);")
    assert kernel.ok("STEPS.fetch_add(3, Relaxed);\nSTEPS.load(Relaxed)").text == "123"
    first = kernel.ok(
        "static SQUARES: std::sync::OnceLock<Vec<u64>> = std::sync::OnceLock::new();\n"
        'fn squares() -> &\'static [u64] { SQUARES.get_or_init(|| { println!("once"); (0..50).map(|n| n * n).collect() }) }\n'
        "squares()[7]"
    )
    assert (first.text, first.stream()) == ("49", "once\n")
    second = kernel.ok("squares()[8]")
    assert (second.text, second.stream()) == ("64", "")


def test_items_of_a_macro_are_seen_by_later_cells(kernel):
    kernel.ok("macro_rules! record { ($name:ident: $($field:ident)+) => { #[derive(Debug, Clone)] struct $name { $($field: f32),+ } }; }")
    kernel.ok("record!(Score: train valid);")
    assert kernel.ok("Score { train: 0.25, valid: 0.5 }").text == "Score { train: 0.25, valid: 0.5 }"


def many(number):
    """A pattern for a number that may be written with separators."""
    return re.compile(r"[,_ ’]?".join(re.findall(r"\d{1,3}(?=(?:\d{3})*$)", str(number))))


@pytest.mark.parametrize(
    "code, begins, count",
    [
        ("(0..2_500_000).map(|n| n as f32).collect::<Vec<f32>>()", "[0.0, 1.0, 2.0", 2_500_000),
        ('"ab".repeat(11_000_000)', '"abab', 22_000_000),
        ("vec![vec![7u8; 1000]; 2000]", "[[7, 7", 2000),
    ],
)
def test_a_huge_value_shows_its_beginning_and_its_size(kernel, code, begins, count):
    cell = kernel.ok(code)
    assert cell.text.startswith(begins) and len(cell.text) < 1_000_000
    assert many(count).search(cell.text) or count == 22_000_000 and "22 MB" in cell.text, cell.text[-200:]
    assert kernel.ok("1 + 1").text == "2"


def test_a_large_tensor_is_printed_as_candle_prints_it(kernel):
    assert "Tensor[[2000, 1000], f32]" in kernel.ok("Tensor::zeros((2000, 1000), DType::F32, &Device::Cpu)?").text

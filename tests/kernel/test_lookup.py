"""Completion offers what can be used, as text that stays; `?name` and Shift-Tab describe names."""
import pathlib
import re

import pytest
from conftest import ROOT, Kernel

PREAMBLE = """
let data = mnist_embedded()?.take(200, 50);
let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8), Relu])?;
let history = ae.fit(&data, &Fit { epochs: 1, ..Default::default() })?;
let plot = Plot::new().line("loss", 1..4, [3.0, 2.0, 1.0]);
let numbers = vec![1.5, 2.5];
let text = String::from("a");
let tensor = Tensor::zeros((2, 3), DType::F32, &Device::Cpu)?;
"""
OWN = """
/// Doubles a number.
///
/// It is exact.
fn double(x: f64) -> f64 { x * 2.0 }
/// A point.
#[derive(Debug)]
struct Point { x: f64, y: f64 }
impl Point { fn norm(&self) -> f64 { self.x.hypot(self.y) } }
"""


@pytest.fixture(scope="module")
def kernel():
    kernel = Kernel()
    kernel.ok(PREAMBLE, timeout=180)
    kernel.ok(OWN)
    kernel.ok("let point = Point { x: 1.0, y: 2.0 }; let points = vec![Point { x: 0.0, y: 0.0 }];")
    yield kernel
    kernel.stop()


def answer(kernel, request):
    while True:
        reply = kernel.client.get_shell_msg(timeout=60)
        if reply["parent_header"].get("msg_id") == request:
            return reply["content"]


def tab(kernel, code):
    return answer(kernel, kernel.client.complete(code))["matches"]


def described(kernel, code):
    return answer(kernel, kernel.client.inspect(code))["data"].get("text/plain", "")


def page(kernel, code):
    [payload] = kernel.ok(code).reply["payload"]
    assert payload["source"] == "page"
    return payload["data"]["text/plain"]


@pytest.mark.parametrize(
    "code, offered, hidden",
    [
        ("ae.", {"fit", "encode", "encoder", "save"}, {"plan", "reconstructions_for", "check_data", "evcxr_display", "input"}),
        ("history.", {"epochs", "best", "train_loss"}, {"evcxr_display"}),
        ("plot.", {"line", "title", "to_png"}, {"figure", "problem", "draw", "check"}),
        ("data.test.", {"first", "labels", "batches"}, {"pixels", "decode_from", "divide"}),
        ("&data.train.first(2)?.", {"to_vec2", "dims", "sum_all"}, {"storage", "0", "op"}),
        ("println!(\"{}\", ae.", {"count_params"}, {"check_data"}),
        ("show([&ae.", {"features"}, {"check_data"}),
        ("println!(\n    \"{}\",\n    plot.", {"title"}, {"figure", "draw"}),
        ("for i in 0..3 { let n = numbers.", {"len", "push", "iter"}, {"buf", "extend_desugared", "append_elements"}),
        ("text.", {"len", "push_str", "trim"}, {"vec"}),
        ("std::sync::Arc::new(ae).", {"fit", "encode"}, {"check_data", "ptr", "plan"}),
        ("point.", {"x", "y", "norm"}, set()),
        ("points[0].", {"x", "norm"}, set()),
        ("points.", {"len", "push"}, {"buf"}),
        ("(1, 2).", {"0", "1"}, set()),
        ("Autoencoder::", {"new", "load", "resume"}, {"check_data", "plan"}),
        ("Layer::", {"Linear", "Flatten"}, {"kind_name", "unsupported"}),
        ("show::", {"Marker", "page", "html", "clear_output"}, {"canvas", "new_id", "Canvas", "evcxr_display!"}),
        ("look::", {"explore"}, {"browser"}),
        ("candlebook::", {"Fit", "train", "Limits"}, {"plan", "lock", "file"}),
        ("std::collections::", {"HashMap"}, {"hash", "TryReserveErrorKind"}),
        ("Fit { ", {"epochs", "learning_rate", "..Default::default()"}, set()),
        ("ae.fit(&data, &Fit { epochs: 3, ", {"batch_size", "..Default::default()"}, set()),
        ("Fit { epochs: 3, ..", {"Default::default()"}, set()),
        ("PhotoSettings { ", {"size", "flip"}, set()),
        ("Lin", {"Linear"}, {"Linear(())"}),
        ("prin", {"println!"}, {"println!()"}),
        ("numbers.is_em", {"is_empty"}, {"is_empty()"}),
        ("evc", set(), {"evcxr_analysis_wrapper", "evcxr_variable_store"}),
        (":", {":dep", ":vars", ":help"}, {":sccache", ":internal_debug", ":quit"}),
    ],
)
def test_completion_offers_what_can_be_used(kernel, code, offered, hidden):
    matches = tab(kernel, code)
    assert offered <= set(matches), (code, matches)
    assert not hidden & set(matches), (code, matches)
    assert len(matches) == len(set(matches))


@pytest.mark.parametrize("code", ["ae.", "data.", "plot.", "numbers.", "show::", "Tensor::", "Fit { ", "Aut", "mni", "D"])
def test_a_completion_is_text_that_stays(kernel, code):
    for match in tab(kernel, code):
        assert re.fullmatch(r"(r#)?\w+!?|(\.\.)?Default::default\(\)", match), match


def test_members_that_completion_offers_compile(kernel):
    """Each method of the model that completion offers exists for a cell: a wrong call is not a private one."""
    for name in tab(kernel, "ae."):
        cell = kernel.run(f"ae.{name}(0, 0, 0, 0, 0, 0, 0);")
        assert "private" not in cell.reply["evalue"], (name, cell.reply["evalue"])


@pytest.mark.parametrize("ask", ["?Fit", "Fit?", ":doc Fit"])
def test_every_setting_is_listed_with_type_default_and_meaning(kernel, ask):
    text = page(kernel, ask)
    source = (ROOT / "src/train/fit.rs").read_text()
    fields = re.findall(r"^    pub (\w+): (.*),$", source, re.M)
    assert len(fields) > 10
    for name, kind in fields:
        assert re.search(rf"^ +{name}: {re.escape(kind)}, default \S", text, re.M), (name, text)
    assert "learning_rate: f64, default 0.001\n        Step size of the optimizer." in text
    assert not re.search(r"^ *# ", text, re.M)


def test_methods_are_listed_by_group(kernel):
    text = page(kernel, "?Autoencoder")
    groups = ["Models", "Model files that other programs can read", "Views of a trained model", "Training"]
    assert [text.index(f"\n{group}\n") for group in groups] == sorted(text.index(f"\n{group}\n") for group in groups)
    for line in (".fit(data, fit)", "Autoencoder::load(path)", ".encode(images)", ".features()"):
        assert line in text, line
    for absent in ("plan: Plan", "check_data", "evcxr_display", "# use", "Ok::<()"):
        assert absent not in text, absent


def test_a_variable_is_described_and_displayed(kernel):
    cell = kernel.ok("?ae")
    [payload] = cell.reply["payload"]
    assert "ae: Autoencoder" in payload["data"]["text/plain"]
    shown = [content["data"] for content in cell.of("display_data")]
    assert any("Linear(8)" in str(data) for data in shown), shown
    cell = kernel.ok("?numbers")
    assert "numbers: Vec<f64>" in cell.reply["payload"][0]["data"]["text/plain"]
    assert cell.of("display_data")[0]["data"]["text/plain"] == "[1.5, 2.5]"
    # The variable was not moved.
    assert kernel.ok("numbers.len()").text == "2"


def test_own_functions_are_described_with_their_docs(kernel):
    for text in (page(kernel, "?double"), described(kernel, "double")):
        assert text.startswith("fn double(x: f64) -> f64") and "Doubles a number." in text and "It is exact." in text, text
    assert "A point." in page(kernel, "?Point")
    assert "ctx" not in page(kernel, "?Point").splitlines()[0]


@pytest.mark.parametrize(
    "code, words",
    [
        ("Fit", "learning_rate: f64, default 0.001"),
        ("Autoencoder", ".fit(data, fit)"),
        ("ae", "ae: Autoencoder"),
        ("ae.fit", "fn fit(&mut self, data: &Dataset, fit: &Fit) -> Result<History>"),
        ("ae.encoder", "Layers of the encoder"),
        ("numbers.len", "pub const fn len(&self) -> usize"),
        ("history.epochs", "epochs: Vec<Epoch>"),
        ("Autoencoder::load", "fn load("),
        ("Linear", "Dense layer"),
        ("Layer::Dropout", "Layer::Dropout("),
        ("show", "Renders a value under the cell"),
        ("look", "look::explore("),
        ("Plot", ".line(name, x, y)"),
        ("tensor", "tensor: Tensor"),
        ("Tensor::zeros", "Creates a new tensor filled with zeros."),
        ("Optim", "Adam"),
        ("mnist", "fn mnist("),
        ("data.train", "train: Split"),
    ],
)
def test_question_mark_and_shift_tab_show_the_same(kernel, code, words):
    text = described(kernel, code)
    assert words in text, text
    assert not re.search(r"^ *# |candlebook_|evcxr", text, re.M), text
    assert page(kernel, f"?{code}") == text


def test_a_type_that_needs_its_module_has_a_page_which_names_it(kernel):
    text = page(kernel, "?Event")
    assert text.startswith("struct Event") and "In a cell: `train::Event`." in text, text
    kernel.ok("let kind = train::EventKind::Batch;")
    variants = page(kernel, "?Augmentation")
    assert "Shift { pixels: usize }" in variants and "///" not in variants, variants
    assert "Gaussian)," not in page(kernel, "?Autoencoder")


def test_an_unknown_name_is_said_to_be_unknown(kernel):
    assert page(kernel, "?no_such_name") == "nothing is known about no_such_name"


def test_help_is_the_notebooks(kernel):
    for ask in (":help", "?"):
        text = kernel.ok(ask).text
        for words in (":dep rand", ":vars", "?Fit", "!ls -l", "Shift-Tab"):
            assert words in text, words
        assert "evcxr" not in text.lower() and "sccache" not in text
    for command in re.findall(r"^    (:\w+)", text, re.M):
        if command not in (":dep", ":clear", ":explain"):
            kernel.ok(f"{command} ae" if command == ":type" else command)


def test_unknown_commands_are_answered_with_those_that_exist(kernel):
    reply = kernel.run(":variables").reply
    assert reply["ename"] == "UnknownCommand"
    assert reply["evalue"].startswith("there is no command `:variables`. The commands are :dep, ")
    assert "Kernel menu" in kernel.run(":quit").reply["evalue"]
    assert kernel.ok("numbers.len()").text == "2"


@pytest.mark.parametrize(
    "code, words",
    [
        ("%time ae.evaluate(&data.test)?", "Instant::now()"),
        ("%matplotlib inline", "Plot::new()"),
        ("%%bash\nls", "!ls -l"),
        ("import numpy as np", "Tensor::new"),
        ("from torch import nn\nnn.Linear(3, 4)", "need no import"),
        ("print(numbers)", "println!(\"{numbers:?}\")"),
        ("print(\"a\")", "println!(\"a\")"),
        ("let n = len(numbers);", "numbers.len()"),
        ("def f():\n    return 1", "fn double(x: f64)"),
        ("for i in range(3):\n    print(i)", "for i in 0..10 {"),
        ("pip install numpy", "!pip install numpy"),
        ("ls -l", "!ls -l"),
        ("None", "None::<f64>"),
        ("let flag = True;", "Here: true"),
        ("# a comment\nlet a = 1;", "// a comment"),
        ("np.zeros(3)", "module of Python"),
    ],
)
def test_habits_of_python_get_one_helpful_line(kernel, code, words):
    reply = kernel.run(code).reply
    assert reply["ename"] == "NotRust" and words in reply["evalue"], reply
    assert "\n" not in reply["evalue"] and "token" not in reply["evalue"]


def test_rust_that_looks_like_python_is_rust(kernel):
    assert kernel.ok("fn print(x: i32) -> i32 { x }\nprint(3)").text == "3"
    assert kernel.ok("print(4)").text == "4"
    assert kernel.ok("let len = 5; len").text == "5"
    assert kernel.ok("7\n    % 4").text == "3"


def test_clear_forgets_names_and_keeps_the_prelude(fresh):
    kernel = fresh()
    kernel.ok("let kept = 1; fn own() -> i32 { 2 }")
    assert kernel.ok(":clear\nTensor::zeros(3, DType::F32, &Device::Cpu)?.dims()").text == "[3]"
    for name in ("kept", "own()"):
        assert f"`{name.strip('()')}`" in kernel.run(name).reply["evalue"]
    assert kernel.ok("let kept = 3; kept").text == "3"
    assert "kept" in tab(kernel, "kep")


def test_sources_are_loaded_by_the_first_lookup(fresh):
    """rust-analyzer takes most of a kernel's memory, and cells do not need it."""
    kernel = fresh()
    kernel.ok("let pair = (1u8, vec![0.5]);")
    status = pathlib.Path(f"/proc/{kernel.manager.provisioner.pid}/status").read_text()
    resident = int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))
    assert resident < 200_000
    assert "push" in tab(kernel, "pair.1.pus")
    kernel.ok("let more = pair.1.clone();")
    assert "more: Vec<f64>" in described(kernel, "more")
    assert kernel.ok("more.len()").text == "1"

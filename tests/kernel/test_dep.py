""":dep in any cell: it compiles what is new, says so, and a failure changes nothing."""
import os
import pathlib
import subprocess
import time

import pytest


def write_crate(folder, name, code, dependencies="", build=None):
    (folder / name / "src").mkdir(parents=True, exist_ok=True)
    manifest = f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2024"\n\n[dependencies]\n{dependencies}\n'
    (folder / name / "Cargo.toml").write_text(manifest)
    (folder / name / "src/lib.rs").write_text(code)
    if build:
        (folder / name / "build.rs").write_text(build)


def session(kernel):
    """The kernel's session folder."""
    return pathlib.Path(os.environ["CANDLEBOOK_HOME"]) / f"sessions/{kernel.manager.provisioner.pid}-0"


def compiled(kernel, name):
    """Compiled libraries of a name that are no links to the seed's."""
    files = (session(kernel) / "added/target").rglob(f"lib{name}-*.rlib")
    return [file for file in files if not file.is_symlink()]


def progress(cell):
    """Every text of the line that reports progress."""
    shown = cell.of("display_data") + cell.of("update_display_data")
    return [content["data"]["text/plain"] for content in shown]


@pytest.fixture
def started(fresh, tmp_path):
    """A kernel in a folder of its own, with a variable."""
    kernel = fresh(cwd=str(tmp_path))
    kernel.ok("let kept = vec![1, 2, 3];")
    return kernel


def test_crates_are_added_from_any_line_and_variables_stay(started, tmp_path):
    write_crate(tmp_path, "one", "pub fn one() -> i32 { 1 }")
    write_crate(tmp_path, "two", "pub fn two() -> i32 { 2 * one::one() }", 'one = { path = "../one" }')
    cell = started.ok('let before = 4;\n:dep one = { path = "one" }\n:dep ./two\nbefore + one::one() + two::two()')
    assert cell.text == "7"
    texts = progress(cell)
    assert texts[0].startswith("compiling 2 crates for one 0.1.0 and two 0.1.0, a few seconds"), texts
    assert texts[-1].startswith("one 0.1.0 and two 0.1.0: compiled 2 crates in "), texts
    again = started.ok(":dep ./two\ntwo::two()")
    assert again.text == "2" and progress(again) == []
    assert started.ok("(kept.len(), before)").text == "(3, 4)"
    # A line in a string is text.
    assert started.ok('let text = "a\n:dep nothing\n"; text.len()').text == "15"


def test_a_crate_is_kept_when_the_rest_of_its_cell_fails(started, tmp_path):
    write_crate(tmp_path, "one", "pub fn one() -> i32 { 1 }")
    cell = started.run(":dep ./one\nlet n: String = one::one();")
    assert cell.reply["ename"] == "CompileError", cell.reply
    assert started.ok("one::one() + kept[2]").text == "4"


def test_a_crate_that_does_not_compile_changes_nothing(started, tmp_path):
    write_crate(tmp_path, "good", "pub fn n() -> i32 { 1 }")
    started.ok(":dep ./good")
    write_crate(tmp_path, "bad", "pub fn n() -> i32 { nothing }")
    cell = started.run(":dep ./bad\nbad::n()")
    assert cell.reply["ename"] == "DependencyError"
    error = cell.reply["evalue"]
    assert "cannot find value `nothing`" in error and "Variables and crates are as before" in error, error
    assert started.ok("kept.len() as i32 + good::n()").text == "4"
    write_crate(tmp_path, "bad", "pub fn n() -> i32 { 5 }")
    assert started.ok(":dep ./bad\nbad::n() + good::n()").text == "6"


def test_stop_during_a_build_changes_nothing(started, tmp_path):
    write_crate(tmp_path, "good", "pub fn n() -> i32 { 1 }")
    started.ok(":dep ./good")
    sleeps = "fn main() { std::thread::sleep(std::time::Duration::from_secs(3600)); }"
    write_crate(tmp_path, "slow", "pub fn n() -> i32 { 2 }", build=sleeps)
    pressed = []

    def press(message):
        if message["msg_type"] == "display_data" and not pressed:
            pressed.append(time.monotonic())
            time.sleep(1)
            started.manager.interrupt_kernel()

    cell = started.run(":dep ./slow\nslow::n()", on_message=press)
    assert pressed and cell.reply["ename"] == "Interrupted", cell.reply
    assert started.ok("kept.len() as i32 + good::n()").text == "4"
    assert "slow" not in started.run("slow::n()").reply.get("evalue", "").replace("`slow`", "")
    (tmp_path / "slow/build.rs").write_text("fn main() {}")
    assert started.ok(":dep ./slow\nslow::n() + good::n()").text == "3"


def test_the_source_of_a_local_crate_may_change(started, tmp_path):
    write_crate(tmp_path, "own", "pub fn n() -> i32 { 1 }")
    assert started.ok(":dep ./own\nown::n()").text == "1"
    write_crate(tmp_path, "own", "pub fn n() -> i32 { 22 }")
    assert started.ok("own::n()").text == "22"
    write_crate(tmp_path, "own", "pub fn n() -> i32 { 333")
    cell = started.run("own::n()")
    assert cell.reply["ename"] == "DependencyError" and "no longer compiles" in cell.reply["evalue"], cell.reply
    write_crate(tmp_path, "own", "pub fn n() -> i32 { 4444 }")
    assert started.ok("own::n() + kept[0]").text == "4445"


def test_crates_of_the_helper_are_its_own(started, tmp_path):
    """A second copy of candle would count its own tensor ids, and gradients would be wrong."""
    cell = started.ok(':dep rand = "0.9"\n:dep candle-core = "0.11"\nrand::rng(); let x = Var::new(&[3f32], &Device::Cpu)?;')
    assert progress(cell) == [], "nothing is compiled"
    code = """
        use candle_core::{Result, Tensor};
        pub fn cube(x: &Tensor) -> Result<Tensor> { x * (x * x)? }
        pub fn noise() -> f32 { rand::random() }
        #[derive(serde::Serialize)]
        pub struct Point { pub x: f32 }
    """
    needs = 'candle-core = "0.11"\nrand = "0.9"\nserde = { version = "1", features = ["derive"] }'
    write_crate(tmp_path, "mine", code, needs)
    cell = started.ok(':dep ./mine\nlet y: candle_core::Tensor = mine::cube(x.as_tensor())?;')
    assert progress(cell)[0].startswith("compiling 1 crate for mine 0.1.0"), progress(cell)
    grad = started.ok("let g = y.backward()?; g.get(x.as_tensor()).unwrap().to_vec1::<f32>()?")
    assert grad.text == "[27.0]"
    cell = started.ok(':dep serde_json = "1"\nserde_json::to_string(&mine::Point { x: 1.5 })?')
    assert cell.text == r'"{\"x\":1.5}"'
    for name in ["candle_core", "rand", "serde", "candlebook"]:
        assert compiled(started, name) == [], name
    libraries = (session(started) / "target").rglob("libcandle*.rlib")
    assert [file for file in libraries if file.stat().st_nlink == 1] == [], "the helper was recompiled"


def test_a_crate_that_needs_more_of_a_shared_crate_gets_its_own_copy(started, tmp_path):
    code = """
        use std::rc::Rc;
        #[derive(serde::Serialize)]
        pub struct Shared { pub name: Rc<str> }
        pub fn text() -> String { serde_json::to_string(&Shared { name: "a".into() }).unwrap() }
    """
    needs = 'serde = { version = "1", features = ["derive", "rc"] }\nserde_json = "1"'
    write_crate(tmp_path, "mine", code, needs)
    cell = started.ok(":dep ./mine\nmine::text()")
    assert cell.text == r'"{\"name\":\"a\"}"'
    assert compiled(started, "candle_core") == []
    # The helper's copy still serves the helper, in the same cell.
    assert started.ok("let ae = Autoencoder::symmetric((1, 2, 2), &[Flatten, Linear(2)])?; (mine::text().len(), ae.count_params())").text == "(12, 22)"


def online():
    return {name: value for name, value in os.environ.items() if name != "CANDLEBOOK_OFFLINE"}


def test_a_repository_is_a_source_of_crates(fresh, tmp_path):
    write_crate(tmp_path, "kept_in_git", "pub fn n() -> i32 { 8 }")
    folder = tmp_path / "kept_in_git"
    for words in ["init -q", "add -A", "-c user.name=a -c user.email=a@example.org commit -qm x"]:
        subprocess.run(["git", *words.split()], cwd=folder, check=True)
    line = f':dep kept_in_git = {{ git = "file://{folder}" }}\nkept_in_git::n()'
    assert fresh(env=online()).ok(line).text == "8"
    # A repository that cargo has not fetched yet.
    moved = folder.rename(tmp_path / "moved")
    cell = fresh(env=online() | {"CANDLEBOOK_OFFLINE": "1"}).run(line.replace(str(folder), str(moved)))
    assert "not in cargo's cache" in cell.reply["evalue"] and "CANDLEBOOK_OFFLINE" in cell.reply["evalue"], cell.reply


def test_features_that_the_notebooks_own_copy_lacks_are_named(started):
    cell = started.ok(':dep memchr = { version = "2", features = ["logging"] }\nmemchr::memchr(b\'b\', b"abc")')
    assert cell.text == "Some(1)"
    assert "The notebook's own memchr has no logging" in progress(cell)[0], progress(cell)


@pytest.mark.parametrize(
    "line, words",
    [
        (":dep", "expected `:dep csv = \"1\"`"),
        (":dep rand 0.9", "got `:dep rand 0.9`"),
        (":dep ./missing", "Cargo.toml is missing"),
        (':dep missing = { path = "missing" }', "missing, which has no Cargo.toml"),
        (':dep rand = "99"', "rand"),
        (':dep rand = { version = "0.9", features = ["nothing"] }', "nothing"),
        (':dep crate-that-is-in-no-cache = "1"', "not in cargo's cache"),
        (':dep candlebook = "0.1"', "part of the notebook"),
    ],
)
def test_an_error_says_what_was_expected_and_nothing_is_lost(kernel, line, words):
    kernel.ok("let kept = 1;")
    cell = kernel.run(f"{line}\n1")
    assert cell.reply["ename"] == "DependencyError", cell.reply
    assert words in cell.reply["evalue"], cell.reply["evalue"]
    for word in ["evcxr", "added v1.0.0", "ctx"]:
        assert word not in cell.reply["evalue"], cell.reply["evalue"]
    assert kernel.ok("kept + 1").text == "2"


def test_an_unreachable_registry_is_named(fresh):
    kernel = fresh(env=online() | {"CARGO_HTTP_PROXY": "http://127.0.0.1:9", "CARGO_NET_RETRY": "0"})
    kernel.ok("let kept = 1;")
    cell = kernel.run(':dep crate-that-is-in-no-cache = "1"')
    assert "could not be downloaded" in cell.reply["evalue"], cell.reply
    # What the helper has needs no registry.
    assert kernel.ok(':dep rand = "0.9"\nlet _ = rand::rng(); kept').text == "1"

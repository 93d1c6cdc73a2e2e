"""Promises to users: cells share one candle, output is live, errors are reported, the kernel survives."""
import os
import pathlib
import re
import tomllib
import subprocess
import time

import numpy as np
from conftest import BIN
from safetensors.numpy import load_file


def test_first_cells_need_no_import(kernel):
    assert kernel.ok("1 + 1").text == "2"
    kernel.ok("let data = mnist_embedded()?.take(400, 100);")
    shown = kernel.ok("data").of("display_data")
    assert "image/png" in shown[1]["data"] and "<table>" in shown[0]["data"]["text/html"]


def test_cells_count_from_one_and_a_loop_has_no_result(fresh):
    kernel = fresh()
    first = kernel.ok("let a = 1;")
    assert first.reply["execution_count"] == 1 and first.of("execute_input")[0]["execution_count"] == 1
    assert kernel.ok("for i in 0..3 { let _ = i; }").text is None


def test_cells_share_one_candle(kernel):
    """Tensor ids increase across cells, and gradients equal those of the same code in one cell."""
    ids = []
    for _ in range(4):
        text = kernel.ok("format!(\"{:?}\", Tensor::zeros(1, DType::F32, &Device::Cpu)?.id())").text
        ids.append(int("".join(c for c in text if c.isdigit())))
    assert len(set(ids)) == 4 and ids == sorted(ids), ids
    kernel.ok("let w = Var::new(&[1f32, 2.0, 3.0], &Device::Cpu)?;")
    kernel.ok("let x = Tensor::new(&[4f32, 5.0, 6.0], &Device::Cpu)?;")
    kernel.ok("let y = (w.as_tensor() * &x)?.sqr()?.sum_all()?;")
    apart = kernel.ok("y.backward()?.get(&w).map(|g| g.to_vec1::<f32>()).transpose()?").text
    whole = kernel.ok(
        "let v = Var::new(&[1f32, 2.0, 3.0], &Device::Cpu)?;"
        "let z = (v.as_tensor() * Tensor::new(&[4f32, 5.0, 6.0], &Device::Cpu)?)?.sqr()?.sum_all()?;"
        "z.backward()?.get(&v).map(|g| g.to_vec1::<f32>()).transpose()?"
    ).text
    # 2 w x^2
    assert apart == whole == "Some([32.0, 100.0, 216.0])"


def test_text_and_images_arrive_live_and_in_order(kernel):
    cell = kernel.ok(
        """
        let square = Tensor::ones((4, 4), DType::F32, &Device::Cpu)?;
        for i in 0..3 {
            print!("before {i} ");
            show(&square);
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        let handle = show("0");
        for i in 1..11 { handle.update(i.to_string()); std::thread::sleep(std::time::Duration::from_millis(30)); }
        """
    )
    live = [(when, kind) for when, kind, _ in cell.messages if kind in ("stream", "display_data", "update_display_data")]
    assert [kind for _, kind in live] == ["stream", "display_data"] * 3 + ["display_data"] + ["update_display_data"] * 10
    images = [when for when, kind in live if kind == "display_data"]
    assert images[1] - images[0] > 0.2 and images[2] - images[1] > 0.2, "they arrived together"
    updates = [when for when, kind in live if kind == "update_display_data"]
    assert updates[-1] - updates[0] > 0.2
    ids = {content["transient"]["display_id"] for content in cell.of("update_display_data")}
    assert len(ids) == 1


def test_text_without_a_newline_arrives_immediately_and_completely(kernel):
    cell = kernel.ok(
        'print!("now "); std::thread::sleep(std::time::Duration::from_millis(600)); eprint!("err"); print!("EVCXR_ not ours");'
    )
    assert cell.stream() == "now EVCXR_ not ours" and cell.stream("stderr") == "err"
    times = [when for when, kind, content in cell.messages if kind == "stream"]
    assert times[-1] - times[0] > 0.3


def test_every_kind_of_error_is_an_error_reply(kernel):
    question = kernel.run('let n: i32 = "a".parse::<i32>()?;')
    assert question.reply["ename"] == "Error" and question.reply["evalue"] == "invalid digit found in string"
    compile_error = kernel.run("let n: i32 = \"a\";")
    assert compile_error.reply["ename"] == "CompileError" and "mismatched types" in compile_error.reply["evalue"]
    assert compile_error.of("error")[0]["traceback"]
    panic = kernel.run("let kept_through = 5; ")
    assert panic.reply["status"] == "ok"
    panic = kernel.run('panic!("on purpose")')
    assert panic.reply["ename"] == "Panic" and panic.reply["evalue"] == "on purpose"
    assert kernel.ok("kept_through").text == "5"
    hint = kernel.run("let size = 5;") and kernel.run("Linear(size)")
    assert "let hidden: usize = 128;" in "".join(hint.reply["traceback"])


def test_an_error_of_the_helper_crate_names_the_expected_value(kernel):
    cell = kernel.run("Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(0)])?;")
    assert cell.reply["evalue"] == (
        "encoder layer 1, Linear(0): expected at least one output, got 0. Choose a positive size, such as Linear(128)"
    )


def test_run_all_stops_at_the_first_error(kernel):
    requests = [kernel.client.execute(code) for code in ("let first = 1;", "first / 0 * nonsense", "let third = 3;")]
    replies = {}
    while len(replies) < 3:
        reply = kernel.client.get_shell_msg(timeout=60)
        replies[reply["parent_header"]["msg_id"]] = reply["content"]["status"]
    assert [replies[request] for request in requests] == ["ok", "error", "aborted"]
    time.sleep(0.2)
    assert kernel.ok("first").text == "1"
    assert kernel.run("third").reply["status"] == "error"


def test_stop_in_fit_keeps_the_model(kernel):
    kernel.ok("let data = mnist_embedded()?;")
    kernel.ok("let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(32), Relu])?;")
    before = float(kernel.ok("ae.evaluate(&data.test)?").text)
    pressed = []

    def press(message):
        if message["msg_type"] == "update_display_data" and not pressed:
            pressed.append(time.monotonic())
            kernel.manager.interrupt_kernel()

    cell = kernel.run("let history = ae.fit(&data, &Fit { epochs: 500, ..Default::default() })?;", on_message=press)
    assert cell.reply["status"] == "ok" and time.monotonic() - pressed[0] < 2
    assert kernel.ok("history.stopped").text == "true"
    assert float(kernel.ok("ae.evaluate(&data.test)?").text) < before


def test_stop_during_compilation_cancels_the_cell_and_keeps_the_variables(kernel):
    import threading

    kernel.ok("let kept_through_stop = 7;")
    # A long compilation, which Stop interrupts.
    long_code = "".join(f'println!("{{:?}}", (0..{n}u64).map(|x| x * {n}).filter(|x| x % 3 == 0).collect::<Vec<_>>());' for n in range(400))
    threading.Timer(1.0, kernel.manager.interrupt_kernel).start()
    cell = kernel.run("{" + long_code + "}")
    assert cell.reply["ename"] == "Interrupted" and "variables are as before" in cell.reply["evalue"], cell.reply
    assert cell.stream() == ""
    assert kernel.ok("kept_through_stop").text == "7"


def test_the_exit_of_the_process_is_explained(kernel):
    for code, words in [
        ("std::process::exit(3)", "called exit()"),
        ("unsafe { *(8 as *mut i32) = 1; }", "segmentation fault"),
        ("std::process::abort()", "aborted"),
        ("fn deep(n: u64) -> u64 { deep(n + 1) + 1 } deep(0)", "stack overflow"),
    ]:
        cell = kernel.run(code)
        assert cell.reply["ename"] == "Died" and words in cell.reply["evalue"], cell.reply
        assert kernel.ok("1 + 1").text == "2"


def test_input_and_password_ask_the_front_end(kernel):
    def run(code, answer):
        request = kernel.client.execute(code, allow_stdin=True)
        question = kernel.client.get_stdin_msg(timeout=60)["content"]
        kernel.client.input(answer)
        while kernel.client.get_shell_msg(timeout=60)["parent_header"]["msg_id"] != request:
            pass
        return question

    assert run('let name = input("name? ");', "Ada") == {"prompt": "name? ", "password": False}
    assert kernel.ok("name").text == '"Ada"'
    assert run('let secret = show::password("key? ");', "x y")["password"] is True
    assert kernel.ok("secret").text == '"x y"'


def test_weights_open_in_numpy_and_give_the_same_reconstructions(kernel, tmp_path):
    path = tmp_path / "ae.safetensors"
    kernel.ok("let small = mnist_embedded()?.take(300, 20);")
    kernel.ok("let mut net = Autoencoder::symmetric(small.image_shape(), &[Flatten, Linear(12), Relu, Dropout(0.2)])?;")
    kernel.ok("net.fit(&small, &Fit { epochs: 1, batch_size: 32, ..Default::default() })?;")
    kernel.ok(f'net.save("{path}")?;')
    x = eval(kernel.ok("small.test.first(2)?.flatten_from(1)?.to_vec2::<f32>()?").text)
    y = eval(kernel.ok("net.reconstruct(&small.test.first(2)?)?.flatten_from(1)?.to_vec2::<f32>()?").text)
    w = load_file(path)
    assert sorted(w) == ["decoder.0.bias", "decoder.0.weight", "encoder.1.bias", "encoder.1.weight"]
    code = np.maximum(np.array(x) @ w["encoder.1.weight"].T + w["encoder.1.bias"], 0)
    expected = 1 / (1 + np.exp(-(code @ w["decoder.0.weight"].T + w["decoder.0.bias"])))
    assert np.abs(expected - np.array(y)).max() < 1e-5


def test_two_kernels_at_once_are_independent_and_compile_nothing(fresh):
    one, two = fresh(), fresh()
    for n, kernel in ((1, one), (2, two)):
        kernel.ok(f"let who = {n};")
        session = pathlib.Path(os.environ["CANDLEBOOK_HOME"]) / f"sessions/{kernel.manager.provisioner.pid}-0"
        libraries = list(session.glob("target/*/debug/deps/libcand*.so")) + list(session.glob("target/*/debug/deps/*.rlib"))
        assert len(libraries) > 50
        # Hard links into the seed: a recompiled library would have one link.
        assert all(library.stat().st_nlink > 1 for library in libraries)
    assert (one.ok("who").text, two.ok("who").text) == ("1", "2")


def test_completion_and_inspection_are_answered_while_a_cell_runs(kernel):
    kernel.ok("let candle_length = 3usize;")
    cell = kernel.client.execute("std::thread::sleep(std::time::Duration::from_secs(4));")
    time.sleep(1.5)
    start = time.monotonic()
    asked = kernel.client.complete("candle_l")
    reply = kernel.client.get_shell_msg(timeout=5)
    assert reply["parent_header"]["msg_id"] == asked and reply["content"]["matches"] == ["candle_length"]
    asked = kernel.client.inspect("candle_length")
    reply = kernel.client.get_shell_msg(timeout=5)
    assert reply["parent_header"]["msg_id"] == asked and "usize" in reply["content"]["data"]["text/plain"]
    assert time.monotonic() - start < 1
    while kernel.client.get_shell_msg(timeout=10)["parent_header"]["msg_id"] != cell:
        pass


def test_a_start_compiles_nothing(fresh, tmp_path):
    """The seed has the engine's first evaluation and the prelude compiled."""
    stages = tmp_path / "stages"
    kernel = fresh(env={**os.environ, "CANDLEBOOK_TIMINGS": str(stages)})
    kernel.ok("1")
    names = [line.split(" ", 2)[2] for line in stages.read_text().splitlines()]
    start, first = names[: names.index("wait for a cell")], names[names.index("wait for a cell") :]
    assert "compile" not in start and start.count("reuse") >= 2, names
    assert "compile" in first, names


def test_the_next_kernel_cleans_up_after_a_killed_one(fresh):
    sessions = pathlib.Path(os.environ["CANDLEBOOK_HOME"]) / "sessions"
    killed = fresh()
    killed.ok("1")
    pid = killed.manager.provisioner.pid
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    assert len(children) == 1
    folder = sessions / f"{pid}-0"
    assert folder.exists()
    # From now on, the kernel of another test may remove it, too.
    killed.manager.provisioner.process.kill()
    time.sleep(0.5)
    fresh().ok("1")
    assert not folder.exists()
    deadline = time.monotonic() + 20
    while pathlib.Path(f"/proc/{children[0]}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_run_reports_the_failing_cell_and_exits_with_1(tmp_path):
    import json

    old = {"output_type": "stream", "name": "stdout", "text": "earlier run"}
    cells = ["let hidden: usize = 5;", "println!(\"{hidden}\");", 'let n: i32 = "a".parse::<i32>()?;', "let never = 1;"]
    cells = [
        {"cell_type": "code", "id": str(i), "metadata": {}, "execution_count": 9, "outputs": [old], "source": source}
        for i, source in enumerate(cells)
    ]
    cells[0]["metadata"] = {"tags": ["parameters"]}
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    out = tmp_path / "out.ipynb"
    done = subprocess.run([BIN, "run", path, "-p", "hidden=7", "-o", out], capture_output=True, text=True)
    assert done.returncode == 1 and "invalid digit found in string" in done.stderr, done.stderr
    executed = json.loads(out.read_text())["cells"]
    assert executed[1]["outputs"] == [{"output_type": "stream", "name": "stdout", "text": "7\n"}]
    assert executed[2]["outputs"][0]["ename"] == "Error" and executed[3]["outputs"] == []


def test_bad_arguments_have_error_messages(tmp_path):
    def fails(*arguments, **environment):
        done = subprocess.run([BIN, *arguments], capture_output=True, text=True, env=os.environ | environment)
        assert done.returncode == 1, done
        return done.stderr

    assert "expected a notebook (.ipynb), but it cannot be read" in fails("run", "none.ipynb")
    assert "expected a notebook at none.ipynb, got nothing there" in fails("lab", "none.ipynb")
    text = tmp_path / "text.ipynb"
    text.write_text("hello")
    assert "expected a notebook's JSON; the file is damaged" in fails("run", text)
    # A machine with an old compiler only, and without Python.
    old = tmp_path / "bin"
    old.mkdir()
    (old / "rustc").write_text("#!/bin/sh\necho 'rustc 1.70.0'; echo 'release: 1.70.0'\n")
    (old / "rustc").chmod(0o755)
    alone = {"PATH": str(old), "RUSTUP_HOME": str(tmp_path), "CARGO_HOME": str(tmp_path)}
    assert "rustc: expected 1.95 or newer, got 1.70.0. Run: rustup update stable" in fails("install", **alone)
    home = {"CANDLEBOOK_HOME": str(tmp_path / "home"), **alone}
    book = tmp_path / "book.ipynb"
    book.write_text("{}")
    assert "expected Python 3 for JupyterLab, got none on the path" in fails("lab", book, **home)


def test_the_first_cell_shows_its_value_also_after_a_question_mark(fresh):
    kernel = fresh()
    cell = kernel.ok("let pair = Tensor::zeros((2, 1, 8, 8), DType::F32, &Device::Cpu)?;\nMontage::new(&pair)?.columns(1)")
    assert ["image/png" in content["data"] for content in cell.of("display_data")] == [True]
    assert cell.text is None, "the image is shown once, without text"


def test_a_variable_of_unnameable_type_is_an_error_that_recompiles_nothing(fresh):
    kernel = fresh()
    reply = kernel.run("let f = |x: f64| x + 1.0;").reply
    assert reply["status"] == "error" and "`f` is a closure" in reply["evalue"], reply
    session = pathlib.Path(os.environ["CANDLEBOOK_HOME"]) / f"sessions/{kernel.manager.provisioner.pid}-0"
    assert session.is_dir()
    checked = [path.name for path in session.rglob("libcandle_core*.rmeta") if path.stat().st_nlink == 1]
    assert not checked, "the libraries were rechecked"
    assert kernel.ok("let y: f64 = { let f = |x: f64| x + 1.0; f(1.0) };\ny").text == "2.0"


def test_a_local_crate_is_added_and_nothing_else_is_compiled(fresh, tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "Cargo.toml").write_text('[package]\nname = "tiny"\nversion = "0.1.0"\nedition = "2024"\n')
    (tmp_path / "src/lib.rs").write_text("pub fn two() -> i32 { 2 }\n")
    kernel = fresh()
    assert kernel.ok("1 + 1").text == "2"
    session = pathlib.Path(os.environ["CANDLEBOOK_HOME"]) / f"sessions/{kernel.manager.provisioner.pid}-0"
    versions = lambda: {(package["name"], package["version"]) for package in tomllib.loads((session / "Cargo.lock").read_text())["package"]}
    before = versions()
    cell = kernel.ok(f':dep tiny = {{ path = "{tmp_path}" }}\ntiny::two() + Tensor::ones(1, DType::U8, &Device::Cpu)?.dims1()? as i32')
    assert cell.text == "3"
    assert versions() - {("tiny", "0.1.0")} == before - {("ctx", "1.0.0")} and len(before) > 100, "the tested versions are kept"
    compiled = [path.name for path in session.rglob("libcandle_core*.rlib") if path.stat().st_nlink == 1]
    assert not compiled, "the libraries were recompiled"


def test_a_handle_updates_its_output_from_a_later_cell(kernel):
    first = kernel.ok('let window = show(page::html("<p>This text will be replaced</p>"));').of("display_data")[0]
    later = kernel.ok('window.update(page::html("<p>magic!</p>"));')
    assert later.of("display_data") == []
    second = later.of("update_display_data")[0]
    assert second["transient"] == first["transient"] and second["data"]["text/html"] == "<p>magic!</p>"
    # A value with more parts adds displays; one with fewer leaves the rest empty.
    parts = kernel.ok("window.update(&mnist_embedded()?.take(20, 20)); window.update(\"one\");")
    assert len(parts.of("display_data")) == 1
    assert [content["data"]["text/plain"][:3] for content in parts.of("update_display_data")] == ["MNI", "one", ""]


def test_progress_updates_in_place_and_stop_ends_the_loop(kernel):
    loop = "for _ in progress(0..{n}) {{ std::thread::sleep(std::time::Duration::from_millis(10)); }}\n7"
    cell = kernel.ok(loop.format(n=60))
    assert len(cell.of("display_data")) == 1 and cell.text == "7"
    updates = [content["data"]["text/plain"] for content in cell.of("update_display_data")]
    assert 2 <= len(updates) <= 8 and "60/60" in updates[-1], updates

    def stop(message):
        if message["msg_type"] == "update_display_data":
            kernel.manager.interrupt_kernel()

    cell = kernel.ok(loop.format(n=100_000), on_message=stop)
    assert cell.text == "7" and cell.of("update_display_data")[-1]["data"]["text/plain"].endswith(", stopped")


def test_a_last_expression_may_move_a_variable_and_every_type_is_shown(kernel):
    moved = kernel.ok('let plot = Plot::new().line("a", 0..3, 0..3);\nplot.title("moved")')
    assert [list(content["data"]) for content in moved.of("display_data")] == [["image/png", "text/plain"]]
    assert kernel.ok("let numbers = vec![1, 2];\nnumbers").text == "[1, 2]"
    assert kernel.ok("&numbers").text == "[1, 2]"
    assert kernel.ok("Tensor::zeros((1, 2), DType::F32, &Device::Cpu)?").text == "[[0., 0.]]\nTensor[[1, 2], f32]"
    assert len(kernel.ok('&Plot::new().line("a", 0..3, 0..3)').of("display_data")) == 1
    own = "struct Own;\nimpl Own { fn evcxr_display(&self) { show(page::html(\"<b>own</b>\")); } }\nOwn"
    assert kernel.ok(own).of("display_data")[0]["data"]["text/html"] == "<b>own</b>"
    reply = kernel.run("struct Bare;\nBare").reply
    assert reply["evalue"].startswith("a value of `Bare` cannot be shown: it has no `Debug`"), reply
    reply = kernel.run("let a: usize = 1;\n\nmissing(a)").reply
    assert "3 │" in "\n".join(reply["traceback"]) and "missing" in reply["evalue"]
    assert "1 │" in "\n".join(kernel.run("missing(1)").reply["traceback"])

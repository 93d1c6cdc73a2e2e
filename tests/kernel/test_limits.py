"""Cells that would take the kernel's memory, stack or protocol: they fail in words, and nothing is lost."""
import os
import pathlib
import re
import time

import pytest


def session_of(kernel):
    return pathlib.Path(os.environ["CANDLEBOOK_HOME"]) / f"sessions/{kernel.manager.provisioner.pid}-0"


def memory(kernel):
    """Resident memory of the kernel's process, in MB: the most so far."""
    status = pathlib.Path(f"/proc/{kernel.manager.provisioner.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024


NESTED = {
    "parentheses": "(" * 3000 + "1" + ")" * 3000,
    "blocks": "{" * 2000 + "1" + "}" * 2000,
    "references": "& " * 5000 + "1",
    "negations": "!" * 5000 + "true",
    "sum": "1+" * 100_000 + "1",
    "else if": "if false {}" + " else if false {}" * 20_000,
    "methods": "1i32" + ".abs()" * 20_000,
    "types": "let x: Option<" + "Option<" * 3000 + "u8" + ">" * 3001 + " = None;",
    "open": "(" * 100_000,
}


@pytest.mark.parametrize("code", NESTED.values(), ids=NESTED.keys())
def test_deep_nesting_is_refused_in_words_by_every_request(kernel, code):
    kernel.ok("let kept = 1;")
    cell = kernel.run(code)
    assert cell.reply["ename"] == "TooComplex", cell.reply
    assert "expected a cell nested at most 1000 levels deep" in cell.reply["evalue"]
    for ask in (kernel.client.complete, kernel.client.inspect, kernel.client.is_complete):
        asked = ask(code)
        assert kernel.client.get_shell_msg(timeout=20)["parent_header"]["msg_id"] == asked
    assert kernel.ok("kept").text == "1"


def test_what_is_allowed_compiles(kernel):
    assert kernel.ok("(" * 900 + "1" + ")" * 900).text == "1"
    assert kernel.ok("1" + " + 1" * 900).text == "901"
    assert kernel.ok("{" * 300 + "1" + "}" * 300).text == "1"


def test_a_vector_of_many_literals_is_as_quick_as_an_array(kernel):
    numbers = ", ".join(str(i % 100) for i in range(50_000))
    # A macro's expansion or an optimized array takes more than a minute.
    quick = {"timeout": 30}
    assert kernel.ok(f"let array = [{numbers}];\narray.iter().sum::<i32>()", **quick).text == "2475000"
    assert kernel.ok(f"let v = vec![{numbers}];\nv.iter().sum::<i32>()", **quick).text == "2475000"
    assert kernel.ok(f"vec![{numbers}].len()", **quick).text == "50000"
    reply = kernel.run(f'println!("{{:?}}", ({"1, " * 30_000}));').reply
    assert reply["ename"] == "TooComplex" and "at most 20000 tokens in a macro call" in reply["evalue"], reply


def test_text_that_looks_like_the_engines_protocol_is_text(kernel):
    kernel.ok("let keep = 11;")
    for line in (
        "\\x1eEVCXR_EXECUTION_COMPLETE",
        "EVCXR_EXECUTION_COMPLETE",
        "EVCXR_VARIABLE_CHANGED_TYPE:keep",
        "EVCXR_INPUT_REQUEST:{{}}",
        "EVCXR_PANIC_NOTIFICATION",
        "EVCXR_ERROR_OCCURRED",
        '\\x1eCANDLEBOOK {{\\"op\\": \\"clear\\"}}',
    ):
        cell = kernel.ok(f'println!("{line}"); let after = 1;')
        assert cell.stream() == eval(f'"{line}"').replace("{{", "{").replace("}}", "}") + "\n"
        assert cell.stream("stderr") == "" and cell.of("display_data") == [] and cell.of("clear_output") == []
        assert kernel.ok("keep + after").text == "12"


def test_real_panics_errors_and_displays_are_still_told(kernel):
    reply = kernel.run('let gone = 1; panic!("on purpose")').reply
    assert (reply["ename"], reply["evalue"]) == ("Panic", "on purpose")
    reply = kernel.run('"x".parse::<i32>()?;').reply
    assert (reply["ename"], reply["evalue"]) == ("Error", "invalid digit found in string")
    assert len(kernel.ok("show(mnist_embedded()?.take(10, 10));").of("display_data")) >= 1


def test_a_million_separators_are_few_messages(fresh):
    kernel = fresh()
    kernel.ok("let kept = 2;")
    cell = kernel.ok('print!("{}", "\\x1e".repeat(1_000_000));')
    assert cell.stream() == "\x1e" * 1_000_000
    assert len(cell.of("stream")) < 1000
    assert kernel.ok("kept").text == "2"


def test_output_waits_for_its_reader(fresh):
    kernel = fresh()
    kernel.ok("let kept = 2;")
    before = memory(kernel)
    # 200 MB, while nobody reads: the cell has to wait.
    request = kernel.client.execute('let line = "x".repeat(1 << 16); for _ in 0..3200 { println!("{line}"); }')
    time.sleep(3)
    assert memory(kernel) - before < 150
    received = 0
    while True:
        message = kernel.client.get_iopub_msg(timeout=60)
        if message["msg_type"] == "stream":
            received += len(message["content"]["text"])
        if message["parent_header"].get("msg_id") == request and message["content"].get("execution_state") == "idle":
            break
    assert received == 3200 * ((1 << 16) + 1)
    kernel.client.get_shell_msg(timeout=10)
    assert kernel.ok("kept").text == "2"


def test_folders_and_history_are_private(kernel, tmp_path):
    kernel.ok("1")
    home = pathlib.Path(os.environ["CANDLEBOOK_HOME"])
    mode = lambda path: path.stat().st_mode & 0o777
    assert [oct(mode(path)) for path in (home, home / "sessions", session_of(kernel))] == ["0o700"] * 3
    assert oct(mode(home / "history.jsonl")) == "0o600"
    # Files that cells and shell lines write keep the user's mask.
    mask = os.umask(0)
    os.umask(mask)
    kernel.ok(f'std::fs::write("{tmp_path}/cell", "")?;')
    kernel.ok(f"!touch {tmp_path}/shell")
    for name in ("cell", "shell"):
        assert mode(tmp_path / name) == 0o666 & ~mask


def test_sockets_of_ipc_are_private(fresh, tmp_path):
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="candlebook", transport="ipc", ip=str(tmp_path / "socket"))
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    sockets = list(tmp_path.glob("socket-*"))
    assert len(sockets) == 5 and {path.stat().st_mode & 0o077 for path in sockets} == {0}
    client.stop_channels()
    manager.shutdown_kernel()


def test_completion_waits_until_the_engine_is_ready():
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="candlebook")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    # No wait: the engine takes seconds to start.
    asked = client.complete("std::collections::HashM")
    while True:
        reply = client.get_shell_msg(timeout=120)
        if reply["parent_header"].get("msg_id") == asked:
            break
    assert "HashMap" in reply["content"]["matches"]
    client.stop_channels()
    manager.shutdown_kernel()


@pytest.mark.parametrize("wait", [0.2, 1.0, 2.0])
def test_a_shutdown_while_the_engine_starts_leaves_nothing(wait):
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="candlebook")
    manager.start_kernel()
    sessions = pathlib.Path(os.environ["CANDLEBOOK_HOME"]) / "sessions"
    time.sleep(wait)
    name = f"{manager.provisioner.pid}-0"
    manager.shutdown_kernel(now=False)
    assert [path.name for path in sessions.iterdir() if path.name.startswith(name)] == []


def test_a_session_has_few_files_of_its_own(kernel):
    kernel.ok("1 + 1")
    own = [path.stat().st_size for path in session_of(kernel).rglob("*") if path.is_file() and not path.is_symlink() and path.stat().st_nlink == 1]
    assert sum(own) < 20 << 20, f"{sum(own) >> 20} MB"


def test_a_killed_compiler_is_told_in_words_and_nothing_is_lost(kernel):
    import subprocess
    import threading

    kernel.ok("let kept = 6;")
    pid = str(kernel.manager.provisioner.pid)

    def descendants(parent):
        found = subprocess.run(["pgrep", "-P", parent], capture_output=True, text=True).stdout.split()
        return found + [deeper for child in found for deeper in descendants(child)]

    killed = []

    def kill():
        deadline = time.monotonic() + 20
        while not killed and time.monotonic() < deadline:
            for child in descendants(pid):
                try:
                    name = pathlib.Path(f"/proc/{child}/exe").resolve().name
                except OSError:
                    continue
                if name == "rustc":
                    os.kill(int(child), 9)
                    killed.append(child)
                    return
            time.sleep(0.01)

    thread = threading.Thread(target=kill)
    thread.start()
    reply = kernel.run("let late = kept + 1;").reply
    thread.join()
    assert killed and reply["status"] == "error", reply
    assert reply["evalue"].startswith("the compiler was killed"), reply
    assert "{" not in reply["evalue"] and "sessions" not in reply["evalue"]
    assert kernel.ok("kept").text == "6"

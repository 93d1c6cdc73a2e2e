"""Stop always ends in something, and loses no variables without a warning."""
import threading
import time

import pytest


def stopped(kernel, code, timeout=30):
    """Runs a cell and presses Stop when it prints; returns the cell and the seconds that it took to end."""
    pressed = []

    def press(message):
        if message["msg_type"] == "stream" and not pressed:
            pressed.append(time.monotonic())
            kernel.manager.interrupt_kernel()

    cell = kernel.run(f'println!("go"); {code}', on_message=press, timeout=timeout)
    return cell, time.monotonic() - pressed[0]


@pytest.mark.parametrize(
    "code, words",
    [
        ("let mut n = 0u64; loop { n = std::hint::black_box(n + 1); }", "left in a loop"),
        ("fn spin() { let mut n = 0u64; while n < u64::MAX { n = std::hint::black_box(n + 1); } } spin();", "left in a loop"),
        ("for i in 0..u64::MAX { std::hint::black_box(i); }", "left in a loop"),
        ("loop { std::thread::sleep(std::time::Duration::from_millis(300)); }", "left in a loop"),
        ("std::thread::sleep(std::time::Duration::from_secs(3600));", "waited for was ended"),
        ("let rest = std::thread::spawn(|| std::thread::sleep(std::time::Duration::from_secs(3600))).join().is_ok();", "waited for was ended"),
        ('std::process::Command::new("sleep").arg("3600").status()?;', "waited for was ended"),
    ],
)
def test_a_cell_that_does_not_look_for_stop_ends_and_variables_are_kept(kernel, code, words):
    kernel.ok("let kept = vec![1, 2, 3];")
    cell, seconds = stopped(kernel, code)
    assert cell.reply["ename"] == "Interrupted" and words in cell.reply["evalue"], cell.reply
    assert "kept" in cell.reply["evalue"]
    assert seconds < 6
    assert kernel.ok("kept.len()").text == "3"


def test_a_cell_that_reads_standard_input_finds_its_end_at_stop(kernel):
    kernel.ok("let kept = 7;")
    code = "let mut line = String::new(); let n = std::io::stdin().read_line(&mut line)?;"
    cell, seconds = stopped(kernel, code)
    assert cell.reply["status"] == "ok" and seconds < 6, cell.reply
    assert kernel.ok("(kept, n)").text == "(7, 0)"
    # Prompts work again.
    request = kernel.client.execute('let name = input("name? ");', allow_stdin=True)
    assert kernel.client.get_stdin_msg(timeout=60)["content"]["prompt"] == "name? "
    kernel.client.input("Ada")
    while kernel.client.get_shell_msg(timeout=60)["parent_header"]["msg_id"] != request:
        pass
    assert kernel.ok("name").text == '"Ada"'


def test_closed_standard_streams_come_back_and_nothing_is_lost(kernel):
    kernel.ok("let kept = 5;")
    kernel.ok('unsafe extern "C" { fn close(fd: i32) -> i32; }\nunsafe { close(0); close(1); close(2); }')
    cell = kernel.ok('println!("out {kept}"); eprintln!("err {kept}");')
    assert (cell.stream(), cell.stream("stderr")) == ("out 5\n", "err 5\n")


def test_a_call_that_cannot_be_left_is_killed_only_at_the_second_stop(kernel):
    kernel.ok("let lost = 1;")
    warnings = []

    def press(message):
        if message["msg_type"] == "stream":
            text = message["content"]["text"]
            if "Press Stop again" in text:
                assert "all variables are then lost" in text
                warnings.append(time.monotonic())
            kernel.manager.interrupt_kernel()

    start = time.monotonic()
    # A channel that nobody sends to: only its thread could end the wait.
    code = 'println!("go"); let (keep, wait) = std::sync::mpsc::channel::<u8>(); let _ = wait.recv(); drop(keep);'
    cell = kernel.run(code, on_message=press)
    assert len(warnings) == 1 and 5 <= warnings[0] - start < 12
    assert cell.reply["ename"] == "Died" and "All variables are lost" in cell.reply["evalue"], cell.reply
    assert kernel.run("lost").reply["status"] == "error"
    assert kernel.ok("1 + 1").text == "2"


def test_a_call_that_cannot_be_left_goes_on_without_a_second_stop(kernel):
    kernel.ok("let kept = 1;")
    code = """let (send, wait) = std::sync::mpsc::channel::<u8>();
std::thread::spawn(move || { let since = std::time::Instant::now(); let mut n = 0u64;
    'wait: { while since.elapsed().as_secs() < 9 { n = std::hint::black_box(n + 1); std::thread::yield_now(); if n == u64::MAX { break 'wait; } } }
    let _ = send.send(9); });
let got = wait.recv();"""
    # The loop is in another thread, which ends at Stop without a word, and so does the wait.
    cell, _ = stopped(kernel, code)
    assert cell.reply["ename"] == "Interrupted", cell.reply
    assert kernel.ok("kept").text == "1"


def test_stop_works_while_much_is_printed(kernel):
    kernel.ok("let kept = 3;")
    cell, seconds = stopped(kernel, 'loop { println!("{}", "x".repeat(1000)); }')
    assert cell.reply["ename"] == "Interrupted" and seconds < 6, cell.reply
    assert kernel.ok("kept").text == "3"


def test_stop_works_while_a_long_cell_is_analyzed_and_compiled(kernel):
    kernel.ok("let kept = 4;")
    threading.Timer(0.5, kernel.manager.interrupt_kernel).start()
    start = time.monotonic()
    kernel.run(f"let v = vec![{'1, ' * 50_000}];")
    assert time.monotonic() - start < 20
    assert kernel.ok("kept").text == "4"


def test_programs_of_a_cell_end_with_the_kernel():
    import subprocess

    from conftest import Kernel

    def alive(seconds):
        return subprocess.run(["pgrep", "-f", f"sleep {seconds}"], capture_output=True, text=True).stdout.split()

    for seconds, end in ((98701, lambda kernel: kernel.manager.provisioner.process.kill()), (98702, lambda kernel: kernel.manager.shutdown_kernel(now=False))):
        kernel = Kernel()
        kernel.ok(f'std::process::Command::new("sleep").arg("{seconds}").spawn()?;')
        assert len(alive(seconds)) == 1
        end(kernel)
        deadline = time.monotonic() + 10
        while alive(seconds):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        kernel.client.stop_channels()

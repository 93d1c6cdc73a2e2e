"""Lines that begin with `!`: Rust where they are complete Rust of known names, shell lines otherwise."""
import threading
import time

import pytest


@pytest.fixture(scope="module")
def flags(kernel):
    kernel.ok("let flag = true; let v: Vec<i32> = vec![1, 2]; let x = 3;")
    kernel.ok("fn odd(n: i32) -> bool { n % 2 == 1 }")
    return kernel


@pytest.mark.parametrize(
    "code, value",
    [
        ("!true", "false"),
        ("!flag", "false"),
        ("!!flag", "true"),
        ("!v.is_empty() && x > 2", "true"),
        ("!odd(x)", "false"),
        ("!(x > 5)", "true"),
        ("!(flag\n    && x > 5)", "true"),
        ("!v.iter()\n    .any(|n| *n == 2)", "false"),
        ("!0u8", "255"),
        ("!matches!(x, 1..=2)", "true"),
        ("!std::path::Path::new(\"/no such\").exists()", "true"),
        ("// a note\n\n!flag", "false"),
        ("if x > 1 &&\n    !v.is_empty() { 1 } else { 2 }", "1"),
        ("let y = 4;\n!flag || y == 4", "true"),
        ("::std::mem::size_of::<u64>()", "8"),
    ],
)
def test_a_negation_is_rust(flags, code, value):
    assert flags.ok(code).text == value


@pytest.mark.parametrize(
    "code, out",
    [
        ("!echo a b", "a b\n"),
        ("!printf '%s' flag", "flag"),
        ("!echo one\n!echo two", "one\ntwo\n"),
        ("!echo a | tr a b", "b\n"),
        ("!echo long \\\n  line", "long line\n"),
        ("// a note\n!echo a\nprintln!(\"{x}\");", "a\n3\n"),
        ("!(cd / && pwd)", "/\n"),
        ("!", ""),
    ],
)
def test_other_lines_run_in_the_shell(flags, code, out):
    cell = flags.ok(code)
    assert cell.stream() == out and cell.stream("stderr") == ""


def test_output_arrives_as_it_is_written(flags):
    cell = flags.ok("!echo 1; sleep 0.7; echo 2 >&2; sleep 0.7; echo 3")
    assert cell.stream() == "1\n3\n" and cell.stream("stderr") == "2\n"
    times = [when for when, kind, _ in cell.messages if kind == "stream"]
    assert times[-1] - times[0] > 1


def test_a_failing_line_names_its_exit_code(flags):
    cell = flags.run("!echo before; exit 3\nlet after_failure = 1;")
    assert cell.stream() == "before\n"
    assert cell.reply["evalue"] == "the shell line `echo before; exit 3` failed with exit code 3"
    assert flags.run("after_failure").reply["status"] == "error"
    misspelled = flags.run("!flags2").reply["evalue"]
    assert "cells have no name `flags2`" in misspelled and "127" in misspelled


def test_pip_and_cd_have_a_note(flags):
    assert ":dep" in flags.run("!pip install --no-such-option").stream("stderr")
    assert "set_current_dir" in flags.ok("!cd /").stream("stderr")


def test_a_program_in_the_background_does_not_hold_the_cell(flags):
    start = time.monotonic()
    assert flags.ok("!sleep 30 & echo started").stream() == "started\n"
    assert time.monotonic() - start < 15


def test_stop_ends_a_shell_line_and_keeps_the_variables(flags):
    threading.Timer(1.0, flags.manager.interrupt_kernel).start()
    cell = flags.run("!sleep 60", timeout=30)
    assert cell.reply["ename"] == "Interrupted"
    assert flags.ok("x").text == "3"


@pytest.mark.parametrize(
    "code, status",
    [
        ("!ls -l", "complete"),
        ("!ls /", "complete"),
        ("!flag", "complete"),
        ("!flag &&", "incomplete"),
        ("!(flag", "incomplete"),
        ("!ls |", "incomplete"),
        ("!echo a\nfn f() {", "incomplete"),
    ],
)
def test_completeness_follows_the_same_rule(flags, code, status):
    request = flags.client.is_complete(code)
    while True:
        reply = flags.client.get_shell_msg(timeout=10)
        if reply["parent_header"].get("msg_id") == request:
            assert reply["content"]["status"] == status
            return

"""Variables stay: after a cell that fails, is stopped, or moves them."""
import pytest
from test_stop import stopped

SLIP = 'let slip: i32 = "none".parse()?;'
PANIC = "let far = [7, 8].repeat(2);\nlet none = far[far.len() + 5];"


@pytest.mark.parametrize(
    "fault, before, bound, use, value",
    [
        (SLIP, "", "let a = vec![1, 2];", "a", "[1, 2]"),
        (PANIC, "let shadowed = 1;", 'let shadowed = format!("{shadowed} and more");', "shadowed", '"1 and more"'),
        (SLIP, "", "let twice = 2;\nlet twice = twice * 2;\nlet twice = [twice; 2];", "twice", "[4, 4]"),
        (PANIC, "", 'let (width, name) = (28, String::from("digits"));', "(width, name)", '(28, "digits")'),
        (SLIP, "struct Size { w: u8, h: u8 }", "let Size { w, h: height } = Size { w: 3, h: 4 };", "(w, height)", "(3, 4)"),
        (PANIC, "", "let [low, .., high] = [1, 5, 9];", "(low, high)", "(1, 9)"),
        (SLIP, "", 'let Some(found) = "abc".find(\'c\') else { panic!("none") };', "found", "2"),
        (PANIC, "let mut total = 1;", "total += 10;", "total", "11"),
        (SLIP, 'let mut label = String::from("old");', 'label = String::from("new");', "label", '"new"'),
        (PANIC, 'let source = String::from("moved on");', "let owner = source;", "owner", '"moved on"'),
        (SLIP, "", "let mut grown = Vec::new();\nfor n in 0..3 { grown.push(n * n); }", "grown", "[0, 1, 4]"),
        (PANIC, "", "let early = 5u8; let late = early + 1;", "(early, late)", "(5, 6)"),
        (SLIP, "", "let boxed: Box<dyn Fn(i32) -> i32> = Box::new(|n| n + 1);", "boxed(4)", "5"),
        (PANIC, "", "let chosen = if true { 1.5 } else { 2.5 };", "chosen", "1.5"),
        (SLIP, "", "fn kept_function() -> u8 { 44 }\nlet from_it = kept_function();", "(from_it, kept_function())", "(44, 44)"),
    ],
)
def test_what_a_cell_made_before_it_failed_exists(kernel, fault, before, bound, use, value):
    if before:
        kernel.ok(before)
    failed = kernel.run(f"{bound}\n{fault}")
    assert failed.reply["ename"] in ("Error", "Panic"), failed.reply
    assert kernel.ok(use).text == value


def test_a_question_mark_in_a_loop_keeps_what_the_loop_made(kernel):
    failed = kernel.run('let mut parsed = Vec::new();\nfor word in ["4", "5", "six"] {\n    parsed.push(word.parse::<i32>()?);\n}')
    assert failed.reply["evalue"] == "invalid digit found in string"
    assert kernel.ok("parsed").text == "[4, 5]"


def test_the_message_says_which_names_were_kept_and_which_not(kernel):
    failed = kernel.run(f"let stays = 1;\nlet also = 2;\n{SLIP}\nlet never = 3;")
    assert all(f"`{name}`" in failed.said for name in ("stays", "also", "never")), failed.said
    assert kernel.ok("stays + also").text == "3"
    assert "`never`" in kernel.run("never").reply["evalue"]


def test_a_variable_of_an_earlier_cell_stays_as_it_was_if_its_new_value_fails(kernel):
    kernel.ok("let steady = 10;")
    kernel.run('let steady: i32 = "ten".parse()?;')
    assert kernel.ok("steady").text == "10"


def test_a_panic_in_a_function_keeps_the_names_of_its_cell(kernel):
    kernel.ok("fn deep(n: usize) -> usize { if n == 0 { panic!(\"bottom\") } else { deep(n - 1) + 1 } }")
    failed = kernel.run("let model = vec![0.5; 3];\nlet depth = deep(4);")
    assert failed.reply["evalue"] == "bottom"
    assert kernel.ok("model").text == "[0.5, 0.5, 0.5]"


def test_two_failures_in_a_row_keep_both(kernel):
    kernel.run(f"let first_kept = 1;\n{SLIP}")
    kernel.run(f"let second_kept = first_kept + 1;\n{SLIP}")
    assert kernel.ok("(first_kept, second_kept)").text == "(1, 2)"


def test_stop_keeps_what_the_cell_had_bound(kernel):
    kernel.ok("let from_before = 8;")
    loop = "let mut n = 0u64;\nloop { n = std::hint::black_box(n + 1); }"
    cell, _ = stopped(kernel, f'let steps = vec![3, 1];\nprintln!("bound");\n{loop}\nlet after_loop = 2;')
    assert cell.reply["ename"] == "Interrupted", cell.reply
    assert kernel.ok("(steps.len(), n > 0, from_before)").text == "(2, true, 8)"
    assert "`after_loop`" in kernel.run("after_loop").reply["evalue"]


def test_a_cell_whose_wait_is_ended_by_stop_runs_to_its_end(kernel):
    wait = "std::thread::sleep(std::time::Duration::from_secs(600));"
    cell, _ = stopped(kernel, f'let waits = vec![3, 1];\nprintln!("bound");\n{wait}\nlet after_wait = 2;')
    assert cell.reply["ename"] == "Interrupted", cell.reply
    assert kernel.ok("(waits.len(), after_wait)").text == "(2, 2)"


def test_stop_in_a_loop_keeps_its_progress(kernel):
    loop = "let mut rounds = 0u64;\nloop { rounds += 1; std::thread::sleep(std::time::Duration::from_millis(5)); }"
    assert stopped(kernel, loop)[0].reply["ename"] == "Interrupted"
    assert int(kernel.ok("rounds").text) > 0


def test_moves_in_a_loop_come_back(kernel):
    kernel.ok("let mut curves = Plot::new();")
    kernel.ok('for n in 1..4 { curves = curves.line(&format!("run {n}"), 0..2, [n as f64, 1.0]); }')
    assert kernel.ok("&curves").of("display_data")
    kernel.ok("let mut words = vec![String::from(\"a\")];")
    kernel.ok("while words.len() < 8 { words = [words.clone(), words].concat(); }")
    assert kernel.ok("words.len()").text == "8"


def test_a_move_that_is_undone_in_only_one_branch_is_told(kernel):
    kernel.ok('let mut batch = vec![1, 2];\nlet redo = true;')
    kernel.ok("if redo { batch = batch.into_iter().rev().collect(); }")
    assert kernel.ok("batch").text == "[2, 1]"


def test_a_variable_that_a_failing_cell_did_not_reach_is_told(kernel):
    failed = kernel.run('let reached = 1;\nlet broken: u8 = "x".parse()?;\nlet unreached = 2;')
    assert failed.reply["status"] == "error"
    missing = kernel.run("unreached")
    assert f"`unreached` is not defined: cell {failed.reply['execution_count']} failed before its `let`." in missing.said
    assert kernel.ok("reached").text == "1"


@pytest.mark.parametrize(
    "made, moved",
    [
        ("let cargo = vec![1, 2, 3];", "drop(cargo);"),
        ("let cargo = String::from(\"x\");", "fn take(s: String) -> usize { s.len() }\nlet size = take(cargo);"),
        ("let cargo = Plot::new();", "let other = cargo;"),
        ("let cargo = vec![5];", "std::thread::spawn(move || cargo.len()).join().unwrap();"),
        ("let cargo = vec![5];", "for n in cargo { println!(\"{n}\"); }"),
    ],
    ids=["drop", "function", "let", "thread", "loop"],
)
def test_a_moved_variable_is_named_with_its_cell(kernel, made, moved):
    kernel.ok(made)
    cell = kernel.ok(moved)
    missing = kernel.run("&cargo")
    assert f"`cargo` was moved by cell {cell.reply['execution_count']}" in missing.said, missing.reply
    kernel.ok("let cargo = 3;")
    assert kernel.ok("cargo").text == "3"


def test_a_variable_may_be_moved_and_made_anew_in_one_cell(kernel):
    kernel.ok('let mut state = vec![String::from("warm")];')
    kernel.ok("let old_state = state;\nstate = vec![String::from(\"cold\")];")
    assert kernel.ok("(old_state, state)").text == '(["warm"], ["cold"])'


def test_a_moved_variable_can_be_assigned_after_a_failure(kernel):
    kernel.ok('let mut queue = vec!["a"];')
    kernel.run(f"let drained = queue;\n{SLIP}")
    kernel.ok('queue = vec!["b", "c"];')
    assert kernel.ok("(drained, queue)").text == '(["a"], ["b", "c"])'

"""Types of variables: kept wherever they have a name, and explained where they have none."""
import pytest


@pytest.fixture(scope="module")
def kernel():
    from conftest import Kernel

    kernel = Kernel()
    kernel.ok("use candle_nn::{Module, VarBuilder, VarMap};\nlet variables = VarMap::new();\nlet numbers = vec![1, 2, 3];")
    yield kernel
    kernel.stop()


BUILDER = "VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu)"


@pytest.mark.parametrize(
    "make, use, value",
    [
        (f"let builder = {BUILDER};", 'builder.pp("a").prefix()', '"a"'),
        (f'let (inner, depth) = ({BUILDER}.pp("b").pp("c"), 2);', "(inner.prefix(), depth)", '("b.c", 2)'),
        ("fn fault() -> Box<dyn std::error::Error> { \"why\".into() }\nlet fault = fault();", "fault.to_string()", '"why"'),
        ("fn sink() -> Box<dyn std::io::Write> { Box::new(Vec::new()) }\nlet mut sink = sink();", "std::io::Write::write(&mut sink, b\"ab\")?", "2"),
        ("fn text() -> Box<dyn std::fmt::Write> { Box::new(String::new()) }\nlet mut text = text();", "text.write_str(\"a\").is_ok()", "true"),
        ("fn any() -> Vec<Box<dyn std::any::Any>> { vec![Box::new(3u8)] }\nlet any = any();", "any[0].is::<u8>()", "true"),
        (
            "mod forms { pub trait Form { fn area(&self) -> f64; } impl Form for f64 { fn area(&self) -> f64 { self * self } }\n"
            "    pub fn square() -> Box<dyn Form> { Box::new(3.0) } }\nlet square = forms::square();",
            "forms::Form::area(&*square)",
            "9.0",
        ),
        ("use std::sync::{Arc, Mutex};\nlet shared: Arc<Mutex<Vec<Box<dyn Module + Send>>>> = Default::default();\nlet again = shared.clone();", "again.lock().unwrap().len()", "0"),
        ("let ends = vec![1, 2, 3].into_iter().rev().step_by(2);", "ends.collect::<Vec<_>>()", "[3, 1]"),
        ("let half: Box<dyn Fn(f64) -> _> = Box::new(move |x: f64| x / 2.0);", "half(3.0)", "1.5"),
        # The compiler names this type by an unstable module.
        ("let (_, empty) = std::sync::mpsc::channel::<u8>();\nlet lost = empty.recv();", "lost", "Err(RecvError)"),
        ("let whole @ (half, _) = (4, 5);", "(whole, half)", "((4, 5), 4)"),
        ("let (low, mut high) = (1u8, vec![2.5]);\nhigh.push(0.5);", "(low, high)", "(1, [2.5, 0.5])"),
        ("let late;\nlet early = 3;\nlate = early + 1u8;", "(early, late)", "(3, 4)"),
        ("let found: Vec<_> = (0..2u16).collect();", "found", "[0, 1]"),
        (
            "use std::collections::{BTreeMap, HashMap};\nlet nested = vec![(1u8, HashMap::<String, Vec<(String, HashMap<String, Vec<BTreeMap<String, "
            "Vec<(u8, Option<Result<u32, std::io::Error>>)>>>>)>>::new())];",
            "nested.len()",
            "1",
        ),
        ("const SIDE: usize = 2;\nlet grid = [[0u8; SIDE]; SIDE + 1];", "grid.len()", "3"),
    ],
)
def test_a_variable_whose_type_has_a_name_is_kept(kernel, make, use, value):
    kernel.ok(make)
    assert kernel.ok(use).text == value


@pytest.mark.parametrize(
    "code, line, words",
    [
        ("let f = |x: f64| x + 1.0;", 1, ["`f` is a closure", "let f: Box<dyn Fn(f64) -> _> = Box::new(move |x: f64| x + 1.0);"]),
        ("let g = Box::new(|| 3);", 1, ["`g` (Box<closure>)", "let g: Box<dyn Fn() -> _> = Box::new(move || 3);"]),
        ("\nlet doubled = numbers.iter().map(|n| n * 2);", 2, ["`doubled`", "let doubled: Vec<_> = numbers.iter().map(|n| n * 2).collect();"]),
        ("fn odd() -> impl Iterator<Item = u8> { 1..9 }\nlet odd = odd();", 2, ["`odd` (impl Iterator<Item = u8>)", "odd().collect()"]),
        ("fn debug() -> impl std::fmt::Debug { 3 }\nlet debug = debug();", 2, ["let debug: Box<dyn Debug> = Box::new(debug());"]),
        ('let whole = String::from("abc");\nlet piece = &whole[..2];', 2, ["`piece` (&str) borrows", "let piece = whole[..2].to_string();"]),
        ("let lock = std::sync::Mutex::new(1);\nlet guard = lock.lock();", 2, ["`guard` (Result<MutexGuard<", "borrow again in each cell"]),
    ],
)
def test_a_variable_that_cannot_be_kept_is_explained(kernel, code, line, words):
    failed = kernel.run(code)
    assert failed.reply["status"] == "error"
    assert f"cell {failed.reply['execution_count']}, line {line}: " in failed.said
    for word in words:
        assert word in failed.said, failed.said
    assert "evcxr" not in failed.said and "persist" not in failed.said
    kernel.ok("{ " + code + " }")


@pytest.mark.parametrize(
    "code, line, words",
    [
        ('let rows = vec![1];\nlet first = &rows[0];\nrows.push(2);\nprintln!("{first}");', 3, ["cannot borrow `rows` as mutable"]),
        ("let row = [1, 2, 3];\nlet fourth = row[5];", 2, ["this operation will panic at runtime"]),
        ("let plus = |x: i32| x + 1;\nlet wrong: u8 = plus;", 2, ["mismatched types"]),
    ],
)
def test_an_error_of_the_cell_precedes_advice(kernel, code, line, words):
    kernel.ok('let greeting = "hi";')
    failed = kernel.run(code)
    assert failed.reply["ename"] == "CompileError", failed.reply
    assert f"cell {failed.reply['execution_count']}:{line}:" in failed.said, failed.said
    for word in words:
        assert word in failed.said, failed.said


def test_a_closure_that_borrows_is_explained_as_a_closure(kernel):
    failed = kernel.run("let factor = 3;\nlet times = |x: i32| x * factor;\ntimes(4);")
    assert "`times` is a closure" in failed.said and "'static" not in failed.said, failed.said


def test_a_variable_that_borrows_from_a_static_disturbs_no_later_cell(kernel):
    kernel.ok('use std::borrow::Cow;\nlet lent: Cow<str> = "abc".into();\nlet word = "de";\nlet pair = ("f", [&5u8]);')
    kernel.ok('let lengths = (lent.len(), word.len(), "3".parse::<usize>()?);')
    assert kernel.ok("lengths").text == "(3, 2, 3)"
    assert "`add` is a closure" in kernel.run("let add = |a: i32, b: i32| a + b;").said


def test_variables_may_have_capitals(kernel):
    kernel.ok("let X = vec![1.5];\nlet (X_train, N) = (2, \"10\".parse::<usize>()?);\nlet LR = 0.1;\nlet Some(found) = Some(4) else { panic!() };")
    assert kernel.ok("(X, X_train, N, LR, found)").text == "([1.5], 2, 10, 0.1, 4)"


def test_a_value_that_is_never_there_panics_in_its_line(kernel):
    for code in ["let early = 1;\nlet never = todo!();", 'let early = 1;\nlet never = { println!("so far"); panic!("no") };']:
        failed = kernel.run(code)
        assert failed.reply["ename"] == "Panic"
        assert any("line 2" in line for line in failed.reply["traceback"]), failed.reply


def test_the_advice_works(kernel):
    kernel.ok("let plus: Box<dyn Fn(f64) -> _> = Box::new(move |x: f64| x + 1.0);")
    kernel.ok("let doubled: Vec<_> = numbers.iter().map(|n| n * 2).collect();")
    assert kernel.ok("(plus(1.0), doubled)").text == "(2.0, [2, 4, 6])"


def test_a_type_is_named_beside_another_result(kernel):
    kernel.ok("use candle_core::Result;")
    assert "`f` is a closure" in kernel.run("let f = |x: f64| x + 1.0;").said
    kernel.ok(f"let beside = {BUILDER};")
    assert "`f` is a closure" in kernel.run("let f = |x: f64| x + 1.0;").said

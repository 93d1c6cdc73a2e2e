"""Macros of cells that make items: later cells know the items."""
import pytest

POINT = "macro_rules! point { ($name:ident) => { #[derive(Debug, Clone, PartialEq)] struct $name { x: f64, y: f64 } }; }"


@pytest.mark.parametrize("call", ["point!(Pixel);", "point![Pixel];", "point! { Pixel }", "point!(\n    Pixel\n)"])
def test_a_later_cell_knows_a_type_that_a_macro_makes(kernel, call):
    kernel.ok(POINT)
    kernel.ok(call)
    kernel.ok("let pixel = Pixel { x: 1.0, y: 2.0 };")
    assert kernel.ok("pixel.clone()").text == "Pixel { x: 1.0, y: 2.0 }"
    kernel.ok(call)
    assert kernel.ok("pixel == Pixel { x: 1.0, y: 2.0 }").text == "true", "run again"


def test_rules_with_attributes_visibility_types_and_repetitions(kernel):
    kernel.ok(
        """macro_rules! settings {
    ($(#[$meta:meta])* $vis:vis $name:ident { $($field:ident : $ty:ty = $default:expr),* $(,)? }) => {
        $(#[$meta])* $vis struct $name { $($vis $field: $ty),* }
        impl Default for $name { fn default() -> Self { $name { $($field: $default),* } } }
        impl $name { fn fields() -> &'static [&'static str] { &[$(stringify!($field)),*] } }
    };
    (alias $name:ident = $ty:ty) => { type $name = $ty; };
}
settings! {
    /// What a "run" has.
    #[derive(Debug)]
    pub Run { rate: f64 = 1.0 + 0.5, r#type: &'static str = "a\\tb", nested: Vec<Vec<u8>> = vec![vec![1]] }
}
settings!(alias Runs = Vec<Run>);"""
    )
    assert kernel.ok("let runs: Runs = vec![Run::default()];\nruns").text == (
        '[Run { rate: 1.5, type: "a\\tb", nested: [[1]] }]'
    )
    assert kernel.ok("Run::fields().len()").text == "3"


def test_a_macro_that_makes_macros_functions_and_statics(kernel):
    kernel.ok(
        """macro_rules! counter {
    ($name:ident, $next:ident) => {
        static $name: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);
        fn $next() -> u8 { $name.fetch_add(1, std::sync::atomic::Ordering::SeqCst) }
        macro_rules! twice { () => { ($next(), $crate::$next()) } }
    };
}
counter!(OPENED, open);"""
    )
    kernel.ok("open();")
    assert kernel.ok("twice!()").text == "(1, 2)"


def test_an_edited_macro_counts_when_its_call_runs_again(kernel):
    kernel.ok("struct Square(f64);\nmacro_rules! area { ($t:ty) => { impl $t { fn area(&self) -> f64 { self.0 } } } }")
    kernel.ok("area!(Square);")
    assert kernel.ok("Square(3.0).area()").text == "3.0"
    kernel.ok("macro_rules! area { ($t:ty) => { impl $t { fn area(&self) -> f64 { self.0 * self.0 } } } }")
    kernel.ok("area!(Square);")
    assert kernel.ok("Square(3.0).area()").text == "9.0"


def test_macros_that_make_values_or_variables_stay_as_they_are(kernel):
    kernel.ok("macro_rules! sum { ($($n:expr),*) => { 0 $(+ $n)* } }\nmacro_rules! keep { ($n:ident) => { let $n = 7; } }")
    assert kernel.ok("sum!(1, 2, 3)").text == "6"
    kernel.ok("let total = sum!(4, 5);\nkeep!(kept);")
    assert kernel.ok("total").text == "9"


def test_an_error_after_a_call_names_its_line(kernel):
    kernel.ok(POINT)
    cell = kernel.run("point!(\n    Pixel\n);\nlet wrong: u8 = \"\";")
    assert "mismatched types" in cell.reply["evalue"]
    assert ":4:" in cell.said or "line 4" in cell.said, cell.said
    assert "no rules expected" in kernel.run("point!(Pixel, 3);").reply["evalue"]

"""Items of cells: an edited one replaces the one before, and a static is one for the kernel."""
import pytest


@pytest.mark.parametrize(
    "item, edited, use, values",
    [
        ("static PATIENCE: i32 = 3;", "static PATIENCE: i32 = 4;", "PATIENCE", ("3", "4")),
        ("const WIDTH: usize = 28;", "const WIDTH: usize = 32;", "[0u8; WIDTH].len()", ("28", "32")),
        ("const RATE: i32 = 1;", "const RATE: f64 = 0.5;", "RATE * RATE", ("1", "0.25")),
        (
            "macro_rules! twice { ($e:expr) => { $e + $e } }",
            "macro_rules! twice { ($e:expr) => { 2 * $e + 1 } }",
            "twice!(5)",
            ("10", "11"),
        ),
        (
            "use std::f32::consts::PI as CIRCLE;",
            "use std::f64::consts::TAU as CIRCLE;",
            'format!("{CIRCLE:.3}")',
            ('"3.142"', '"6.283"'),
        ),
        ("type Pixel = u8;", "type Pixel = f32;", "Pixel::MAX as f64 > 255.0", ("false", "true")),
        ("fn half(n: i32) -> i32 { n / 2 }", "fn half(n: f64) -> f64 { n / 2.0 }", "half(5 as _)", ("2", "2.5")),
        (
            "mod units { pub fn name() -> &'static str { \"mm\" } }",
            "mod units { pub fn name() -> &'static str { \"cm\" } }",
            "units::name()",
            ('"mm"', '"cm"'),
        ),
        (
            "trait Area { fn area(&self) -> u32; }\nimpl Area for (u32, u32) { fn area(&self) -> u32 { self.0 * self.1 } }",
            "trait Area { fn area(&self) -> u32; }\nimpl Area for (u32, u32) { fn area(&self) -> u32 { self.0 + self.1 } }",
            "(3, 5).area()",
            ("15", "8"),
        ),
        (
            "enum Side { Left, Right }\nimpl Side { fn all() -> usize { 2 } }",
            "enum Side { Left, Right, Both }\nimpl Side { fn all() -> usize { let _ = Side::Both; 3 } }",
            "Side::all()",
            ("2", "3"),
        ),
    ],
)
def test_an_edited_item_counts(kernel, item, edited, use, values):
    kernel.ok(item)
    assert kernel.ok(use).text == values[0]
    kernel.ok(item)
    assert kernel.ok(use).text == values[0], "run again without an edit"
    kernel.ok(edited)
    assert kernel.ok(use).text == values[1]


def test_a_generic_impl_is_replaced(kernel):
    bag = "impl<T: Clone> Bag<T> {{ fn put(&mut self, item: T) {{ {} }} }}"
    kernel.ok("#[derive(Debug)]\nstruct Bag<T> { items: Vec<T> }")
    kernel.ok(bag.format("self.items.push(item)"))
    kernel.ok("let mut bag = Bag { items: vec![1] };\nbag.put(2);")
    kernel.ok(bag.format("self.items.insert(0, item.clone()); self.items.push(item)"))
    kernel.ok("bag.put(7);")
    assert kernel.ok("bag.items").text == "[7, 1, 2, 7]"


def test_impls_for_other_type_arguments_stay_beside_an_edited_one(kernel):
    kernel.ok("struct Wrapped<T>(T);")
    kernel.ok("impl Wrapped<u8> { fn kind(&self) -> &str { \"byte\" } }")
    kernel.ok("impl Wrapped<f32> { fn kind(&self) -> &str { \"float\" } }")
    kernel.ok("impl Wrapped<f32> { fn kind(&self) -> &str { \"single\" } }")
    assert kernel.ok("(Wrapped(1u8).kind(), Wrapped(1f32).kind())").text == '("byte", "single")'


def test_two_impls_of_a_type_in_two_cells_both_stay(kernel):
    kernel.ok("struct Net { width: usize }\nimpl Net { fn new() -> Net { Net { width: 3 } } }")
    kernel.ok("impl Net { fn weights(&self) -> usize { self.width * self.width } }")
    assert kernel.ok("Net::new().weights()").text == "9"
    kernel.ok("impl Net { fn weights(&self) -> usize { self.width * self.width + 1 } }")
    assert kernel.ok("Net::new().weights()").text == "10"


def test_a_trait_with_an_associated_type_is_replaced_with_its_impl(kernel):
    kernel.ok("trait Encode { type Code; fn encode(&self) -> Self::Code; }")
    kernel.ok("impl Encode for str { type Code = usize; fn encode(&self) -> usize { self.len() } }")
    assert kernel.ok('"four".encode()').text == "4"
    kernel.ok("impl Encode for str { type Code = String; fn encode(&self) -> String { self.to_uppercase() } }")
    assert kernel.ok('"four".encode()').text == '"FOUR"'


def test_a_removed_or_renamed_method_is_gone(kernel):
    kernel.ok("struct Clock { ticks: u32 }\nlet clock = Clock { ticks: 9 };")
    kernel.ok("impl Clock { fn now(&self) -> u32 { self.ticks } fn half(&self) -> u32 { self.ticks / 2 } }", cell_id="clock")
    assert kernel.ok("clock.now() + clock.half()").text == "13"
    kernel.ok("impl Clock { fn time(&self) -> u32 { self.ticks * 10 } }", cell_id="clock")
    assert kernel.ok("clock.time()").text == "90"
    assert "no method named `half`" in kernel.run("clock.half()").reply["evalue"]
    assert "no method named `now`" in kernel.run("clock.now()").reply["evalue"]


def test_without_cell_ids_an_impl_replaces_the_one_with_the_same_methods(kernel):
    kernel.ok("struct Lamp(u32);\nlet lamp = Lamp(5);")
    kernel.ok("impl Lamp { fn on(&self) -> u32 { self.0 } fn off(&self) -> u32 { 0 } fn dim(&self) -> u32 { self.0 / 2 } }")
    kernel.ok("impl Lamp { fn wired(&self) -> bool { true } }")
    kernel.ok("impl Lamp { fn dim(&self) -> u32 { self.0 / 5 } }")
    assert kernel.ok("(lamp.on(), lamp.off(), lamp.dim(), lamp.wired())").text == "(5, 0, 1, true)"
    kernel.ok("impl Lamp { fn on(&self) -> u32 { self.0 * 2 } fn blink(&self) -> u32 { 7 } }")
    assert kernel.ok("(lamp.on(), lamp.blink(), lamp.wired())").text == "(10, 7, true)"
    assert "no method named `off`" in kernel.run("lamp.off()").reply["evalue"]


def test_a_struct_and_its_impl_edited_in_one_cell(kernel):
    kernel.ok("#[derive(Clone)]\nstruct Sampler { seed: u64 }\nimpl Sampler { fn next(&self) -> u64 { self.seed + 1 } }")
    kernel.ok("let sampler = Sampler { seed: 4 };\nlet beside = 6u64;")
    kernel.ok("#[derive(Clone)]\nstruct Sampler { seed: u64 }\nimpl Sampler { fn next(&self) -> u64 { self.seed * 3 } }")
    assert kernel.ok("sampler.next()").text == "12", "the type is the same, so its variable stays"
    kernel.ok(
        "#[derive(Clone)]\nstruct Sampler { seed: u64, step: u64 }\n"
        "impl Sampler { fn next(&self) -> u64 { self.seed + self.step } }\n"
        "impl Default for Sampler { fn default() -> Self { Sampler { seed: 1, step: 10 } } }"
    )
    assert kernel.ok("Sampler::default().next() + beside").text == "17"


def test_derives_and_manual_impls_replace_each_other(kernel):
    kernel.ok("#[derive(Debug)]\nstruct Pose(f32);")
    kernel.ok("struct Pose(f32);\nimpl std::fmt::Debug for Pose { fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result { write!(f, \"{}°\", self.0) } }")
    assert kernel.ok("Pose(45.0)").text == "45°"
    kernel.ok("#[derive(Debug)]\nstruct Pose(f32);")
    assert kernel.ok("Pose(45.0)").text == "Pose(45.0)"


def test_a_faulty_edit_leaves_the_impl_before_it(kernel):
    kernel.ok("struct Ruler(f64);\nimpl Ruler { fn inches(&self) -> f64 { self.0 / 2.5 } }")
    assert "mismatched types" in kernel.run("impl Ruler { fn inches(&self) -> f64 { \"long\" } }").reply["evalue"]
    assert kernel.ok("Ruler(10.0).inches()").text == "4.0"


def test_a_function_that_uses_the_old_form_of_a_struct_is_named(kernel):
    kernel.ok("struct Config { lr: f64 }")
    kernel.ok("fn describe(config: &Config) -> String { format!(\"lr {}\", config.lr) }")
    cell = kernel.run("struct Config { rate: f64 }")
    if cell.reply["status"] == "error":
        assert "`describe`" in cell.said
    else:
        assert "`describe`" in kernel.run("describe(&Config { rate: 0.1 })").said


@pytest.mark.parametrize(
    "cell, use, first, second",
    [
        (
            "fn ticket() -> u32 { static LAST: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(40);\n"
            "    LAST.fetch_add(1, std::sync::atomic::Ordering::SeqCst) }",
            "ticket()",
            "40",
            "41",
        ),
        ("static mut SUM: i64 = 0;", "unsafe { SUM += 6; SUM }", "6", "12"),
        (
            "thread_local! { static DEPTH: std::cell::Cell<i32> = std::cell::Cell::new(5); }",
            "DEPTH.with(|depth| { depth.set(depth.get() * 2); depth.get() })",
            "10",
            "20",
        ),
        (
            "static LOG: std::sync::LazyLock<std::sync::Mutex<Vec<usize>>> = std::sync::LazyLock::new(Default::default);",
            "{ let mut log = LOG.lock().unwrap(); let n = log.len(); log.push(n); format!(\"{log:?}\") }",
            '"[0]"',
            '"[0, 1]"',
        ),
        (
            "struct Gauge { level: std::sync::atomic::AtomicI32 }\n"
            "impl Gauge { fn raise(&self) -> i32 { 1 + self.level.fetch_add(1, std::sync::atomic::Ordering::SeqCst) } }\n"
            "static GAUGE: Gauge = Gauge { level: std::sync::atomic::AtomicI32::new(7) };",
            "GAUGE.raise()",
            "8",
            "9",
        ),
        (
            "static NAMES: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());\n"
            "fn note(name: &str) -> usize { let mut names = NAMES.lock().unwrap(); names.push(name.into()); names.len() }",
            "note(\"again\")",
            "1",
            "2",
        ),
    ],
    ids=["in a function", "mut", "thread_local", "LazyLock", "own type", "behind a function"],
)
def test_a_static_keeps_its_value_from_cell_to_cell(kernel, cell, use, first, second):
    kernel.ok(cell)
    assert kernel.ok(use).text == first
    kernel.ok("let between = 0;")
    assert kernel.ok(use).text == second


def test_a_static_can_be_lent_to_a_thread_of_a_later_cell(kernel):
    kernel.ok("static DONE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);")
    kernel.ok("std::thread::spawn(|| DONE.store(true, std::sync::atomic::Ordering::SeqCst)).join().unwrap();")
    assert kernel.ok("DONE.load(std::sync::atomic::Ordering::SeqCst)").text == "true"


def test_a_macro_may_make_a_function_and_an_impl(kernel):
    kernel.ok(
        """macro_rules! unit {
    ($name:ident, $make:ident, $factor:expr) => {
        struct $name(f64);
        impl $name { fn base(&self) -> f64 { self.0 * $factor } }
        fn $make(n: f64) -> $name { $name(n) }
    };
}"""
    )
    kernel.ok("unit!(Inch, inch, 2.5);\nunit!(Foot, foot, 30.0);")
    assert kernel.ok("(inch(2.0).base(), foot(2.0).base())").text == "(5.0, 60.0)"
    kernel.ok("unit!(Foot, foot, 30.5);")
    assert kernel.ok("(inch(2.0).base(), foot(2.0).base())").text == "(5.0, 61.0)"


def test_a_macro_that_makes_statics_makes_one_for_the_kernel(kernel):
    kernel.ok("macro_rules! counter { ($name:ident) => { static $name: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0); }; }")
    kernel.ok("counter!(OPENED);\ncounter!(CLOSED);")
    for expected in ("(0, 0)", "(1, 1)"):
        used = "let by = std::sync::atomic::Ordering::SeqCst;\n(OPENED.fetch_add(1, by), CLOSED.fetch_add(1, by))"
        assert kernel.ok(used).text == expected

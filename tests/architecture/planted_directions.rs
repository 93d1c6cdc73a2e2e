//! Planted text for rules 1 to 3: each violation has a twin that is allowed.

use crate::rules::Directions;
use crate::source::Tree;

const LIB: &str = "
    pub mod error;
    pub mod file;
    pub mod math;
    pub mod show;
    pub mod layer;
    pub mod prelude;
    pub use error::Error;
    pub use layer::Layer;
    pub use candle_core as candle;
";

const FILES: [(&str, &str); 14] = [
    ("lib.rs", LIB),
    ("error.rs", "pub struct Error;"),
    (
        "file/mod.rs",
        "mod atomic; pub(crate) use atomic::{folder, write as write_atomically};",
    ),
    ("file/atomic.rs", "pub fn folder() {} pub fn write() {}"),
    (
        "math/mod.rs",
        "mod matmul; pub(crate) mod moments; pub(crate) use matmul::*;",
    ),
    ("math/matmul.rs", "pub fn multiply() {} "),
    ("math/moments.rs", "pub struct Moments; "),
    (
        "show/mod.rs",
        "pub mod chart; pub mod page; mod montage; pub use chart::Plot; pub use montage::Montage;",
    ),
    ("show/page.rs", "pub fn html() {}"),
    ("show/montage.rs", "pub struct Montage;"),
    (
        "show/chart/mod.rs",
        "mod axis; mod draw; pub use draw::Plot; pub use axis::Axis;",
    ),
    ("show/chart/axis.rs", "pub struct Axis;"),
    (
        "show/chart/draw.rs",
        "use super::Axis; pub struct Plot(Axis);",
    ),
    (
        "layer/mod.rs",
        "mod linear; pub use linear::Linear; pub enum Layer { Linear(Linear) }",
    ),
];
const MORE: [(&str, &str); 2] = [
    (
        "layer/linear.rs",
        "use crate::math::multiply; pub struct Linear;",
    ),
    ("prelude.rs", "pub use crate::layer::Layer;"),
];

/// The files above, some of them replaced or added.
fn directions(changed: &[(&'static str, &'static str)]) -> Directions {
    let kept = FILES
        .iter()
        .chain(&MORE)
        .filter(|(file, _)| changed.iter().all(|(new, _)| new != file));
    let tree = Tree::parse("src/", "lib.rs", kept.chain(changed).copied()).unwrap();
    Directions::of(&tree)
}

#[track_caller]
pub fn allowed(changed: &[(&'static str, &'static str)]) -> Directions {
    let directions = directions(changed);
    assert_eq!(directions.violations(), []);
    directions
}

/// Asserts that only the first file breaks a rule, by this message.
#[track_caller]
pub fn broken(changed: &[(&'static str, &'static str)], message: &str) {
    let violations = directions(changed).violations();
    let texts: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 1, "{texts:#?}");
    assert!(texts[0].contains(message), "{}", texts[0]);
}

const UP: &str = "A module uses only those above it in lib.rs";

#[test]
fn files_and_arrows_are_counted_without_what_a_face_shows() {
    // draw -> axis, layer/mod -> linear, linear -> matmul, prelude -> layer/mod.
    assert_eq!(
        allowed(&[]).summary(),
        "16 files, 4 arrows, 0 up, 0 circles"
    );
}

#[test]
fn a_group_in_braces_that_points_up_is_found() {
    broken(
        &[(
            "math/matmul.rs",
            "\nuse crate::{error::Error, layer::Layer};\npub fn multiply() {}",
        )],
        "src/math/matmul.rs:2: uses crate::layer::Layer, which is in src/layer/mod.rs. A module uses only those above",
    );
    broken(
        &[(
            "math/matmul.rs",
            "use crate::{error, show}; pub fn multiply() {}",
        )],
        "uses crate::show,",
    );
    broken(
        &[(
            "math/matmul.rs",
            "use super::super::{layer::{self}}; pub fn multiply() {}",
        )],
        UP,
    );
    allowed(&[(
        "layer/linear.rs",
        "use crate::{error::Error, math::{self, multiply}}; pub struct Linear;",
    )]);
}

#[test]
fn every_form_of_a_path_that_points_up_is_found() {
    let forms = [
        "use crate::layer::Layer as Plain;",
        "use crate::layer::*;",
        "use crate::{layer as other};",
        "pub(crate) use crate::layer::Layer;",
        "fn f() { crate::layer::Layer::new() }",
        "fn f() { use crate::layer::Layer; }",
        "fn f(x: &[crate::layer::Layer]) {}",
        "impl<T: Into<crate::layer::Layer>> From<T> for X {}",
        "fn f() { vec![1, crate::layer::Layer::size()]; }",
        "macro_rules! m { () => { $crate::layer::Layer } }",
        "macro_rules! m { () => { use $crate::{error::Error, layer::{Layer as L}}; } }",
        "#[arg(value_parser = crate::layer::parse)] struct A;",
        "mod inner { use super::super::super::layer::Layer; }",
        "use super::super::layer::Layer;",
        "use crate::Layer;",
        "fn f() -> crate::Layer { g() }",
    ];
    for form in forms {
        let directions = directions(&[("math/moments.rs", form)]);
        let violations = directions.violations();
        assert_eq!(
            (directions.up.len(), violations.len()),
            (1, 1),
            "{form}: {violations:#?}"
        );
    }
}

#[test]
fn what_uses_nothing_above_is_allowed() {
    let forms = [
        "/// As [`Layer`](crate::layer::Layer).\npub struct A;",
        "//! As [`crate::layer`].\n",
        "#[cfg(test)] mod tests { use super::*; use crate::layer::Layer; }",
        "#[cfg(test)] use crate::layer::{self, Layer};\nfn f() {}",
        "#![allow(unused)]\n#[cfg(test)]\n#[allow(unused)]\nmod tests { use crate::layer::Layer; }\nfn f() {}",
        "fn f() { layer::Layer::new() }",
        "fn f() { let text = \"crate::layer::Layer\"; } // crate::layer::Layer",
        "use ::layer::Layer;",
        "use other::crate_layer::layer::Layer;",
        "pub(in crate::math) fn f() {}",
        "use crate::candle::Tensor;",
        "use crate::Error;",
        "mod inner { use super::super::super::error::Error; }",
    ];
    for form in forms {
        let violations = directions(&[("math/moments.rs", form)]).violations();
        assert_eq!(violations, [], "{form}");
    }
}

#[test]
fn the_order_is_that_of_the_mod_lines() {
    let uses = (
        "file/atomic.rs",
        "use crate::math::multiply; pub fn folder() {} pub fn write() {}",
    );
    broken(&[uses], UP);
    let other =
        "pub mod error; pub mod math; pub mod file; pub mod show; pub mod layer; pub mod prelude;";
    allowed(&[uses, ("lib.rs", other)]);
    broken(&[("error.rs", "use crate::prelude::*;")], UP);
    broken(
        &[("error.rs", "use crate::Nameless;")],
        "uses crate::Nameless, which is in src/lib.rs",
    );
}

#[test]
fn a_macro_in_the_root_is_where_it_is_written() {
    let calls = ("error.rs", "crate::both! {}");
    broken(
        &[
            calls,
            (
                "math/moments.rs",
                "#[macro_export] macro_rules! both { () => {} }",
            ),
        ],
        UP,
    );
    allowed(&[
        ("layer/linear.rs", "crate::both! {} pub struct Linear;"),
        ("error.rs", "#[macro_export] macro_rules! both { () => {} }"),
    ]);
}

#[test]
fn a_file_in_no_mod_line_and_a_folder_without_a_face_are_found() {
    broken(
        &[("math/lost.rs", "")],
        "src/math/lost.rs: is in no `mod` line. Every file is named by a `mod` line in src/math/mod.rs",
    );
    broken(
        &[("lost/file.rs", "")],
        "src/lost/file.rs: is in a folder without mod.rs",
    );
}

#[test]
fn files_of_tests_are_left_out() {
    let face = "mod linear; #[cfg(test)] mod tests; pub use linear::Linear; pub enum Layer { Linear(Linear) }";
    let directions = allowed(&[
        ("layer/mod.rs", face),
        ("layer/tests.rs", "use crate::prelude::*;"),
    ]);
    assert_eq!(directions.files, 16);
}

#[test]
fn text_that_does_not_parse_is_an_error() {
    let error = Tree::parse("src/", "lib.rs", [("lib.rs", "pub mod {")])
        .err()
        .unwrap();
    assert!(error.starts_with("src/lib.rs: does not parse"), "{error}");
}

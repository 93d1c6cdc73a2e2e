//! Planted text for circles inside folders (rule 3) and reaches past a face (rule 4).

use crate::planted_directions::{allowed, broken};

#[test]
fn a_circle_inside_a_folder_is_found() {
    let rule = "src/show/chart/: a circle of axis, draw (src/show/chart/axis.rs:1 uses crate::show::chart::Plot; \
                src/show/chart/draw.rs:1 uses crate::show::chart::Axis";
    broken(
        &[(
            "show/chart/axis.rs",
            "use super::Plot; pub struct Axis(Plot);",
        )],
        rule,
    );
    let circle = "a circle of axis, draw";
    broken(
        &[("show/chart/axis.rs", "pub struct Axis(super::draw::Plot);")],
        circle,
    );
    broken(
        &[(
            "show/chart/axis.rs",
            "pub struct Axis(crate::show::chart::Plot);",
        )],
        circle,
    );
    broken(
        &[(
            "show/chart/axis.rs",
            "use super::{draw}; pub struct Axis(draw::Plot);",
        )],
        circle,
    );
    broken(
        &[
            (
                "show/chart/mod.rs",
                "mod axis; mod draw; pub use draw::*; pub use axis::Axis;",
            ),
            (
                "show/chart/axis.rs",
                "use super::Plot; pub struct Axis(Plot);",
            ),
        ],
        circle,
    );
    allowed(&[(
        "show/chart/axis.rs",
        "use crate::error::Error; pub struct Axis; #[cfg(test)] mod tests { use super::super::Plot; }",
    )]);
}

#[test]
fn a_circle_with_the_face_is_found() {
    broken(
        &[("layer/linear.rs", "use super::Layer; pub struct Linear;")],
        "a circle of linear, mod",
    );
    broken(
        &[
            (
                "layer/mod.rs",
                "mod linear; pub use linear::Linear; pub enum Layer {} fn f() -> Linear {}",
            ),
            (
                "layer/linear.rs",
                "use crate::layer::Layer; pub struct Linear;",
            ),
        ],
        "a circle of linear, mod",
    );
    // A face that only shows a name does not use it.
    allowed(&[
        (
            "layer/mod.rs",
            "mod linear; pub use linear::Linear; pub enum Layer {}",
        ),
        ("layer/linear.rs", "use super::Layer; pub struct Linear;"),
    ]);
}

#[test]
fn a_folder_in_a_folder_is_one_node() {
    let uses_chart = (
        "show/montage.rs",
        "use super::chart::Plot; pub struct Montage;",
    );
    allowed(&[uses_chart]);
    broken(
        &[
            (
                "show/chart/axis.rs",
                "pub struct Axis(crate::show::Montage);",
            ),
            uses_chart,
        ],
        "src/show/: a circle of chart, montage",
    );
}

const FACE: &str = "From another folder a path names what the folder's mod.rs shows";

#[test]
fn a_reach_into_another_folder_is_found() {
    broken(
        &[(
            "layer/linear.rs",
            "use crate::math::matmul::multiply; pub struct Linear;",
        )],
        "src/layer/linear.rs:1: uses crate::math::matmul::multiply, past the face of math/. From another folder",
    );
    // `pub(crate)` makes it visible, not public.
    broken(
        &[(
            "layer/linear.rs",
            "use crate::math::moments::Moments; pub struct Linear;",
        )],
        FACE,
    );
    broken(
        &[(
            "layer/linear.rs",
            "use crate::math; pub struct Linear; fn f() { math::moments::Moments }",
        )],
        FACE,
    );
    broken(
        &[("prelude.rs", "pub use crate::show::montage::Montage;")],
        FACE,
    );
    broken(
        &[(
            "lib.rs",
            "pub mod error; pub mod file; pub mod math; pub mod show; pub mod layer; pub mod prelude; \
        pub use layer::linear::Linear;",
        )],
        FACE,
    );
    allowed(&[(
        "layer/linear.rs",
        "use crate::math::{multiply}; use crate::file::write_atomically; pub struct Linear;",
    )]);
    allowed(&[(
        "math/matmul.rs",
        "pub fn multiply() {} fn f() { super::moments::Moments; crate::math::moments::g() }",
    )]);
}

#[test]
fn a_function_may_be_called_like_its_file() {
    let user = (
        "layer/linear.rs",
        "use crate::show::{montage}; pub struct Linear;",
    );
    broken(&[user], "past the face of show/");
    let face =
        "pub mod chart; pub mod page; mod montage; pub use chart::Plot; pub use montage::montage;";
    allowed(&[
        user,
        ("show/mod.rs", face),
        ("show/montage.rs", "pub fn montage() {}"),
    ]);
}

#[test]
fn public_modules_are_part_of_a_face_for_what_only_they_show() {
    allowed(&[(
        "layer/linear.rs",
        "use crate::show::page::html; use crate::show::chart::Axis; pub struct Linear;",
    )]);
    allowed(&[(
        "layer/linear.rs",
        "use crate::show::page; pub struct Linear; fn f() { page::html() }",
    )]);
    // `crate::show::Plot` is the shorter way.
    broken(
        &[(
            "layer/linear.rs",
            "use crate::show::chart::Plot; pub struct Linear;",
        )],
        "past the face of show/",
    );
    broken(
        &[(
            "layer/linear.rs",
            "use crate::show::chart::axis::Axis; pub struct Linear;",
        )],
        "past the face of show/chart/",
    );
    // Inside `show/`, `chart` is a neighbour, and its files are not.
    broken(
        &[(
            "show/montage.rs",
            "use super::chart::axis::Axis; pub struct Montage;",
        )],
        "past the face of show/chart/",
    );
}

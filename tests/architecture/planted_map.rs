//! Planted text for rule 6.

use crate::documented::{Covered, map_differs, untested};
use crate::source::Tree;

const FILES: [(&str, &str); 8] = [
    ("lib.rs", "mod error; mod math; mod data; mod prelude;"),
    ("error.rs", "pub enum Error {}"),
    ("prelude.rs", "pub use crate::error::Error;"),
    ("math/mod.rs", "mod matmul; pub use matmul::multiply;"),
    ("math/matmul.rs", "pub fn multiply() {}"),
    (
        "data/mod.rs",
        "pub mod photo; const SIZE: [u8; 3] = [0; 3];",
    ),
    ("data/photo/mod.rs", "mod frame;"),
    (
        "data/photo/frame.rs",
        "pub trait Frame { fn bytes(&self) -> [u8; 3] { [0; 3] } }",
    ),
];

const MAP: &str = "# Architecture
| `before/` | another table |
## Helper crate
Text with `text/` in it.
| folder | holds |
| --- | --- |
| ground files | used by all |
| `math/` | slices |
| `data/`   | from `show/` |
| `data/photo/` | a folder inside |
## Kernel
| `engine/` | cells |
";

fn tree(changed: &[(&'static str, &'static str)]) -> Tree {
    let kept = FILES
        .iter()
        .filter(|(file, _)| changed.iter().all(|(new, _)| new != file));
    Tree::parse("src/", "lib.rs", kept.chain(changed).copied()).unwrap()
}

fn differences(map: &str) -> Vec<String> {
    map_differs(&tree(&[]), map, "Helper crate")
        .iter()
        .map(|violation| violation.found.clone())
        .collect()
}

#[test]
fn the_map_lists_exactly_the_folders() {
    assert_eq!(differences(MAP), [""; 0]);
    assert_eq!(
        differences(&MAP.replace("| `math/` | slices |\n", "")),
        ["does not list `math/`"]
    );
    let more = MAP.replace("| `data/`", "| `dist/` | ranks |\n| `data/`");
    assert_eq!(differences(&more), ["lists `dist/`, which is no folder"]);
    let turned = MAP
        .replace("`math/`", "`x/`")
        .replace("`data/`", "`math/`")
        .replace("`x/`", "`data/`");
    assert_eq!(
        differences(&turned),
        [r#"lists ["data", "math"], the order is ["math", "data"]"#]
    );
    assert_eq!(
        differences("## Kernel\n| `math/` |"),
        ["does not list `math/`", "does not list `data/`"]
    );
}

const TESTS: [&str; 2] = ["tests/math/matmul.rs", "tests/data/photo/frame.rs"];

fn gaps(tree: &Tree, tests: &[&str], covered: &[Covered]) -> Vec<String> {
    let tests = tests.iter().map(|test| (*test).to_owned()).collect();
    untested(tree, &tests, covered)
        .iter()
        .map(|violation| format!("{}: {}", violation.file, violation.found))
        .collect()
}

#[test]
fn every_file_with_functions_has_a_test() {
    assert_eq!(gaps(&tree(&[]), &TESTS, &[]), [""; 0]);
    assert_eq!(
        gaps(
            &tree(&[]),
            &["tests/math/matmul.rs", "tests/data/frame.rs"],
            &[]
        ),
        [""; 0]
    );
    let missing = "src/math/matmul.rs: has no test: no tests/math/matmul.rs, no #[test] inside";
    assert_eq!(
        gaps(
            &tree(&[]),
            &[
                "tests/data/frame.rs",
                "tests/matmul.rs",
                "tests/math/main.rs"
            ],
            &[]
        ),
        [missing]
    );
    let inline = tree(&[(
        "math/matmul.rs",
        "fn f() {} #[cfg(test)] mod tests { #[test] fn f() {} }",
    )]);
    assert_eq!(gaps(&inline, &TESTS[1..], &[]), [""; 0]);
    let empty = tree(&[(
        "math/matmul.rs",
        "fn f() {} #[cfg(test)] mod tests { fn f() {} }",
    )]);
    assert_eq!(gaps(&empty, &TESTS[1..], &[]), [missing]);
}

#[test]
fn a_face_with_functions_has_a_test_too() {
    let face = tree(&[("math/mod.rs", "mod matmul; pub fn f() {}")]);
    assert_eq!(
        gaps(&face, &TESTS, &[]),
        ["src/math/mod.rs: has no test: no tests/math/math.rs, no #[test] inside"]
    );
    assert_eq!(
        gaps(&face, &[&TESTS[..], &["tests/math/math.rs"]].concat(), &[]),
        [""; 0]
    );
}

#[test]
fn the_list_of_covered_files_has_no_stale_line() {
    let covered = |file: &'static str, by| {
        let files: &'static [&'static str] = Box::leak(Box::new([file]));
        gaps(
            &tree(&[]),
            &[TESTS[1], "tests/model.rs"],
            &[Covered { by, files }],
        )
    };
    let open = "src/math/matmul.rs: has no test: no tests/math/matmul.rs, no #[test] inside";
    assert_eq!(covered("math/matmul.rs", "tests/model.rs"), [""; 0]);
    let gone = "src/math/matmul.rs: is covered by tests/gone.rs, which does not exist";
    assert_eq!(covered("math/matmul.rs", "tests/gone.rs"), [gone]);
    let gone = "src/math/gone.rs: is in COVERED_BY, but does not exist";
    assert_eq!(covered("math/gone.rs", "tests/model.rs"), [open, gone]);
    let needless = "src/data/photo/frame.rs: is in COVERED_BY, but has a test";
    assert_eq!(
        covered("data/photo/frame.rs", "tests/model.rs"),
        [open, needless]
    );
    let needless = "src/error.rs: is in COVERED_BY, but has no functions";
    assert_eq!(covered("error.rs", "tests/model.rs"), [open, needless]);
}

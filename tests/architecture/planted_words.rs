//! Planted text for rule 5.

use crate::source::Tree;
use crate::words::{Places, misplaced_words};

const PLACES: Places = Places {
    unsafe_files: &["cell.rs"],
    wire: &["show/display"],
    print: Some("show"),
    slices_only: &["math", "dist"],
    model: Some(("model", "Autoencoder")),
};

const FILES: [(&str, &str); 6] = [
    (
        "lib.rs",
        "mod cell; mod math; mod show; mod layer; mod model; mod train; pub use model::Autoencoder;",
    ),
    ("cell.rs", "#[unsafe(no_mangle)] pub fn cell() {}"),
    ("math/mod.rs", ""),
    ("show/mod.rs", "mod display;"),
    (
        "show/display.rs",
        "pub const MARKER: &str = \"\\u{1e}CANDLEBOOK \"; fn f() { println!(\"{MARKER}\") }",
    ),
    (
        "model/mod.rs",
        "pub struct Autoencoder; fn f() -> Tensor {}",
    ),
];

fn messages(changed: &[(&'static str, &'static str)], places: &Places) -> Vec<String> {
    let kept = FILES
        .iter()
        .filter(|(file, _)| changed.iter().all(|(new, _)| new != file));
    let tree = Tree::parse("src/", "lib.rs", kept.chain(changed).copied()).unwrap();
    misplaced_words(&tree, places)
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// Asserts that the text breaks one rule in the first file, and none in the second.
#[track_caller]
fn only_in(text: &'static str, wrong: &'static str, right: &'static str, message: &str) {
    assert_eq!(messages(&[(wrong, text)], &PLACES), [message]);
    assert_eq!(messages(&[(right, text)], &PLACES), [""; 0]);
}

#[test]
fn tensors_are_not_in_math_or_dist() {
    let text = "\nuse candle_core::Tensor;";
    only_in(
        text,
        "math/matmul.rs",
        "layer/linear.rs",
        "src/math/matmul.rs:2: has Tensor. math/ knows slices only",
    );
    let text = "macro_rules! m { () => { Tensor::zeros } }";
    only_in(
        text,
        "dist/mod.rs",
        "layer/linear.rs",
        "src/dist/mod.rs:1: has Tensor. dist/ knows slices only",
    );
    let docs = "//! No [`Tensor`].\n/// Not a Tensor.\npub struct Tensors; // Tensor\n#[cfg(test)] mod tests { use Tensor; }";
    assert_eq!(messages(&[("math/matmul.rs", docs)], &PLACES), [""; 0]);
}

#[test]
fn only_show_prints() {
    for name in ["print", "println", "eprint", "eprintln", "dbg"] {
        let text: &'static str =
            Box::leak(format!("fn f() {{ g(|| {name}!(\"x\")) }}").into_boxed_str());
        let message =
            format!("src/layer/linear.rs:1: has {name}. Only show/ prints; other folders call it");
        only_in(text, "layer/linear.rs", "show/progress.rs", &message);
        assert_eq!(
            messages(
                &[("layer/linear.rs", text)],
                &Places {
                    print: None,
                    ..PLACES
                }
            ),
            [""; 0]
        );
    }
    let quiet = "/// ```\n/// println!(\"x\");\n/// ```\nfn print() { let text = \"println!()\"; }\n#[test] fn t() { println!() }";
    assert_eq!(messages(&[("layer/linear.rs", quiet)], &PLACES), [""; 0]);
}

#[test]
fn unsafe_is_only_in_listed_files() {
    let rule = "`unsafe` is only in the files that tests/architecture lists";
    for text in [
        "fn f() { unsafe { g() } }",
        "#[unsafe(no_mangle)] fn f() {}",
        "unsafe impl Send for X {}",
    ] {
        only_in(
            text,
            "math/matmul.rs",
            "cell.rs",
            &format!("src/math/matmul.rs:1: has unsafe. {rule}"),
        );
    }
    let unused = "src/cell.rs: has no `unsafe`, or does not exist. \
                  The list of files with `unsafe` in tests/architecture has no others";
    assert_eq!(
        messages(&[("cell.rs", "/// unsafe\nfn f() {}")], &PLACES),
        [unused]
    );
}

#[test]
fn wire_markers_are_only_in_display() {
    let rule = "The wire markers are only in show/display";
    for (text, has) in [
        ("use crate::show::MARKER;", "MARKER"),
        (
            "fn f() { g(\"EVCXR_BEGIN_CONTENT text/plain\") }",
            "\"EVCXR_BEGIN_CONTENT text/plain\"",
        ),
        (
            "const A: &str = \"\\u{1e}CANDLEBOOK {}\";",
            "\"\\u{1e}CANDLEBOOK {}\"",
        ),
    ] {
        only_in(
            text,
            "train/view.rs",
            "show/display/wire.rs",
            &format!("src/train/view.rs:1: has {has}. {rule}"),
        );
    }
    let other = "use plot::Marker; const A: &str = \"CANDLEBOOK_KERNEL\"; /// EVCXR_BEGIN_CONTENT\nfn f() {}";
    assert_eq!(messages(&[("train/view.rs", other)], &PLACES), [""; 0]);
}

#[test]
fn autoencoders_are_not_above_model() {
    let text = "fn f(model: &Autoencoder) {}";
    let message =
        "src/layer/mod.rs:1: has Autoencoder. Modules above model/ do not know Autoencoder";
    only_in(text, "layer/mod.rs", "train/fit.rs", message);
    let docs = "/// Of an Autoencoder.\nfn f() { g(\"Autoencoder\") }";
    assert_eq!(messages(&[("layer/mod.rs", docs)], &PLACES), [""; 0]);
}

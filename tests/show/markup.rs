//! HTML, SVG, Markdown, LaTeX and JSON.

use candlebook::prelude::*;

#[test]
fn markup_has_its_mime_type_and_plain_text() {
    let page = html("<p><b>Hi there!</b> this is &amp; HTML</p>");
    assert_eq!(
        page.get("text/html"),
        Some("<p><b>Hi there!</b> this is &amp; HTML</p>")
    );
    assert_eq!(page.get("text/plain"), Some("Hi there! this is &amp; HTML"));
    let drawing = svg("<svg><circle r=\"5\"/></svg>").unwrap();
    assert_eq!(
        drawing.get("image/svg+xml"),
        Some("<svg><circle r=\"5\"/></svg>")
    );
    assert_eq!(markdown("**bold**").get("text/markdown"), Some("**bold**"));
    assert_eq!(latex("$x^2$").get("text/latex"), Some("$$ x^2 $$"));
    let tree = json(&vec![1, 2, 3]).unwrap();
    assert_eq!(
        tree.get_json("application/json"),
        Some(&serde_json::json!([1, 2, 3]))
    );
    assert_eq!(tree.get("text/plain"), Some("[\n  1,\n  2,\n  3\n]"));
    let error = svg("hello").unwrap_err().to_string();
    assert_eq!(
        error,
        "svg: expected a drawing that starts with <svg, got \"hello\". To show a file, use Image::open(path)"
    );
}

//! Outputs in several MIME types.

use candlebook::prelude::*;

#[test]
fn content_has_one_form_per_mime_type_and_base64_images() {
    let content = Content::text("plain")
        .html("<b>rich</b>")
        .png(b"bytes", 3, 2);
    assert_eq!(content.get("text/plain"), Some("plain"));
    assert_eq!(content.get("text/html"), Some("<b>rich</b>"));
    assert_eq!(content.get("image/png"), Some("Ynl0ZXM="));
    assert_eq!(content.get("image/jpeg"), None);
    assert_eq!(
        content.get_json("text/plain"),
        Some(&serde_json::json!("plain"))
    );
}

//! One output of a cell, in one or more MIME types.

use base64::Engine as _;
use serde_json::{Map, Value, json};

/// MIME type of numbers for the table of a sweep. Front ends do not know it, and render the others.
pub(crate) const RESULT: &str = "application/vnd.candlebook.result+json";

/// One output of a cell, in one or more MIME types. The front end renders the richest type that it
/// knows.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let greeting = show::Content::text("Hello").html("<b>Hello</b>");
/// assert_eq!(greeting.get("text/html"), Some("<b>Hello</b>"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Content {
    pub(super) data: Map<String, Value>,
    pub(super) metadata: Map<String, Value>,
}

impl Content {
    /// Plain text. Every output has it, for front ends that render nothing else.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(show::Content::text("three digits"));
    /// ```
    pub fn text(text: impl Into<String>) -> Self {
        Content::default().with("text/plain", text.into())
    }

    /// Adds an HTML form.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(show::Content::text("bold").html("<b>bold</b>"));
    /// ```
    pub fn html(self, html: impl Into<String>) -> Self {
        self.with("text/html", html.into())
    }

    /// Adds a PNG image, displayed at `width` x `height` pixels. The file may have a higher
    /// resolution.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let png = Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).to_png()?;
    /// show(show::Content::text("a chart").png(&png, 640, 360));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn png(self, png: &[u8], width: usize, height: usize) -> Self {
        self.file("image/png", png, width, height)
    }

    /// Adds a form of any MIME type, as text or JSON.
    pub(crate) fn with(mut self, mime: &str, value: impl Into<Value>) -> Self {
        self.data.insert(mime.into(), value.into());
        self
    }

    /// Adds a binary file such as "image/jpeg", displayed at `width` x `height` pixels.
    pub(crate) fn file(mut self, mime: &str, bytes: &[u8], width: usize, height: usize) -> Self {
        self.metadata
            .insert(mime.into(), json!({ "width": width, "height": height }));
        self.with(mime, base64(bytes))
    }

    /// The form of one MIME type, if it exists: `get("text/plain")`. Images are base64-encoded.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(show::Content::text("5").get("text/plain"), Some("5"));
    /// ```
    pub fn get(&self, mime: &str) -> Option<&str> {
        self.data.get(mime).and_then(Value::as_str)
    }

    /// The form of one MIME type as JSON, if it exists: `get_json("application/json")`.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let content = page::json(&[1, 2])?;
    /// assert_eq!(content.get_json("application/json"), Some(&serde_json::json!([1, 2])));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn get_json(&self, mime: &str) -> Option<&Value> {
        self.data.get(mime)
    }
}

/// Encodes bytes as base64, for files inside JSON and HTML.
pub(crate) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Escapes text for HTML, attribute values included.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

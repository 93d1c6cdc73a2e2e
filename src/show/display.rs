//! How a value reaches the notebook page. The only module that knows the wire protocol.
//!
//! A value says what it looks like as a list of [`Content`]s ([`Show`]). Where they go depends on who reads our
//! standard output:
//! - the candlebook kernel (`CANDLEBOOK_KERNEL` is set): one line each, a record separator, [`MARKER`], then JSON
//!   `{"data": {mime: ...}, "metadata": {...}, "transient": {"display_id": ...}, "op": "display" | "update" | "clear"}`;
//! - stock evcxr (`EVCXR_IS_RUNTIME` is set): `EVCXR_BEGIN_CONTENT`, which holds one picture a cell; the rest as text;
//! - a terminal: the plain text of each.

use crate::error::Result;
use crate::lock::lock;
use base64::Engine as _;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Gives a type the method that the engine calls on the last expression of a cell.
macro_rules! shows_itself {
    ($type:ty) => {
        impl $type {
            /// Shows the value under the cell; called when it is the cell's last expression.
            pub fn evcxr_display(&self) {
                $crate::show::show(self);
            }
        }
    };
}
pub(crate) use shows_itself;

/// What a display line starts with, after the record separator.
pub const MARKER: &str = "\u{1e}CANDLEBOOK ";

/// One display: the same thing in one or more MIME types, of which the page shows the richest it knows.
#[derive(Clone, Debug, Default)]
pub struct Content {
    data: Map<String, Value>,
    metadata: Map<String, Value>,
}

impl Content {
    /// Plain text, which every other form should have as its twin.
    pub fn text(text: impl Into<String>) -> Self {
        Content::default().with("text/plain", text.into())
    }

    /// The same in HTML.
    pub fn html(self, html: impl Into<String>) -> Self {
        self.with("text/html", html.into())
    }

    /// The same as a PNG picture, shown in this size in pixels; the file may have more, for sharp screens.
    pub fn png(self, png: &[u8], width: usize, height: usize) -> Self {
        self.file("image/png", png, width, height)
    }

    /// The same in any MIME type, as text or as JSON.
    pub(crate) fn with(mut self, mime: &str, value: impl Into<Value>) -> Self {
        self.data.insert(mime.into(), value.into());
        self
    }

    /// The same as a file of this MIME type, such as "image/jpeg"; shown in this size, in pixels.
    pub(crate) fn file(mut self, mime: &str, bytes: &[u8], width: usize, height: usize) -> Self {
        self.metadata
            .insert(mime.into(), json!({ "width": width, "height": height }));
        self.with(mime, base64(bytes))
    }

    /// The content in one MIME type, if it has that: `get("text/plain")`. Pictures come as base64.
    pub fn get(&self, mime: &str) -> Option<&str> {
        self.data.get(mime).and_then(Value::as_str)
    }

    /// The content in one MIME type as JSON, which "application/json" is.
    pub fn get_json(&self, mime: &str) -> Option<&Value> {
        self.data.get(mime)
    }
}

/// A value that can appear under a cell.
pub trait Show {
    /// What it looks like: one content for each thing that appears, from top to bottom.
    ///
    /// # Errors
    /// Where the value cannot be drawn; the error says why.
    fn contents(&self) -> Result<Vec<Content>>;
}

impl<T: Show + ?Sized> Show for &T {
    fn contents(&self) -> Result<Vec<Content>> {
        (**self).contents()
    }
}

impl Show for Content {
    fn contents(&self) -> Result<Vec<Content>> {
        Ok(vec![self.clone()])
    }
}

shows_itself!(Content);

impl Show for str {
    fn contents(&self) -> Result<Vec<Content>> {
        Ok(vec![Content::text(self)])
    }
}

impl Show for String {
    fn contents(&self) -> Result<Vec<Content>> {
        self.as_str().contents()
    }
}

/// What [`show`] leaves on the page; it can be replaced there.
#[derive(Debug)]
pub struct Handle {
    ids: Mutex<Vec<String>>,
}

impl Handle {
    /// Replaces what is shown, in place: redraws it. A value of more parts than before adds displays for the rest, one of
    /// fewer leaves empty places. Where the page cannot be changed (a terminal, stock evcxr) nothing happens.
    pub fn update(&self, value: impl Show) {
        let Some(contents) = or_complain(value.contents()) else {
            return;
        };
        let mut ids = lock(&self.ids);
        for (i, content) in contents.iter().enumerate() {
            match ids.get(i) {
                Some(id) => send("update", content, id),
                None if Frontend::current() == Frontend::Candlebook => {
                    let id = new_id();
                    send("display", content, &id);
                    ids.push(id);
                }
                None => {}
            }
        }
        for id in ids.iter().skip(contents.len()) {
            send("update", &Content::text(""), id);
        }
    }

    /// As the last expression of a cell a handle adds nothing: its value is on the page already.
    pub fn evcxr_display(&self) {}
}

/// Shows a value under the cell now, and returns a handle to replace it later. A value that cannot be drawn leaves the
/// reason on standard error instead.
pub fn show(value: impl Show) -> Handle {
    let contents = or_complain(value.contents()).unwrap_or_default();
    let ids = contents.iter().map(|_| new_id()).collect::<Vec<_>>();
    for (id, content) in ids.iter().zip(&contents) {
        send("display", content, id);
    }
    if let Frontend::Evcxr = Frontend::current() {
        send_to_evcxr(&contents);
    }
    Handle {
        ids: Mutex::new(ids),
    }
}

/// Removes what the cell has shown so far.
pub fn clear_output() {
    send("clear", &Content::default(), "");
}

fn or_complain(contents: Result<Vec<Content>>) -> Option<Vec<Content>> {
    contents
        .inspect_err(|error| eprintln!("show: {error}"))
        .ok()
}

/// What the last expression of a cell shows where its type has nothing of its own: its `Debug` form. Notebooks have it from
/// the prelude; a type's own `evcxr_display` goes first.
pub trait ShowDebug {
    /// Shows the value under the cell; called when it is the cell's last expression.
    fn evcxr_display(&self);
}

impl<T: std::fmt::Debug + ?Sized> ShowDebug for &T {
    fn evcxr_display(&self) {
        let text = format!("{self:?}");
        // A function that returns nothing has nothing to show.
        if text != "()" {
            result(&text);
        }
    }
}

/// What the last expression of a cell shows where it is a tensor: its values. `show(&tensor)` shows it as pictures.
pub trait ShowValues {
    /// Shows the value under the cell; called when it is the cell's last expression.
    fn evcxr_display(&self);
}

impl ShowValues for candle_core::Tensor {
    fn evcxr_display(&self) {
        result(&self.to_string());
    }
}

/// Hands text over as the result of the cell.
fn result(text: &str) {
    if Frontend::current() == Frontend::Terminal {
        println!("{text}");
    } else {
        println!("EVCXR_BEGIN_CONTENT text/plain\n{text}\nEVCXR_END_CONTENT");
    }
}

/// Who reads our standard output.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Frontend {
    Candlebook,
    Evcxr,
    Terminal,
}

impl Frontend {
    pub(crate) fn current() -> Self {
        if std::env::var_os("CANDLEBOOK_KERNEL").is_some() {
            Frontend::Candlebook
        } else if std::env::var_os("EVCXR_IS_RUNTIME").is_some() {
            Frontend::Evcxr
        } else {
            Frontend::Terminal
        }
    }
}

pub(crate) fn new_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!(
        "candlebook-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// Sends one display in one write, so that text and pictures keep their order. Nothing can be done about a reader that
/// is gone, so failures to write are left alone.
fn send(op: &str, content: &Content, id: &str) {
    match (Frontend::current(), op) {
        (Frontend::Candlebook, _) => {
            let message = json!({
                "op": op, "data": content.data, "metadata": content.metadata, "transient": { "display_id": id },
            });
            let _ = std::io::stdout()
                .lock()
                .write_all(format!("{MARKER}{message}\n").as_bytes());
        }
        (Frontend::Terminal, "display") => {
            if let Some(text) = content.get("text/plain") {
                println!("{text}");
            }
        }
        _ => {}
    }
}

/// Stock evcxr keeps one content of each MIME type a cell: the last picture goes there, all else is printed.
fn send_to_evcxr(contents: &[Content]) {
    let picture = contents
        .iter()
        .rposition(|content| content.get("image/png").is_some());
    for (i, content) in contents.iter().enumerate() {
        if let (true, Some(png)) = (Some(i) == picture, content.get("image/png")) {
            println!("EVCXR_BEGIN_CONTENT image/png\n{png}\nEVCXR_END_CONTENT");
        } else if let Some(text) = content.get("text/plain") {
            println!("{text}");
        }
    }
}

/// Bytes as text, for files inside JSON and HTML.
pub(crate) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Text made safe to stand in HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

//! The path of a value to the notebook page. The only file of the crate with the display protocol.
//!
//! A value describes its outputs as a list of [`Content`]s ([`Show`]). Their form depends on the
//! [`Frontend`] that reads our standard output:
//! - the Candlebook kernel: one line each, a record separator, `MARKER`, its token, then JSON `{"data": {mime:
//!   ...}, "metadata": {...}, "transient": {"display_id": ...}, "op": "display" | "update" |
//!   "clear"}`;
//! - stock evcxr: `EVCXR_BEGIN_CONTENT`, which keeps one image a cell; everything else as text;
//! - a terminal: the plain text.

use crate::error::{Error, Result};
use crate::lock::lock;
use crate::show::content::Content;
use crate::show::format::wrapped;
use crate::show::frontend::{Frontend, token};
use serde_json::json;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

/// Implements the method that the notebook calls on the last expression of a cell.
macro_rules! evcxr_display {
    ($type:ty) => {
        impl $type {
            /// Renders the value under the cell. Called on the last expression of a cell.
            pub fn evcxr_display(&self) {
                $crate::show::show(self);
            }
        }
    };
}
pub(crate) use evcxr_display;

/// Maximum width of a note in characters, which the narrower pages hold.
const NOTE_WIDTH: usize = 88;

/// This process shows nothing.
static MUTED: AtomicBool = AtomicBool::new(false);

/// Start of a display line, after the record separator.
const MARKER: &str = "\u{1e}CANDLEBOOK ";

/// Start of the line about a value that cannot be rendered, after the token.
const CANNOT_SHOW: &str = "CANNOT_SHOW ";

/// A value that can be rendered under a cell.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// use candlebook::show::{Content, Show};
/// struct Percent(f64);
/// impl Show for Percent {
///     fn contents(&self) -> Result<Vec<Content>, Error> {
///         Ok(vec![Content::text(format!("{:.1} %", self.0 * 100.0))])
///     }
/// }
/// show(Percent(0.973));
/// ```
pub trait Show {
    /// The outputs from top to bottom.
    ///
    /// # Errors
    /// If the value cannot be rendered.
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
evcxr_display!(Content);

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

/// A rendered value, which [`Handle::update`] replaces in place. Returned by [`show`].
#[derive(Debug)]
pub struct Handle {
    ids: Mutex<Vec<String>>,
}

impl Handle {
    /// Replaces the rendered value in place. A value with more outputs than before adds new ones at
    /// the end; one with fewer leaves empty outputs. Does nothing in a terminal and in stock evcxr.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::show::{Content, Show};
    /// let status = show("loading");
    /// status.update("done");
    /// ```
    pub fn update(&self, value: impl Show) {
        let Some(contents) = contents_or_report(value.contents()) else {
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

    /// Renders nothing: the value is on the page already.
    pub fn evcxr_display(&self) {}
}

/// Renders a value under the cell and returns a handle that replaces it in place. A value that cannot
/// be rendered fails its cell: the cell runs to its end, which keeps its variables, and then shows
/// the error. Outside the kernel, the error is printed to standard error.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// use candlebook::show::{Content, Show};
/// show(Plot::new().line("loss", 1..4, [0.9, 0.5, 0.3]));
/// show("the same as text: 0.9, 0.5, 0.3");
/// ```
pub fn show(value: impl Show) -> Handle {
    let contents = contents_or_report(value.contents()).unwrap_or_default();
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

/// Removes everything that the cell has output so far.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// use candlebook::show::{Content, Show};
/// show("searching");
/// show::clear_output();
/// show("found");
/// ```
pub fn clear_output() {
    send("clear", &Content::default(), "");
}

/// Shows nothing from now on: of several ranks, one shows everything.
pub(crate) fn mute() {
    MUTED.store(true, Ordering::Relaxed);
}

/// Prints a sentence under the cell.
pub(crate) fn note(text: impl std::fmt::Display) {
    if MUTED.load(Ordering::Relaxed) {
        return;
    }
    println!("{}", wrapped(&text.to_string(), NOTE_WIDTH));
}

/// Prints text as the result of the cell.
pub(super) fn print_result(text: &str) {
    if Frontend::current() == Frontend::Terminal {
        println!("{text}");
    } else {
        println!("EVCXR_BEGIN_CONTENT text/plain\n{text}\nEVCXR_END_CONTENT");
    }
}

/// A new identifier, unique on the page.
pub(crate) fn new_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("candlebook-{}-{number}", process())
}

/// A name of this process: a rank of a job may have the number of another machine's process.
fn process() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let job = std::env::var("CANDLEBOOK_JOB").unwrap_or_default();
        let job = job.rsplit(['/', '-']).next().unwrap_or_default();
        format!("{}{job}", std::process::id())
    })
}

fn contents_or_report(contents: Result<Vec<Content>>) -> Option<Vec<Content>> {
    contents.inspect_err(report).ok()
}

/// Tells the kernel, which fails the cell, or prints the error.
fn report(error: &Error) {
    match Frontend::current() {
        Frontend::Candlebook => {
            let reason = json!(error.to_string());
            write(&format!("\u{1e}{} {CANNOT_SHOW}{reason}\n", token()));
        }
        Frontend::Evcxr | Frontend::Terminal => eprintln!("show: {error}"),
    }
}

/// Sends one output.
fn send(op: &str, content: &Content, id: &str) {
    match (Frontend::current(), op) {
        (Frontend::Candlebook, _) => {
            let message = json!({
                "op": op, "data": content.data, "metadata": content.metadata, "transient": { "display_id": id },
            });
            write(&format!("{MARKER}{} {message}\n", token()));
        }
        (Frontend::Terminal, "display") => {
            if let Some(text) = content.get("text/plain") {
                println!("{text}");
            }
        }
        _ => {}
    }
}

/// Writes a line at once, which keeps the order of text and images. Errors are ignored: they mean that
/// the reader is gone.
fn write(line: &str) {
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

/// Stock evcxr keeps one content of each MIME type per cell. Only the last image is sent as an
/// image; everything else is printed as text.
fn send_to_evcxr(contents: &[Content]) {
    let last_image = contents
        .iter()
        .rposition(|content| content.get("image/png").is_some());
    for (i, content) in contents.iter().enumerate() {
        if let (true, Some(png)) = (Some(i) == last_image, content.get("image/png")) {
            println!("EVCXR_BEGIN_CONTENT image/png\n{png}\nEVCXR_END_CONTENT");
        } else if let Some(text) = content.get("text/plain") {
            println!("{text}");
        }
    }
}

//! Jupyter messages: a request, its reply, and the messages published in answer to it.
//!
//! Contents are JSON as in Jupyter's messaging specification, version 5.4. Envelopes, signatures
//! and sockets come from `jupyter-protocol` and `jupyter-zmq-client`.

use super::backlog::{IopubQueue, Published, Reservation};
use crate::engine;
use crate::engine::CellError;
use crate::engine::{Display, Event, Op};
use jupyter_zmq_client::{JupyterMessage, UnknownMessage};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedSender;

/// A request, with the queues to its sender and to all front ends.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) message: JupyterMessage,
    pub(super) content: Value,
    /// Queue of the socket that the request came from.
    replies: UnboundedSender<JupyterMessage>,
    iopub: IopubQueue,
}

impl Request {
    pub(super) fn new(
        message: JupyterMessage,
        replies: UnboundedSender<JupyterMessage>,
        iopub: IopubQueue,
    ) -> Request {
        let content = serde_json::to_value(&message.content).unwrap_or(Value::Null);
        Request {
            message,
            content,
            replies,
            iopub,
        }
    }

    /// The message type, such as `execute_request`.
    pub(super) fn kind(&self) -> &str {
        &self.message.header.msg_type
    }

    /// The notebook's name of the cell, which JupyterLab tells.
    pub(super) fn cell_id(&self) -> Option<&str> {
        self.message.metadata["cellId"].as_str()
    }

    /// A text field of the content; empty if it is missing.
    pub(super) fn text(&self, field: &str) -> &str {
        self.content[field].as_str().unwrap_or_default()
    }

    /// A boolean field of the content.
    pub(super) fn flag(&self, field: &str, default: bool) -> bool {
        self.content[field].as_bool().unwrap_or(default)
    }

    /// The cursor's position in the code, in bytes.
    pub(super) fn cursor(&self) -> usize {
        let characters = self.content["cursor_pos"].as_u64().unwrap_or(0) as usize;
        engine::byte_at(self.text("code"), characters)
    }

    /// Replies to the sender: an `execute_request` gets an `execute_reply`.
    pub(super) fn reply(&self, content: Value) {
        let kind = self.kind().replace("_request", "_reply");
        let reply = JupyterMessage::new(any_message(&kind, content), Some(&self.message));
        // Ignore senders that have disconnected.
        let _ = self.replies.send(reply);
    }

    /// Publishes a message to all front ends.
    pub(super) fn publish(&self, kind: &str, content: Value) {
        self.publish_reserved(kind, content, None);
    }

    fn publish_reserved(&self, kind: &str, content: Value, reservation: Option<Reservation>) {
        let message = JupyterMessage::new(any_message(kind, content), Some(&self.message))
            .with_zmq_identities(Vec::new());
        let _ = self.iopub.send(Published {
            message,
            reservation,
        });
    }

    /// Publishes the kernel's state: `busy` or `idle`.
    pub(super) fn publish_status(&self, state: &str) {
        self.publish("status", json!({ "execution_state": state }));
    }

    /// Publishes output of a running cell, with its part of the backlog.
    pub(super) fn publish_event(&self, event: Event, reservation: Reservation) {
        let publish = |kind, content| self.publish_reserved(kind, content, Some(reservation));
        match event {
            Event::Stdout(text) => publish("stream", json!({ "name": "stdout", "text": text })),
            Event::Stderr(text) => publish("stream", json!({ "name": "stderr", "text": text })),
            Event::Display(Display { op: Op::Clear, .. }) => {
                publish("clear_output", json!({ "wait": false }))
            }
            Event::Display(Display {
                op,
                data,
                metadata,
                transient,
            }) => {
                let kind = if op == Op::Update {
                    "update_display_data"
                } else {
                    "display_data"
                };
                publish(
                    kind,
                    json!({ "data": data, "metadata": metadata, "transient": transient }),
                );
            }
        }
    }
}

/// A message of any type.
pub(super) fn any_message(kind: &str, content: Value) -> UnknownMessage {
    UnknownMessage {
        msg_type: kind.to_owned(),
        content,
    }
}

/// The fields that describe an error, in replies and in the published error.
pub(super) fn error_fields(error: &CellError) -> Map<String, Value> {
    let fields =
        json!({ "ename": error.name, "evalue": error.value, "traceback": error.traceback });
    fields.as_object().cloned().unwrap_or_default()
}

/// Content of the reply to `kernel_info_request`.
pub(super) fn kernel_info() -> Value {
    json!({
        "status": "ok",
        "protocol_version": "5.4",
        "implementation": "candlebook",
        "implementation_version": env!("CARGO_PKG_VERSION"),
        "language_info": {
            "name": "rust",
            "version": rustc_release(),
            "mimetype": "text/x-rust",
            "file_extension": ".rs",
            "pygments_lexer": "rust",
            "codemirror_mode": "rust",
            "nbconvert_exporter": "script",
        },
        "banner": concat!(
            "Candlebook ", env!("CARGO_PKG_VERSION"),
            ": Rust with candle autoencoders, images and plots"
        ),
        "help_links": [
            { "text": "Rust standard library", "url": "https://doc.rust-lang.org/stable/std/" },
            { "text": "candle-core", "url": "https://docs.rs/candle-core" },
            { "text": "candle-nn", "url": "https://docs.rs/candle-nn" },
        ],
        "debugger": false,
        "supported_features": [],
    })
}

/// The compiler's version, cached after the first call.
fn rustc_release() -> &'static str {
    static RELEASE: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    RELEASE.get_or_init(|| {
        let version = crate::toolchain::rustc_version().unwrap_or_default();
        version
            .lines()
            .find_map(|line| line.strip_prefix("release: "))
            .unwrap_or("unknown")
            .to_owned()
    })
}

//! Jupyter messages: the request at hand, and what is said in answer to it.
//!
//! Contents are JSON as in Jupyter's messaging specification, version 5.4; envelopes, signatures and sockets are those of
//! `jupyter-protocol` and `jupyter-zmq-client`.

use crate::engine::CellError;
use crate::engine::{Display, Event, Op};
use jupyter_zmq_client::{JupyterMessage, UnknownMessage};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedSender;

/// A request, with the ways back to who sent it.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) message: JupyterMessage,
    pub(crate) content: Value,
    /// The socket that the request came from.
    pub(crate) back: UnboundedSender<JupyterMessage>,
    pub(crate) iopub: UnboundedSender<JupyterMessage>,
}

impl Request {
    pub(crate) fn new(
        message: JupyterMessage,
        back: UnboundedSender<JupyterMessage>,
        iopub: UnboundedSender<JupyterMessage>,
    ) -> Request {
        let content = serde_json::to_value(&message.content).unwrap_or(Value::Null);
        Request {
            message,
            content,
            back,
            iopub,
        }
    }

    /// The type, such as `execute_request`.
    pub(crate) fn kind(&self) -> &str {
        &self.message.header.msg_type
    }

    pub(crate) fn text(&self, field: &str) -> &str {
        self.content[field].as_str().unwrap_or_default()
    }

    pub(crate) fn flag(&self, field: &str, otherwise: bool) -> bool {
        self.content[field].as_bool().unwrap_or(otherwise)
    }

    /// Answers the sender: `execute_request` by `execute_reply`.
    pub(crate) fn reply(&self, content: Value) {
        let kind = self.kind().replace("_request", "_reply");
        // A sender that is gone needs no answer.
        let _ = self.back.send(JupyterMessage::new(
            unknown(&kind, content),
            Some(&self.message),
        ));
    }

    /// Tells everyone.
    pub(crate) fn publish(&self, kind: &str, content: Value) {
        let message = JupyterMessage::new(unknown(kind, content), Some(&self.message))
            .with_zmq_identities(Vec::new());
        let _ = self.iopub.send(message);
    }

    pub(crate) fn status(&self, state: &str) {
        self.publish("status", json!({ "execution_state": state }));
    }

    /// What a cell sends while it runs.
    pub(crate) fn publish_event(&self, event: Event) {
        match event {
            Event::Stdout(text) => {
                self.publish("stream", json!({ "name": "stdout", "text": text }))
            }
            Event::Stderr(text) => {
                self.publish("stream", json!({ "name": "stderr", "text": text }))
            }
            Event::Display(Display { op: Op::Clear, .. }) => {
                self.publish("clear_output", json!({ "wait": false }))
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
                self.publish(
                    kind,
                    json!({ "data": data, "metadata": metadata, "transient": transient }),
                );
            }
        }
    }
}

/// A message of any type from its JSON.
pub(crate) fn unknown(kind: &str, content: Value) -> UnknownMessage {
    UnknownMessage {
        msg_type: kind.to_owned(),
        content,
    }
}

/// The fields that say that something failed, in replies and in the published error.
pub(crate) fn error_fields(error: &CellError) -> Map<String, Value> {
    let fields =
        json!({ "ename": error.name, "evalue": error.value, "traceback": error.traceback });
    fields.as_object().cloned().unwrap_or_default()
}

/// What we are, for `kernel_info_request`.
pub(crate) fn kernel_info() -> Value {
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
        "banner": format!(
            "Candlebook {}: Rust with candle autoencoders, pictures and plots at hand", env!("CARGO_PKG_VERSION")
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

/// The compiler's version, asked for once.
fn rustc_release() -> &'static str {
    static RELEASE: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    RELEASE.get_or_init(|| {
        let version = crate::home::rustc_version().unwrap_or_default();
        version
            .lines()
            .find_map(|line| line.strip_prefix("release: "))
            .unwrap_or("unknown")
            .to_owned()
    })
}

//! The stdin channel: a cell's `input` and `password` ask the front end for a line.

use super::message::{Request, any_message};
use super::sockets::{is_closed, outgoing_queue};
use super::state::{KernelState, lock};
use jupyter_zmq_client::{JupyterMessage, KernelStdinConnection, RouterRecvConnection};
use serde_json::json;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// Asks the front end for a line, on behalf of a cell's request.
pub(super) struct Prompter {
    state: Arc<KernelState>,
    questions: UnboundedSender<JupyterMessage>,
    answers: Mutex<Receiver<JupyterMessage>>,
}

impl Prompter {
    /// Opens the channel on the runtime that this is called in.
    pub(super) fn new(state: Arc<KernelState>, stdin: KernelStdinConnection) -> Prompter {
        let (send, receive) = stdin.split();
        let (sender, answers) = channel();
        tokio::spawn(forward_answers(receive, sender));
        Prompter {
            state,
            questions: outgoing_queue(send),
            answers: Mutex::new(answers),
        }
    }

    /// Asks with a prompt, hiding the typed text if `secret`. `None` if Stop was pressed first or
    /// the front end does not allow input.
    pub(super) fn ask(&self, request: &Request, prompt: &str, secret: bool) -> Option<String> {
        if !request.flag("allow_stdin", false) {
            let text = "input: this front end does not support input\n";
            request.publish("stream", json!({ "name": "stderr", "text": text }));
            return None;
        }
        let answers = lock(&self.answers);
        // Discard answers to earlier questions that were abandoned.
        while answers.try_recv().is_ok() {}
        let content = json!({ "prompt": prompt, "password": secret });
        let question = any_message("input_request", content);
        self.questions
            .send(JupyterMessage::new(question, Some(&request.message)))
            .ok()?;
        while !self.state.is_stopped() {
            if let Ok(answer) = answers.recv_timeout(Duration::from_millis(100)) {
                let content = serde_json::to_value(&answer.content).ok()?;
                // The engine would take text after a newline for its next command.
                return Some(content["value"].as_str()?.replace(['\n', '\r'], " "));
            }
        }
        None
    }
}

async fn forward_answers(mut receive: RouterRecvConnection, answers: Sender<JupyterMessage>) {
    loop {
        match receive.read().await {
            Ok(message) => drop(answers.send(message)),
            Err(error) if is_closed(&error) => return,
            Err(_) => {}
        }
    }
}

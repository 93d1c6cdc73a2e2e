//! The stdin channel: a cell's `input` and `password` ask the front end for a line.

use super::message::{Request, any_message};
use super::sockets::{is_closed, outgoing_queue};
use super::state::{KernelState, lock};
use crate::engine::CANNOT_ASK;
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

    /// Asks with a prompt, hiding the typed text if `secret`. `None` if the front end does not allow
    /// input, if Stop was pressed, or if the cell's process has ended.
    pub(super) fn ask(&self, request: &Request, prompt: &str, secret: bool) -> Option<String> {
        if !request.flag("allow_stdin", false) {
            request.publish("stream", json!({ "name": "stderr", "text": CANNOT_ASK }));
            return None;
        }
        let answers = lock(&self.answers);
        // Discard answers to earlier questions that were abandoned.
        while answers.try_recv().is_ok() {}
        let content = json!({ "prompt": prompt, "password": secret });
        let question = any_message("input_request", content);
        let question = JupyterMessage::new(question, Some(&request.message));
        let id = question.header.msg_id.clone();
        self.questions.send(question).ok()?;
        while !self.state.is_stopped() && self.state.runs_cell() {
            let answer = answers.recv_timeout(Duration::from_millis(100));
            if let Some(answer) = answer.ok().filter(|answer| answers_question(answer, &id)) {
                let content = serde_json::to_value(&answer.content).ok()?;
                return Some(content["value"].as_str()?.to_owned());
            }
        }
        None
    }
}

/// False for an answer to an earlier question, in a field that is still open. Some clients do not say
/// which question they answer.
fn answers_question(answer: &JupyterMessage, id: &str) -> bool {
    let question = answer.parent_header.as_ref();
    question.is_none_or(|header| header.msg_type != "input_request" || header.msg_id == id)
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

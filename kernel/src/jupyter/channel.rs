//! The shell and control channels: each request is answered, or handed to the worker.

use super::backlog::IopubQueue;
use super::lookup::{complete_from_names, inspect_from_names, is_complete};
use super::message::{Request, kernel_info};
use super::sockets::{Received, is_closed, read};
use super::state::{KernelState, lock};
use super::worker::Job;
use jupyter_zmq_client::{JupyterMessage, RouterRecvConnection};
use serde_json::json;
use std::collections::{HashSet, VecDeque};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::UnboundedSender;

/// Number of recent messages by which replayed ones are rejected.
const MAX_SEEN: usize = 1 << 16;

/// The shell or the control channel.
pub(super) struct Channel {
    /// Replies to the sender of a request.
    pub(super) replies: UnboundedSender<JupyterMessage>,
    pub(super) iopub: IopubQueue,
    /// The messages received so far, on both channels.
    pub(super) seen: Arc<Mutex<SeenMessages>>,
    pub(super) state: Arc<KernelState>,
    pub(super) jobs: Sender<Job>,
}

/// Effect of a request on its channel.
#[derive(PartialEq)]
enum Next {
    /// The request is answered.
    Idle,
    /// The worker will answer.
    HandedOver,
    /// The request is answered, and the kernel shuts down.
    Shutdown,
}

impl Channel {
    /// Answers requests until a shutdown, or until the socket is closed.
    pub(super) async fn listen(self, mut requests: RouterRecvConnection) {
        loop {
            let Received { message, digest } = match read(&mut requests).await {
                Ok(received) => received,
                Err(error) if is_closed(&error) => return,
                Err(error) => {
                    eprintln!("candlebook: rejected a message: {error}");
                    continue;
                }
            };
            if !lock(&self.seen).insert(digest) {
                let id = &message.header.msg_id;
                eprintln!("candlebook: rejected a message: {id} was received before");
                continue;
            }
            let request = Request::new(message, self.replies.clone(), self.iopub.clone());
            if self.handle(request) == Next::Shutdown {
                return;
            }
        }
    }

    /// Answers one request between `busy` and `idle`, or hands it to the worker, which does both.
    fn handle(&self, request: Request) -> Next {
        request.publish_status("busy");
        // A lookup before the engine is ready waits for it: front ends do not ask again.
        let is_free = !self.state.is_executing();
        let job = match request.kind() {
            "execute_request" => Job::Execute,
            "complete_request" if is_free => Job::Complete,
            "inspect_request" if is_free => Job::Inspect,
            _ => {
                let next = self.answer(&request);
                request.publish_status("idle");
                self.state.repeat_status();
                return next;
            }
        };
        self.hand_over(job(request));
        Next::HandedOver
    }

    /// Answers a request that needs no engine.
    fn answer(&self, request: &Request) -> Next {
        match request.kind() {
            "complete_request" => request.reply(complete_from_names(&self.state, request)),
            "inspect_request" => request.reply(inspect_from_names(&self.state, request)),
            "kernel_info_request" => request.reply(kernel_info()),
            "is_complete_request" => request.reply(is_complete(&self.state, request)),
            "history_request" => {
                let answer = self.state.history().answer(&request.content);
                request.reply(answer);
            }
            "comm_info_request" => request.reply(json!({ "status": "ok", "comms": {} })),
            // No comm target exists, so the other side is told to close its end.
            "comm_open" => request.publish(
                "comm_close",
                json!({ "comm_id": request.content["comm_id"], "data": {} }),
            ),
            "comm_msg" | "comm_close" => {}
            "interrupt_request" => {
                self.state.interrupt();
                request.reply(json!({ "status": "ok" }));
            }
            "shutdown_request" => {
                let restart = request.flag("restart", false);
                let content = json!({ "status": "ok", "restart": restart });
                request.reply(content.clone());
                request.publish("shutdown_reply", content);
                return Next::Shutdown;
            }
            "debug_request" => request.reply(json!({
                "type": "response", "success": false, "command": request.content["command"],
                "request_seq": request.content["seq"], "message": "candlebook has no debugger",
            })),
            other => eprintln!("candlebook: ignored a message of unknown type {other}"),
        }
        Next::Idle
    }

    /// Gives a job to the worker, or replies with an error if the worker has ended.
    fn hand_over(&self, job: Job) {
        if let Err(failed) = self.jobs.send(job) {
            let (Job::Execute(request) | Job::Complete(request) | Job::Inspect(request)) = failed.0;
            let why = "the kernel's engine has ended; restart the kernel";
            request.reply(json!({
                "status": "error", "ename": "EngineError", "evalue": why, "traceback": [why],
            }));
            request.publish_status("idle");
        }
    }
}

/// Hashes of the last [`MAX_SEEN`] messages. Their identifiers would not do: Jupyter's clients count
/// those of each channel for themselves.
#[derive(Default)]
pub(super) struct SeenMessages {
    digests: HashSet<[u8; 32]>,
    oldest_first: VecDeque<[u8; 32]>,
}

impl SeenMessages {
    /// Adds a message's hash; false if it is in the set already.
    fn insert(&mut self, digest: [u8; 32]) -> bool {
        if !self.digests.insert(digest) {
            return false;
        }
        self.oldest_first.push_back(digest);
        if self.oldest_first.len() > MAX_SEEN
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.digests.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replayed_message_is_rejected_until_it_is_forgotten() {
        let mut seen = SeenMessages::default();
        let digest = |n: usize| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&n.to_ne_bytes());
            digest
        };
        assert!(seen.insert(digest(0)));
        assert!(!seen.insert(digest(0)));
        for n in 1..=MAX_SEEN {
            assert!(seen.insert(digest(n)));
        }
        assert!(seen.insert(digest(0)));
        assert_eq!(seen.digests.len(), MAX_SEEN);
    }
}

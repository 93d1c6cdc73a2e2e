//! The Jupyter server: sockets in, messages out. It answers at once; the engine warms up and works behind it.

use super::history::History;
use super::message::{Request, kernel_info, unknown};
use super::worker;
use super::worker::{Ask, Job, Shared};
use crate::build::Session;
use crate::build::session;
use crate::engine::{self, code};
use crate::home;
use anyhow::{Context, Result};
use jupyter_zmq_client::{
    ConnectionInfo, Header, JupyterMessage, RawMessage, RouterRecvConnection, RuntimeError,
    SubscriptionEvent, create_kernel_control_connection, create_kernel_heartbeat_connection,
    create_kernel_iopub_xpub_connection, create_kernel_shell_connection,
    create_kernel_stdin_connection,
};
use serde_json::json;
use std::collections::{HashSet, VecDeque};
use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zeromq::SocketRecv;

/// Serves one kernel until it is shut down.
pub(crate) fn run(connection_file: &Path) -> Result<()> {
    let text = std::fs::read(connection_file).with_context(|| {
        format!(
            "cannot read the connection file {}",
            connection_file.display()
        )
    })?;
    let info: ConnectionInfo = serde_json::from_slice(&text).with_context(|| {
        format!(
            "{} is not a Jupyter connection file",
            connection_file.display()
        )
    })?;
    let session = Session::reserve()?;
    // SAFETY: no thread has been started yet.
    unsafe { engine::set_environment(&session)? };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let result = runtime.block_on(serve(info, session));
    // Threads that still wait for something do not hold the process up.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

async fn serve(info: ConnectionInfo, session: Session) -> Result<()> {
    let id = format!("candlebook-{}", std::process::id());
    let heartbeat = create_kernel_heartbeat_connection(&info).await?;
    let shell = create_kernel_shell_connection(&info, &id).await?;
    let control = create_kernel_control_connection(&info, &id).await?;
    let stdin = create_kernel_stdin_connection(&info, &id).await?;
    let publisher = create_kernel_iopub_xpub_connection(&info, &id).await?;

    let (iopub, to_publish) = unbounded_channel();
    tokio::spawn(publish(publisher, to_publish));
    tokio::spawn(beat(heartbeat));

    let history = History::open(home::folder().ok().map(|home| home.join("history.jsonl")));
    let shared = Shared::new(history);
    let (stdin_send, mut stdin_recv) = stdin.split();
    let to_stdin = sender(stdin_send);
    let (answers, answer_queue) = std::sync::mpsc::channel();
    tokio::spawn(async move {
        loop {
            match stdin_recv.read().await {
                Ok(message) => drop(answers.send(message)),
                Err(error) if is_closed(&error) => return,
                Err(_) => {}
            }
        }
    });
    let folder = session.folder.clone();
    let jobs = worker::spawn(
        session,
        Arc::clone(&shared),
        ask(Arc::clone(&shared), to_stdin, answer_queue),
    )?;

    let (shell_send, shell_recv) = shell.split();
    let (control_send, control_recv) = control.split();
    let shell = Channel {
        back: sender(shell_send),
        iopub: iopub.clone(),
        shared: Arc::clone(&shared),
        jobs: jobs.clone(),
    };
    let control = Channel {
        back: sender(control_send),
        iopub,
        shared: Arc::clone(&shared),
        jobs,
    };
    tokio::spawn(shell.listen(shell_recv));
    let ended = tokio::spawn(control.listen(control_recv));

    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let mut interrupted =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    tokio::pin!(ended);
    loop {
        tokio::select! {
            _ = &mut ended => break,
            _ = terminated.recv() => break,
            _ = interrupted.recv() => shared.interrupt(),
            () = orphaned() => break,
        }
    }
    // The reply to the shutdown goes out.
    tokio::time::sleep(Duration::from_millis(50)).await;
    shared.kill();
    // Compilers at work, also those that build a seed, would write on into folders that are removed.
    engine::end_descendants();
    session::remove(&folder);
    Ok(())
}

/// Returns when the Jupyter server that started us is gone.
async fn orphaned() {
    let parent = rustix::process::getppid();
    while rustix::process::getppid() == parent {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn beat(mut heartbeat: jupyter_zmq_client::KernelHeartbeatConnection) {
    // A client that breaks off is no reason to be silent to the others.
    loop {
        if heartbeat.single_heartbeat().await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Sends what is published, in order, and welcomes who subscribes.
async fn publish(
    mut iopub: jupyter_zmq_client::KernelIoPubXPubConnection,
    mut messages: UnboundedReceiver<JupyterMessage>,
) {
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                // A subscriber that is gone is no reason to stop.
                Some(message) => drop(iopub.send(message).await),
                None => return,
            },
            event = iopub.recv_subscription() => {
                if let Ok(SubscriptionEvent::Subscribe(topic)) = event {
                    let welcome = unknown("iopub_welcome", json!({ "subscription": topic }));
                    let _ = iopub.send(JupyterMessage::new(welcome, None)).await;
                }
            }
        }
    }
}

/// A queue in front of a sending half, so that any thread can send.
fn sender(mut half: jupyter_zmq_client::RouterSendConnection) -> UnboundedSender<JupyterMessage> {
    let (sender, mut queue) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(message) = queue.recv().await {
            // A client that is gone needs no answer.
            let _ = half.send(message).await;
        }
    });
    sender
}

/// Reads a message whose signature is right. Its content is taken as it is: clients leave fields out that
/// `jupyter-protocol`'s own types insist on (the public test suite does, in `history_request`).
async fn read(requests: &mut RouterRecvConnection) -> Result<JupyterMessage, RuntimeError> {
    let raw = RawMessage::from_multipart(requests.socket.recv().await?, &requests.mac)?;
    let header: Header = serde_json::from_slice(&raw.jparts[0])?;
    let content = unknown(&header.msg_type, serde_json::from_slice(&raw.jparts[3])?);
    let mut message = JupyterMessage::new(content, None).with_zmq_identities(raw.zmq_identities);
    message.header = header;
    Ok(message)
}

/// Whether reading can go on after an error: messages that are unsigned, wrongly signed or malformed are dropped.
fn is_closed(error: &RuntimeError) -> bool {
    matches!(error, RuntimeError::ZmqError(_))
}

/// Asks the front end for input, for as long as Stop does not come.
fn ask(
    shared: Arc<Shared>,
    to_stdin: UnboundedSender<JupyterMessage>,
    answers: std::sync::mpsc::Receiver<JupyterMessage>,
) -> Ask {
    let answers = Mutex::new(answers);
    Box::new(move |request, prompt, secret| {
        if !request.flag("allow_stdin", false) {
            request.publish(
                "stream",
                json!({ "name": "stderr", "text": "input: this front end cannot be asked\n" }),
            );
            return None;
        }
        let answers = answers
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        // Answers to questions that were given up.
        while answers.try_recv().is_ok() {}
        let question = unknown(
            "input_request",
            json!({ "prompt": prompt, "password": secret }),
        );
        to_stdin
            .send(JupyterMessage::new(question, Some(&request.message)))
            .ok()?;
        while !shared.is_stopped() {
            if let Ok(answer) = answers.recv_timeout(Duration::from_millis(100)) {
                let content = serde_json::to_value(&answer.content).ok()?;
                // One line: a newline would be taken for the engine's next command.
                return Some(content["value"].as_str()?.replace(['\n', '\r'], " "));
            }
        }
        None
    })
}

/// Message identifiers remembered, to refuse a message that comes again.
const REMEMBERED: usize = 1 << 16;

/// The shell or the control channel.
struct Channel {
    back: UnboundedSender<JupyterMessage>,
    iopub: UnboundedSender<JupyterMessage>,
    shared: Arc<Shared>,
    jobs: Sender<Job>,
}

impl Channel {
    /// Answers requests until a shutdown.
    async fn listen(self, mut requests: RouterRecvConnection) {
        let (mut seen, mut order) = (HashSet::new(), VecDeque::new());
        loop {
            let message = match read(&mut requests).await {
                Ok(message) => message,
                Err(error) if is_closed(&error) => return,
                Err(error) => {
                    eprintln!("candlebook: a message was refused: {error}");
                    continue;
                }
            };
            if !seen.insert(message.header.msg_id.clone()) {
                eprintln!(
                    "candlebook: a message was refused: {} came before",
                    message.header.msg_id
                );
                continue;
            }
            order.push_back(message.header.msg_id.clone());
            if order.len() > REMEMBERED
                && let Some(oldest) = order.pop_front()
            {
                seen.remove(&oldest);
            }
            if self.handle(Request::new(message, self.back.clone(), self.iopub.clone())) {
                return;
            }
        }
    }

    /// Answers one request, or hands it to the worker, which then does. True for a shutdown.
    fn handle(&self, request: Request) -> bool {
        request.status("busy");
        let kind = request.kind().to_owned();
        match kind.as_str() {
            "execute_request" => return self.hand_over(Job::Execute(request)),
            "complete_request" if !self.shared.is_busy() => {
                return self.hand_over(Job::Complete(request));
            }
            "inspect_request" if !self.shared.is_busy() => {
                return self.hand_over(Job::Inspect(request));
            }
            "complete_request" => request.reply(self.shared.complete_from_names(&request)),
            "inspect_request" => request.reply(self.shared.inspect_from_names(&request)),
            "kernel_info_request" => request.reply(kernel_info()),
            "is_complete_request" => request.reply(code::is_complete(request.text("code"))),
            "history_request" => {
                let history = self
                    .shared
                    .history
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner());
                request.reply(history.answer(&request.content));
            }
            "comm_info_request" => request.reply(json!({ "status": "ok", "comms": {} })),
            "comm_open" => {
                // No target is known: the other side is told that its end is closed.
                request.publish(
                    "comm_close",
                    json!({ "comm_id": request.content["comm_id"], "data": {} }),
                );
            }
            "comm_msg" | "comm_close" => {}
            "interrupt_request" => {
                self.shared.interrupt();
                request.reply(json!({ "status": "ok" }));
            }
            "shutdown_request" => {
                let restart = request.flag("restart", false);
                request.reply(json!({ "status": "ok", "restart": restart }));
                request.publish(
                    "shutdown_reply",
                    json!({ "status": "ok", "restart": restart }),
                );
            }
            "debug_request" => request.reply(json!({
                "type": "response", "success": false, "command": request.content["command"],
                "request_seq": request.content["seq"], "message": "candlebook has no debugger",
            })),
            other => eprintln!("candlebook: a message of unknown type {other} was left alone"),
        }
        request.status("idle");
        self.shared.repeat_status();
        kind == "shutdown_request"
    }

    fn hand_over(&self, job: Job) -> bool {
        if let Err(failed) = self.jobs.send(job) {
            let (Job::Execute(request) | Job::Complete(request) | Job::Inspect(request)) = failed.0;
            let why = "the kernel's engine has ended; restart the kernel";
            request.reply(json!({ "status": "error", "ename": "EngineError", "evalue": why, "traceback": [why] }));
            request.status("idle");
        }
        false
    }
}

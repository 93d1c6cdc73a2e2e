//! The kernel's server: it binds the sockets and answers while the engine starts on its own thread.

use super::channel::Channel;
use super::history::History;
use super::sockets::{beat, outgoing_queue, publish_all};
use super::state::KernelState;
use super::stdin::Prompter;
use super::worker;
use crate::build::Session;
use crate::engine;
use crate::home;
use crate::timings;
use crate::working_folder::keep_files_private;
use anyhow::{Context, Result};
use jupyter_zmq_client::{
    ConnectionInfo, create_kernel_control_connection, create_kernel_heartbeat_connection,
    create_kernel_iopub_xpub_connection, create_kernel_shell_connection,
    create_kernel_stdin_connection,
};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinHandle;

/// Time that a shutdown waits for the engine's start to end. Jupyter kills a kernel after 5 s.
const START_TIMEOUT: Duration = Duration::from_secs(3);

/// Serves one kernel until it is shut down.
///
/// # Errors
/// If the connection file cannot be read, or no session or socket can be opened.
#[allow(unsafe_code)]
pub(crate) fn serve_kernel(connection_file: &Path) -> Result<()> {
    timings::begin("reserve a session");
    let info = read_connection_file(connection_file)?;
    // SAFETY: no thread has been started yet.
    unsafe { keep_files_private() };
    let session = Session::reserve()?;
    // SAFETY: as above.
    unsafe { engine::set_environment(&session)? };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let result = runtime.block_on(serve(info, session));
    // Do not wait for blocked threads.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

fn read_connection_file(path: &Path) -> Result<ConnectionInfo> {
    let text = std::fs::read(path)
        .with_context(|| format!("cannot read the connection file {}", path.display()))?;
    serde_json::from_slice(&text)
        .with_context(|| format!("{} is not a Jupyter connection file", path.display()))
}

async fn serve(info: ConnectionInfo, session: Session) -> Result<()> {
    let folder = session.folder.clone();
    let (state, control) = start(&info, session).await?;
    wait_for_end(&state, control).await?;
    // Let the shutdown reply go out.
    tokio::time::sleep(Duration::from_millis(50)).await;
    state.close();
    // Running compilers, including those of a seed, would keep writing into removed folders, and so
    // would the start of the engine, which ends once its compilers do.
    let start = Instant::now();
    engine::end_descendants();
    while state.is_starting() && start.elapsed() < START_TIMEOUT {
        tokio::time::sleep(Duration::from_millis(20)).await;
        engine::end_descendants();
    }
    state.kill();
    engine::end_descendants();
    Session::remove(&folder);
    Ok(())
}

/// Binds the sockets and starts the worker. Returns the control channel's task, which ends at a
/// shutdown.
async fn start(
    info: &ConnectionInfo,
    session: Session,
) -> Result<(Arc<KernelState>, JoinHandle<()>)> {
    let id = format!("candlebook-{}", std::process::id());
    let heartbeat = create_kernel_heartbeat_connection(info).await?;
    let shell = create_kernel_shell_connection(info, &id).await?;
    let control = create_kernel_control_connection(info, &id).await?;
    let stdin = create_kernel_stdin_connection(info, &id).await?;
    let publisher = create_kernel_iopub_xpub_connection(info, &id).await?;

    let (iopub, messages) = unbounded_channel();
    tokio::spawn(publish_all(publisher, messages));
    tokio::spawn(beat(heartbeat));
    let history_file = home::folder().ok().map(|home| home.join("history.jsonl"));
    let state = KernelState::new(History::open(history_file));
    let prompter = Prompter::new(Arc::clone(&state), stdin);
    let jobs = worker::spawn(session, Arc::clone(&state), prompter)?;

    let (shell_send, shell_recv) = shell.split();
    let (control_send, control_recv) = control.split();
    let seen = Arc::default();
    let channel = |replies| Channel {
        seen: Arc::clone(&seen),
        replies,
        iopub: iopub.clone(),
        state: Arc::clone(&state),
        jobs: jobs.clone(),
    };
    tokio::spawn(channel(outgoing_queue(shell_send)).listen(shell_recv));
    let control = tokio::spawn(channel(outgoing_queue(control_send)).listen(control_recv));
    Ok((state, control))
}

/// Waits for a shutdown request, SIGTERM, or the end of the Jupyter server. SIGINT means Stop.
async fn wait_for_end(state: &Arc<KernelState>, control: JoinHandle<()>) -> Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    tokio::pin!(control);
    loop {
        tokio::select! {
            _ = &mut control => return Ok(()),
            _ = terminated.recv() => return Ok(()),
            _ = interrupted.recv() => state.interrupt(),
            () = parent_ended() => return Ok(()),
        }
    }
}

/// Returns when the parent process, the Jupyter server, has ended.
async fn parent_ended() {
    let parent = rustix::process::getppid();
    while rustix::process::getppid() == parent {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

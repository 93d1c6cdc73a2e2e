//! The ZeroMQ sockets: heartbeat, iopub, and reading and queuing of messages.

use super::backlog::Published;
use super::message::any_message;
use anyhow::Result;
use jupyter_zmq_client::{
    Header, JupyterMessage, KernelHeartbeatConnection, KernelIoPubXPubConnection, RawMessage,
    RouterRecvConnection, RouterSendConnection, RuntimeError, SubscriptionEvent,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zeromq::SocketRecv;

/// Echoes heartbeats forever.
pub(super) async fn beat(mut heartbeat: KernelHeartbeatConnection) {
    // An error of one client does not end the heartbeat of the others.
    loop {
        if heartbeat.single_heartbeat().await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Publishes the queued messages in order, and welcomes each new subscriber.
pub(super) async fn publish_all(
    mut iopub: KernelIoPubXPubConnection,
    mut messages: UnboundedReceiver<Published>,
) {
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                // Keep publishing after a subscriber has disconnected.
                Some(published) => {
                    let _ = iopub.send(published.message).await;
                    drop(published.reservation);
                }
                None => return,
            },
            event = iopub.recv_subscription() => {
                if let Ok(SubscriptionEvent::Subscribe(topic)) = event {
                    let welcome = any_message("iopub_welcome", json!({ "subscription": topic }));
                    let _ = iopub.send(JupyterMessage::new(welcome, None)).await;
                }
            }
        }
    }
}

/// A queue in front of a socket's sending half, which lets every thread send.
pub(super) fn outgoing_queue(mut socket: RouterSendConnection) -> UnboundedSender<JupyterMessage> {
    let (sender, mut queue) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(message) = queue.recv().await {
            // Ignore clients that have disconnected.
            let _ = socket.send(message).await;
        }
    });
    sender
}

/// A message, and the hash of what its signature covers.
pub(super) struct Received {
    pub(super) message: JupyterMessage,
    pub(super) digest: [u8; 32],
}

/// Reads a correctly signed message, with any content.
///
/// `jupyter-protocol`'s typed contents require fields that clients omit; so does the public test
/// suite in its `history_request`.
///
/// # Errors
/// If the socket is closed, or the message is unsigned, wrongly signed or malformed.
pub(super) async fn read(requests: &mut RouterRecvConnection) -> Result<Received, RuntimeError> {
    let raw = RawMessage::from_multipart(requests.socket.recv().await?, &requests.mac)?;
    let mut digest = Sha256::new();
    raw.jparts.iter().for_each(|part| digest.update(part));
    let header: Header = serde_json::from_slice(&raw.jparts[0])?;
    let content = any_message(&header.msg_type, serde_json::from_slice(&raw.jparts[3])?);
    let mut message = JupyterMessage::new(content, None)
        .with_zmq_identities(raw.zmq_identities)
        .with_metadata(serde_json::from_slice(&raw.jparts[2])?);
    message.header = header;
    Ok(Received {
        message,
        digest: digest.finalize().into(),
    })
}

/// True if the socket is closed; after other errors, the next message can be read.
pub(super) fn is_closed(error: &RuntimeError) -> bool {
    matches!(error, RuntimeError::ZmqError(_))
}

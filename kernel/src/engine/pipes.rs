//! Pipes of the process that runs cells, passed over a socket.

use rustix::fd::{AsFd, OwnedFd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Pid;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;

/// The descriptors that a child sends when it starts.
pub(super) struct Pipes {
    /// The write end of the pipe that the engine reads. It is closed when the child has exited,
    /// which tells the engine.
    pub(super) engine: std::fs::File,
    pub(super) out: OwnedFd,
    pub(super) err: OwnedFd,
    /// Readable once the child has exited; `None` on systems without such a descriptor.
    pub(super) exit: Option<OwnedFd>,
    /// The child, which leads a process group.
    pub(super) child: Option<Pid>,
}

/// In the child: redirects standard output and error to new pipes, and sends the read ends and the
/// previous standard output to the parent.
///
/// # Errors
/// If a system call fails.
pub(super) fn exchange_output(control: &UnixStream) -> rustix::io::Result<()> {
    let (out_read, out_write) = pipe_with(PipeFlags::CLOEXEC)?;
    let (err_read, err_write) = pipe_with(PipeFlags::CLOEXEC)?;
    let child = rustix::process::getpid();
    let old = rustix::stdio::stdout();
    let fds = [old, out_read.as_fd(), err_read.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(
        control,
        &[IoSlice::new(&child.as_raw_nonzero().get().to_ne_bytes())],
        &mut ancillary,
        SendFlags::empty(),
    )?;
    rustix::stdio::dup2_stdout(&out_write)?;
    rustix::stdio::dup2_stderr(&err_write)
}

/// Receives the pipes of the next child; `None` once the sender is closed.
///
/// # Errors
/// If a system call fails.
pub(super) fn receive(control: &UnixStream) -> rustix::io::Result<Option<Pipes>> {
    let mut id = [0; size_of::<i32>()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let got = recvmsg(
        control,
        &mut [IoSliceMut::new(&mut id)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    if got.bytes == 0 {
        return Ok(None);
    }
    let mut fds = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let mut fds = fds.next().into_iter().flatten();
    match (fds.next(), fds.next(), fds.next()) {
        (Some(engine), Some(out), Some(err)) => {
            let child = Pid::from_raw(i32::from_ne_bytes(id));
            Ok(Some(Pipes {
                engine: engine.into(),
                out,
                err,
                exit: child.and_then(exit_of),
                child,
            }))
        }
        _ => Ok(None),
    }
}

/// A descriptor that becomes readable when a process exits.
#[cfg(target_os = "linux")]
fn exit_of(child: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(child, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn exit_of(_child: Pid) -> Option<OwnedFd> {
    None
}

/// Appends the available bytes; false at the end of the stream.
pub(super) fn read_available(from: &OwnedFd, to: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 1 << 16];
    match rustix::io::read(from, &mut buffer) {
        Ok(0) => false,
        Ok(n) => {
            to.extend_from_slice(&buffer[..n]);
            true
        }
        Err(rustix::io::Errno::INTR) => true,
        Err(_) => false,
    }
}

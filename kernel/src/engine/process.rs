//! Signals to the process that runs cells, and to the compilers.

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Interrupts or kills a cell from another thread.
#[derive(Clone)]
pub(crate) struct ChildHandle {
    pub(super) child: Arc<Mutex<Child>>,
    pub(super) running: Arc<AtomicBool>,
    pub(super) recovering: Arc<AtomicBool>,
}

impl ChildHandle {
    /// True while the cell's code runs, as opposed to being compiled.
    pub(crate) fn runs_cell(&self) -> bool {
        self.running.load(Ordering::SeqCst)
    }

    /// Sends the signal that the helper's loops check for.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Kills the process and those that cells started. The outcome reports that variables were
    /// lost.
    pub(crate) fn kill(&self) {
        if let Some(group) = self.id().and_then(|pid| Pid::from_raw(pid as i32)) {
            // An error means that the group has exited already.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// Kills the compilers of the cell, which then fails and changes nothing else.
    pub(crate) fn end_compilers(&self) {
        if self.recovering.load(Ordering::SeqCst) {
            return;
        }
        let cells = self.id();
        for pid in descendants(std::process::id(), cells) {
            send(pid, Signal::KILL);
        }
    }

    fn id(&self) -> Option<u32> {
        Some(
            self.child
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .id(),
        )
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.id() {
            send(pid, signal);
        }
    }
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid as i32) {
        // An error means that the process has exited already.
        let _ = kill_process(pid, signal);
    }
}

/// Kills every descendant of this process.
pub(crate) fn end_descendants() {
    for pid in descendants(std::process::id(), None) {
        send(pid, Signal::KILL);
    }
}

/// Kills every descendant of this process but the jobs of ranks, which Stop has reached already and which
/// end by themselves with the weights of the moment.
pub(crate) fn end_descendants_but_jobs() {
    let all = descendants(std::process::id(), None);
    let jobs: Vec<u32> = all.iter().copied().filter(|&pid| is_job(pid)).collect();
    for pid in all.into_iter().filter(|pid| !jobs.contains(pid)) {
        send(pid, Signal::KILL);
    }
}

/// True for the launcher of a job, and for the ranks that it starts: they inherit a variable.
fn is_job(pid: u32) -> bool {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let mut variables = environment.split(|&byte| byte == 0);
    variables.any(|variable| variable.starts_with(b"CANDLEBOOK_JOB="))
}

/// Ids of a process's descendants, without `except` and its descendants.
fn descendants(ancestor: u32, except: Option<u32>) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let children: Vec<Process> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(Process::read)
        .filter(|process| Some(process.id) != except)
        .collect();
    let mut found = vec![ancestor];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        let more = children.iter().filter(|process| process.parent == parent);
        found.extend(more.map(|process| process.id));
        next += 1;
    }
    found.split_off(1)
}

struct Process {
    id: u32,
    parent: u32,
}

impl Process {
    fn read(id: u32) -> Option<Process> {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        Some(Process {
            id,
            parent: parent_in(&stat)?,
        })
    }
}

/// Parses "pid (name) state parent ...". The name may contain anything, but ends at the last
/// parenthesis.
fn parent_in(stat: &str) -> Option<u32> {
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::parent_in;

    #[test]
    fn the_parent_follows_a_name_with_parentheses() {
        assert_eq!(parent_in("7 (a) b) S 3 7 7"), Some(3));
        assert_eq!(parent_in("7"), None);
    }
}

//! Times of the stages of a start and of cells, for `cargo xtask bench start`.

use std::fs::File;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// The variable with the file to which stages are appended. Without it, nothing is measured.
const FILE: &str = "CANDLEBOOK_TIMINGS";

/// Records that a stage of this process begins: the time, the processor time of the kernel and of
/// its finished children, and the stage's name.
pub(crate) fn begin(stage: &str) {
    record(std::process::id(), stage);
}

/// Records that a stage of the parent process begins, which waits for this process.
pub(crate) fn begin_in_parent(stage: &str) {
    record(std::os::unix::process::parent_id(), stage);
}

fn record(process: u32, stage: &str) {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.unwrap_or_default().as_secs_f64();
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let ticks = processor_ticks(&stat);
    let line = format!("{seconds:.4} {ticks} {stage}\n");
    // A measurement that cannot be written is missing in the table.
    if let Ok(mut file) = File::options().create(true).append(true).open(path) {
        let _ = file.write_all(line.as_bytes());
    }
}

/// The processor time in "pid (name) state ...", in ticks: its own and that of finished children, as
/// user and in the system.
fn processor_ticks(stat: &str) -> u64 {
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let times = after_name.split(' ').skip(11).take(4);
    times.filter_map(|time| time.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_counts_finished_children() {
        let stat = "7 (a) b) S 1 7 7 0 -1 0 9 9 9 9 10 20 300 4000 20 0 1 0";
        assert_eq!(processor_ticks(stat), 4330);
        assert_eq!(processor_ticks(""), 0);
    }
}

//! Values that cannot be shown.

use candlebook::prelude::*;
use candlebook::show::show;
use std::process::{Command, Output};

/// Runs the test `display::printing` in a process of its own, in the kernel or in a terminal.
fn printed(in_kernel: bool) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "display::printing", "--ignored", "--nocapture"]);
    command
        .env_remove("CANDLEBOOK_KERNEL")
        .env_remove("EVCXR_IS_RUNTIME");
    if in_kernel {
        command.envs([("CANDLEBOOK_KERNEL", "1"), ("CANDLEBOOK_TOKEN", "t0k")]);
    }
    command.output().unwrap()
}

#[test]
#[ignore = "run by the tests of its output"]
fn printing() {
    let wrong = Plot::new().line("loss", 0..3, [0.5, 0.25]);
    let handle = show(&wrong);
    handle.update(Plot::new().line("loss", 0..2, [0.5, 0.25]).width(-1.0));
    wrong.evcxr_display();
}

const LENGTHS: &str = "plot: line \"loss\": expected 3 y values, one per x value, got 2. \
                       Pass sequences of equal length";
const WIDTH: &str = "plot: width: expected 0.1 to 100 pixels, got -1. Defaults to 2";

#[test]
fn in_the_kernel_a_chart_that_cannot_be_drawn_is_reported_as_a_failure_of_the_cell() {
    let output = printed(true);
    let text = String::from_utf8(output.stdout).unwrap();
    let reasons: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("\u{1e}t0k CANNOT_SHOW "))
        .map(|json| serde_json::from_str(json).unwrap())
        .collect();
    assert_eq!(reasons, [LENGTHS, WIDTH, LENGTHS], "{text}");
    assert!(!text.contains("\"op\""), "nothing is shown: {text}");
}

#[test]
fn in_a_terminal_the_error_is_printed() {
    let errors = String::from_utf8(printed(false).stderr).unwrap();
    assert_eq!(
        errors,
        format!("show: {LENGTHS}\nshow: {WIDTH}\nshow: {LENGTHS}\n")
    );
}

//! Runs side by side.

use crate::common::{digits, epoch, history, with_log};
use candlebook::prelude::*;
use candlebook::show::Show;
use candlebook::train::Ended;

fn rows(table: &Table) -> Vec<Vec<String>> {
    let text = table.to_text();
    let cells = |line: &str| -> Vec<String> {
        let cells = line.split("  ").map(str::trim);
        let cells = cells.filter(|cell| !cell.is_empty());
        cells.map(String::from).collect()
    };
    text.lines().map(cells).collect()
}

#[test]
fn histories_differ_in_their_settings_and_results() {
    let first = history(vec![epoch(0.5, Some(0.25)), epoch(0.4, Some(0.125))]);
    let mut second = history(vec![epoch(0.5, Some(0.5))]);
    second.fit.learning_rate = 0.01;
    second.ended = Ended::Stopped;
    let comparison = compare(&[&first, &second]).unwrap();
    let expected = [
        vec!["1", "2"],
        vec!["learning_rate", "0.002", "0.01"],
        vec!["epochs", "2", "1"],
        vec!["train loss", "0.40000", "0.50000"],
        vec!["validation loss", "0.12500", "0.50000"],
        vec!["best loss", "0.12500", "0.50000"],
        vec!["time", "4.0 s", "2.0 s"],
        vec!["ended", "finished", "stopped"],
    ];
    assert_eq!(rows(&comparison.table()), expected);
    let plot = comparison.plot().contents().unwrap();
    let text = plot[0].get("text/plain").unwrap();
    assert!(
        text.contains("1: line of 2 points") && text.contains("2: line of 1 points"),
        "{text}"
    );
}

#[test]
fn runs_of_the_log_differ_in_their_layers_too() {
    with_log(
        "compare::runs_of_the_log_differ_in_their_layers_too",
        |_| {
            let (data, mut small) = digits();
            let mut large =
                Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(16)]).unwrap();
            let fit = Fit {
                epochs: 1,
                ..Default::default()
            };
            small.fit(&data, &fit).unwrap();
            large.fit(&data, &fit).unwrap();
            let comparison = compare(&[1, 2]).unwrap();
            let rows = rows(&comparison.table());
            assert_eq!(rows[0], ["run 1", "run 2"]);
            let names: Vec<&str> = rows[1..3].iter().map(|row| row[0].as_str()).collect();
            assert_eq!(names, ["layers", "parameters"]);
            let models = [&small, &large];
            let shown = comparison.reconstructions(&models, &data.test, 5).unwrap();
            let contents = shown.contents().unwrap();
            assert_eq!(contents.len(), 3);
            let text = contents[2].get("text/plain").unwrap();
            assert!(text.contains("rows: originals, run 1, run 2"), "{text}");
        },
    );
}

#[test]
fn the_number_of_runs_and_models_is_checked() {
    let one = history(vec![epoch(0.5, None)]);
    let error = compare(&[&one]).unwrap_err().to_string();
    assert!(
        error.starts_with("compare: expected at least two runs, got 1."),
        "{error}"
    );
    let (data, ae) = digits();
    let two = compare(&[&one, &one]).unwrap();
    let error = two.reconstructions(&[&ae], &data.test, 5).unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with("reconstructions: expected 2 models, one per run, got 1."),
        "{error}"
    );
}

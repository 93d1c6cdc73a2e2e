//! The history of a training run.

use candlebook::prelude::*;
use candlebook::show::Show;
use candlebook::train::{Epoch, LossTerm};

fn epoch(train_loss: f32, valid_loss: Option<f32>) -> Epoch {
    Epoch {
        train_loss,
        valid_loss,
        terms: Vec::new(),
        learning_rate: 0.001,
        seconds: 2.0,
        images_per_second: 1500.0,
    }
}

fn history(epochs: Vec<Epoch>) -> History {
    History {
        epochs,
        loss: Loss::Mse,
        custom_loss: false,
        stopped: false,
        fit: Fit::default(),
    }
}

#[test]
fn the_best_epoch_has_the_lowest_validation_loss() {
    let history = history(vec![
        epoch(0.5, Some(0.25)),
        epoch(0.4, Some(0.125)),
        epoch(0.1, Some(0.5)),
    ]);
    assert_eq!(history.best(), Some((2, epoch(0.4, Some(0.125)))));
    assert_eq!(history.train_loss(), [0.5, 0.4, 0.1]);
    assert_eq!(history.valid_loss(), [0.25, 0.125, 0.5]);
    assert_eq!(history.seconds(), 6.0);
}

#[test]
fn without_validation_the_best_epoch_has_the_lowest_training_loss() {
    let history = history(vec![epoch(0.5, None), epoch(0.25, None)]);
    assert_eq!(history.best().map(|(number, _)| number), Some(2));
    assert_eq!(history.valid_loss(), [0f32; 0]);
}

#[test]
fn a_run_without_epochs_has_no_best() {
    assert_eq!(history(Vec::new()).best(), None);
}

#[test]
fn terms_of_layers_have_columns_of_their_own() {
    let term = |train, valid| LossTerm {
        name: "KL".into(),
        train,
        valid,
    };
    let row = Epoch {
        terms: vec![term(0.03125, Some(0.0625))],
        ..epoch(0.5, Some(0.25))
    };
    let text = history(vec![row]).table().to_text();
    let mut lines = text.lines();
    let words = |line: &str| -> Vec<String> {
        line.split("  ")
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(String::from)
            .collect()
    };
    let columns = words(lines.next().unwrap());
    assert_eq!(
        columns[1..5],
        ["train loss", "validation loss", "KL", "validation KL"]
    );
    let row = words(lines.next().unwrap());
    assert_eq!(row[1..5], ["0.50000", "0.25000", "0.03125", "0.06250"]);
}

#[test]
fn the_table_marks_the_best_epoch() {
    let history = history(vec![epoch(0.5, Some(0.25)), epoch(0.4, None)]);
    let text = history.table().to_text();
    let rows: Vec<&str> = text.lines().filter(|line| line.contains("1,500")).collect();
    assert!(
        rows[0].contains("0.25000") && rows[0].trim_end().ends_with("best"),
        "{text}"
    );
    assert!(
        rows[1].contains("0.40000") && !rows[1].contains("best"),
        "{text}"
    );
}

#[test]
fn the_best_epoch_has_a_ring_around_the_mark_of_its_loss() {
    let history = history(vec![
        epoch(0.5, Some(0.25)),
        epoch(0.4, Some(0.125)),
        epoch(0.1, Some(0.5)),
    ]);
    let png = history.plot().legend(false).to_png().unwrap();
    let image = image::load_from_memory(&png).unwrap().into_rgb8();
    let green = image
        .enumerate_pixels()
        .filter(|(_, _, pixel)| pixel.0 == [0, 158, 115]);
    let (mut xs, mut ys): (Vec<u32>, Vec<u32>) = green.map(|(x, y, _)| (x, y)).unzip();
    xs.sort_unstable();
    ys.sort_unstable();
    let ends = |sorted: &[u32]| (sorted[0], sorted[sorted.len() - 1]);
    let ((left, right), (top, bottom)) = (ends(&xs), ends(&ys));
    assert!(
        right - left > 26 && bottom - top > 26,
        "{left} {right} {top} {bottom}"
    );
    let center = image.get_pixel(left.midpoint(right), top.midpoint(bottom));
    assert_eq!(center.0, [213, 94, 0], "the mark of the validation loss");
}

#[test]
fn it_renders_as_a_loss_curve_with_the_table_as_text() {
    let mut history = history(vec![epoch(0.5, Some(0.25)), epoch(0.4, Some(0.125))]);
    history.stopped = true;
    let contents = history.contents().unwrap();
    assert!(contents[0].get("image/png").is_some());
    let text = format!("{:?}", contents[0].get("text/plain"));
    assert!(text.contains("stopped early"), "{text}");
}

//! Charts of the parts of a loss.

use base64::Engine;
use candlebook::prelude::*;
use candlebook::show::Show;
use candlebook::train::{Epoch, LossTerm};

fn history(losses: &[(f32, f32)], terms: &[&str]) -> History {
    let term = |name: &str, i: usize| LossTerm {
        name: name.into(),
        train: 0.0625 / (i + 1) as f32,
        valid: Some(0.125 / (i + 1) as f32),
    };
    let epochs = losses.iter().enumerate().map(|(i, &(train, valid))| Epoch {
        train_loss: train,
        valid_loss: Some(valid),
        terms: terms.iter().map(|name| term(name, i)).collect(),
        learning_rate: 0.001,
        seconds: 1.0,
        images_per_second: 100.0,
    });
    History {
        epochs: epochs.collect(),
        loss: Loss::Mse,
        custom_loss: false,
        stopped: false,
        fit: Fit::default(),
    }
}

/// Plain text of the charts, without curves.
fn text(history: &History) -> String {
    let contents = history.parts_plot().contents().unwrap();
    let text = contents[0].get("text/plain").unwrap();
    let words = text.lines().map(|line| {
        line.trim_end_matches(|c: char| !c.is_ascii_alphanumeric())
            .to_owned()
    });
    words.collect::<Vec<_>>().join("\n")
}

/// Height of the PNG in which a history renders itself, in pixels.
fn height(history: &History) -> u32 {
    let contents = history.contents().unwrap();
    let png = contents[0].get("image/png").unwrap();
    let png = base64::engine::general_purpose::STANDARD
        .decode(png)
        .unwrap();
    image::load_from_memory(&png).unwrap().height()
}

#[test]
fn the_reconstruction_loss_is_the_loss_without_its_terms() {
    let vae = history(&[(0.5, 0.625), (0.25, 0.375)], &["KL"]);
    assert_eq!(
        text(&vae),
        "reconstruction\n\
         train: line of 2 points, 0.219 to 0.438\n\
         validation: line of 2 points, 0.312 to 0.5\n\
         KL\n\
         train: line of 2 points, 0.031 to 0.062\n\
         validation: line of 2 points, 0.062 to 0.125"
    );
    let mut custom = history(&[(0.5, 0.625), (0.25, 0.375)], &["KL"]);
    custom.custom_loss = true;
    assert!(text(&custom).starts_with("custom loss\n"));
}

#[test]
fn each_row_of_parts_makes_the_rendering_higher() {
    let losses = [(0.5, 0.625), (0.25, 0.375)];
    let plain = height(&history(&losses, &[]));
    let row = height(&history(&losses, &["KL", "L1"])) - plain;
    assert_eq!(row, 340);
    assert_eq!(
        height(&history(&losses, &["KL", "L1", "MMD"])),
        plain + 2 * row
    );
}

#[test]
fn epochs_without_validation_or_terms_are_drawn() {
    let mut vae = history(&[(0.5, 0.0)], &["KL"]);
    vae.epochs[0].valid_loss = None;
    vae.epochs[0].terms[0].valid = None;
    assert_eq!(
        text(&vae),
        "reconstruction\ntrain: line of 1 points, 0.438 to 0.438\nKL\ntrain: line of 1 points, 0.062 to 0.062"
    );
    assert!(history(&[], &[]).parts_plot().to_png().is_ok());
}

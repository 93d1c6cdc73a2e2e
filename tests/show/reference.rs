//! Charts and montages compared with the reviewed images in `tests/reference`. After an intended
//! change, regenerate them with `CANDLEBOOK_REFERENCE=1 cargo test --test show reference` and
//! review them again.

use candlebook::prelude::*;
use std::path::Path;

/// Maximum fraction of pixels that differ visibly, by more than 48 of 255. Rounding at the edges of
/// lines and letters depends on the processor.
const MAX_DIFFERENT: f64 = 0.005;

fn compare(name: &str, png: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/reference/{name}.png"));
    if std::env::var_os("CANDLEBOOK_REFERENCE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, png).unwrap();
    }
    let actual = image::load_from_memory(png).unwrap().into_rgb8();
    let expected = image::open(&path).unwrap().into_rgb8();
    assert_eq!(actual.dimensions(), expected.dimensions(), "{name}");
    let different = actual
        .pixels()
        .zip(expected.pixels())
        .filter(|(a, b)| a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > 48))
        .count();
    let share = different as f64 / (actual.width() * actual.height()) as f64;
    assert!(
        share <= MAX_DIFFERENT,
        "{name}: {:.2} % of the pixels differ",
        share * 100.0
    );
}

#[test]
fn charts_match_their_reference_images() {
    let x: Vec<f64> = (0..60).map(|i| i as f64 / 6.0).collect();
    let y: Vec<f64> = x.iter().map(|x| x.sin()).collect();
    let near = |by: f64| y.iter().map(|y| y + by).collect::<Vec<_>>();
    let size = |plot: Plot| plot.size(320, 200).to_png().unwrap();
    let lines = Plot::new()
        .line("sine", &x, &y)
        .band("spread", &x, near(-0.2), near(0.2))
        .title("Lines")
        .x_label("time")
        .y_label("height");
    compare("lines", &size(lines));
    let labels: Vec<usize> = (0..60).map(|i| i / 20).collect();
    compare(
        "groups",
        &size(
            Plot::new()
                .scatter_by("", &y, &x, &labels)
                .title("Groups")
                .dark(),
        ),
    );
    let bars = Plot::new()
        .bars("a", &["x", "y", "z"], [1.0, 2.0, 3.0])
        .bars("b", &["x", "y", "z"], [3.0, 1.0, 0.5]);
    compare("bars", &size(bars));
    let matrix = Tensor::arange(0f32, 40f32, &Device::Cpu)
        .unwrap()
        .reshape((5, 8))
        .unwrap();
    compare(
        "heat",
        &size(
            Plot::new()
                .heat_map(&matrix)
                .title("Heat map")
                .x_label("column")
                .y_label("row"),
        ),
    );
    let log = Plot::new()
        .line(
            "loss",
            1..31,
            (1..31).map(|i| 1.0 / (i * i) as f64).collect::<Vec<_>>(),
        )
        .log_y()
        .x_label("epoch");
    compare("log", &size(log));
}

#[test]
fn montages_match_their_reference_images() {
    let digits = mnist_embedded().unwrap().test.first(6).unwrap();
    let rows = Montage::rows(&[
        ("digits", digits.clone()),
        ("negative", (1.0 - &digits).unwrap()),
    ])
    .unwrap();
    compare(
        "rows",
        &rows.title("Six digits").captions(0..12).to_png().unwrap(),
    );
}

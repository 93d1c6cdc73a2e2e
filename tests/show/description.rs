//! Charts in plain text.

use crate::common::text;
use candlebook::prelude::*;

#[test]
fn each_series_has_its_name_size_and_range() {
    let plot = Plot::new()
        .title("Losses")
        .line("train", 1..4, [3.0, 2.0, 1.0])
        .segments("", [0.0], [0.0], [1.0], [2.0])
        .quiver("field", [0.0], [0.0], [1.0], [2.0])
        .band("spread", 0..3, [0.0, 1.0, 0.0], [1.0, 2.0, 1.0])
        .text("notes", [1.0], [1.0], &["here"]);
    assert_eq!(
        text(&plot),
        "Losses\ntrain: line of 3 points, 1 to 3 █▅▁\n1 segments\nfield: 1 arrows\n\
         spread: band over 3 points, 0 to 2\nnotes: 1 texts"
    );
}

//! Images above their reconstructions.

use super::common::{model, split, text, values};

#[test]
fn reconstructions_are_a_row_below_the_originals() {
    let rows = model()
        .reconstructions(
            &split(&[[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]], None),
            2,
        )
        .unwrap();
    let expected = [
        0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.1, 0.2, 0.0, 0.0, 0.5, 0.6, 0.0, 0.0,
    ];
    assert!(
        values(rows.tensor())
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() < 1e-6)
    );
    assert!(text(&rows).contains("rows: originals, reconstructions"));
}

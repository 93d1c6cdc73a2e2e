//! Grids of charts.

use candlebook::prelude::*;

#[test]
fn plots_form_a_grid() {
    let (a, b) = (
        Plot::new().size(200, 150).line("", 0..2, 0..2),
        Plot::new().size(300, 150).scatter("", 0..2, 0..2),
    );
    let grid = Plots::new([a.clone(), b.clone(), a]).columns(2);
    let png = image::load_from_memory(&grid.to_png().unwrap()).unwrap();
    assert_eq!((png.width(), png.height()), (1200, 600));
    assert_eq!(
        Plots::new([]).to_png().unwrap_err().to_string(),
        "Plots: expected at least one chart, got none. Pass a list of charts"
    );
}

//! The style of the series added last.

use crate::common::{BLUE, count};
use candlebook::prelude::*;

#[test]
fn style_methods_change_the_series_added_last() {
    let points = |plot: Plot| plot.scatter("a", [0.0, 1.0], [0.0, 1.0]);
    assert_eq!(
        count(&points(Plot::new()).color("#ff8932").legend(false), BLUE),
        0
    );
    assert!(count(&points(Plot::new()).color("#ff8932"), [255, 137, 50]) > 100);
    let line = |width| count(&Plot::new().line("", [0, 1], [0, 1]).width(width), BLUE);
    assert!(line(6.0) > 2 * line(2.0));
    let faint = points(Plot::new()).alpha(0.5).legend(false);
    assert!(
        count(&faint, BLUE) == 0
            && count(&faint, [128, 185, 217]) + count(&faint, [127, 184, 216]) > 50
    );
}

#[test]
fn hover_texts_are_areas_of_an_image_map() {
    let plot = Plot::new()
        .size(300, 200)
        .scatter("", [1.0, 2.0], [1.0, 2.0])
        .hover(&["one", "<two>"]);
    let html = plot.contents().unwrap()[0]
        .get("text/html")
        .unwrap()
        .to_owned();
    assert_eq!(html.matches("<area ").count(), 2);
    assert!(html.contains("title=\"&lt;two&gt;\""));
    assert!(!html.contains("<script"));
}

//! Charts: size, series in their colours, gaps, and no font needed.

use candlebook::prelude::*;
use image::GenericImageView;

fn count(plot: &Plot, colour: [u8; 3]) -> usize {
    let picture = image::load_from_memory(&plot.to_png().unwrap()).unwrap();
    picture.pixels().filter(|(_, _, pixel)| pixel.0[..3] == colour).count()
}

const BLUE: [u8; 3] = [0, 114, 178];
const ORANGE: [u8; 3] = [213, 94, 0];

#[test]
fn lines_are_drawn_in_their_colours_at_the_size_asked_for() {
    let x = [1.0, 2.0, 3.0];
    let one = Plot::new().size(400, 200).line("a", &x, &[3.0, 2.0, 1.0]).unwrap();
    let picture = image::load_from_memory(&one.to_png().unwrap()).unwrap();
    assert_eq!(picture.dimensions(), (400, 200));
    assert!(count(&one, BLUE) > 200);
    assert_eq!(count(&one, ORANGE), 0);
    let two = one.line("b", &x, &[1.0, 2.0, 3.0]).unwrap();
    assert!(count(&two, BLUE) > 200 && count(&two, ORANGE) > 200);
}

#[test]
fn text_is_drawn_by_the_embedded_font() {
    let dark = |plot: &Plot| {
        let picture = image::load_from_memory(&plot.to_png().unwrap()).unwrap();
        picture.pixels().filter(|(_, _, pixel)| pixel.0[..3].iter().all(|&v| v < 100)).count()
    };
    let plain = Plot::new().line("", &[0.0, 1.0], &[0.0, 1.0]).unwrap();
    let titled = plain.clone().title("Reconstruction error");
    assert!(dark(&titled) > dark(&plain) + 200, "{} {}", dark(&titled), dark(&plain));
}

#[test]
fn gaps_constants_single_points_and_emptiness_are_drawn() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let gap = Plot::new().line("a", &x, &[1.0, f64::NAN, f64::INFINITY, 2.0]).unwrap();
    assert!(count(&gap, BLUE) > 0);
    assert!(count(&Plot::new().line("a", &x, &[5.0; 4]).unwrap(), BLUE) > 200);
    assert!(count(&Plot::new().line("a", &[1.0], &[0.0]).unwrap(), BLUE) > 0);
    assert!(!Plot::new().to_png().unwrap().is_empty());
}

#[test]
fn lengths_that_differ_are_an_error_in_words() {
    let error = Plot::new().line("loss", &[1.0, 2.0], &[1.0]).unwrap_err().to_string();
    assert_eq!(error, "line \"loss\": expected as many y as x values, 2, got 1. Give both from the same source");
}

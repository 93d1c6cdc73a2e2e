//! Readers of results: error texts, colors, tables.

use candlebook::prelude::*;
use candlebook::show::Show;

/// The error's text.
pub fn error<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => panic!("expected an error"),
        Err(error) => error.to_string(),
    }
}

/// The first value of each channel of each image, from 0 to 255.
pub fn colors(split: &Split) -> Vec<[u8; 3]> {
    let images = split.first(usize::MAX).unwrap();
    let values = images.i((.., .., 0, 0)).unwrap().to_vec2::<f32>().unwrap();
    values
        .iter()
        .map(|v| [v[0], v[1], v[2]].map(|v| (v * 255.0).round() as u8))
        .collect()
}

/// The table that a data set shows.
pub fn table(data: &Dataset) -> String {
    data.contents().unwrap()[0]
        .get("text/plain")
        .unwrap()
        .to_owned()
}

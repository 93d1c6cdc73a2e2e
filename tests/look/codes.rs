//! Codes of a split and their scatter plots.

use super::common::{model, split, text, values};
use candlebook::prelude::*;

#[test]
fn codes_are_plotted_by_value_and_by_principal_component() {
    let ae = model();
    // The codes are on a line, so the first component explains all variance.
    let images: Vec<[f32; 4]> = (0..9)
        .map(|i| [0.1 * i as f32, 0.05 * i as f32, 0.0, 0.0])
        .collect();
    let data = split(&images, Some((0..9).map(|i| i % 3).collect()));
    let codes = ae.codes(&data).unwrap();
    assert_eq!(codes.dims(), [9, 2]);
    assert!((values(&codes)[3] - 0.1).abs() < 1e-6);
    let scatter = text(&ae.code_scatter(&data, 0, 1).unwrap());
    assert_eq!(
        scatter,
        "Codes\n0: 3 points, 0 to 0.6\n1: 3 points, 0.1 to 0.7\n2: 3 points, 0.2 to 0.8"
    );
    let plain = text(&ae.code_scatter(&split(&images, None), 0, 1).unwrap());
    assert_eq!(plain, "Codes\n9 points, 0 to 0.8");
    let pca = ae.code_pca(&data).unwrap();
    let svg = pca.to_svg().unwrap();
    assert!(
        svg.contains("component 1, 100 % of the variance")
            && svg.contains("component 2, 0 % of the variance")
    );
    let error = ae.code_scatter(&data, 0, 2).unwrap_err().to_string();
    assert_eq!(
        error,
        "index in the code: expected below 2, got 2. Indexes count from 0"
    );
}

#[test]
fn names_of_classes_and_the_prior_are_in_the_legend() {
    let encoder = [Flatten, Linear(4), Gaussian(1.0)];
    let vae = Autoencoder::symmetric((1, 2, 2), &encoder).unwrap();
    let images: Vec<[f32; 4]> = (0..6).map(|i| [0.1 * i as f32; 4]).collect();
    let labels = (0..6).map(|i| i % 2).collect();
    let data = split(&images, Some(labels))
        .named(vec!["cat".into(), "dog".into()])
        .unwrap();
    for plot in [
        vae.code_scatter(&data, 0, 1).unwrap(),
        vae.code_pca(&data).unwrap(),
    ] {
        let text = text(&plot);
        let names: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split(':').next())
            .collect();
        assert_eq!(names, ["Codes", "cat", "dog", "N(0, 1)"]);
        assert!(text.ends_with("N(0, 1): 192 segments"), "{text}");
    }
}

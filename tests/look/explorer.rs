//! The explorer's page: its parts, and models that it rejects. `tests/kernel/test_explore.py` checks
//! the decoded images in a browser.

use candlebook::prelude::*;
use candlebook::show::Show;

#[test]
fn page_contains_the_decoder_and_fetches_nothing() {
    let ae = Autoencoder::symmetric((1, 4, 4), &[Flatten, Linear(8), Relu, Dropout(0.5)]).unwrap();
    let starts = Tensor::ones((3, 1, 4, 4), DType::F32, &Device::Cpu).unwrap();
    let explorer = explore(&ae).unwrap().starting_from(&starts).unwrap();
    let page = explorer.to_html().unwrap();
    for part in [
        "\"kind\":\"linear\"",
        "\"kind\":\"sigmoid\"",
        "\"size\":8",
        "\"image\":[1,4,4]",
        "\"starts\":[[",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("MODEL") && !page.contains("\"ID\"") && !page.contains("STILL"));
    assert!(!page.contains("http"), "the page fetches nothing");
    let content = explorer.contents().unwrap().remove(0);
    assert_eq!(
        content.get("text/plain"),
        Some("explorer: codes of 8 values, decoded to images of 1 x 4 x 4")
    );
    assert!(
        content.get("image/png").is_some(),
        "an image for viewers without JavaScript"
    );
    let other = explorer.to_html().unwrap();
    let id = |page: &str| page.split('"').nth(1).unwrap().to_owned();
    assert_ne!(id(&page), id(&other), "each output has its own id");
    let folder = tempfile::tempdir().unwrap();
    explorer.save(folder.path().join("page.html")).unwrap();
    assert!(
        std::fs::read_to_string(folder.path().join("page.html"))
            .unwrap()
            .starts_with("<!doctype html>")
    );
}

#[test]
fn the_page_has_the_settings_of_activations_and_normalizations() {
    let decoder = [
        LayerNorm,
        Elu(0.5),
        Linear(16),
        LeakyRelu(0.25),
        Linear(16),
        Gelu,
        GroupNorm(4),
        Silu,
        Linear(16),
        Softplus,
        Softmax,
        Unflatten(1, 4, 4),
    ];
    let ae = Autoencoder::new((1, 4, 4), &[Flatten, Linear(8)], &decoder).unwrap();
    let page = explore(&ae).unwrap().to_html().unwrap();
    for part in [
        "\"groups\":1,\"kind\":\"norm\"",
        "\"alpha\":0.5,\"kind\":\"elu\"",
        "\"kind\":\"leakyRelu\",\"slope\":0.25",
        "\"kind\":\"gelu\"",
        "\"groups\":4,\"kind\":\"norm\"",
        "\"kind\":\"silu\"",
        "\"kind\":\"softplus\"",
        "\"channels\":16,\"kind\":\"softmax\"",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn decoders_too_large_for_a_notebook_are_rejected() {
    let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(2000)]).unwrap();
    assert_eq!(
        explore(&ae).unwrap_err().to_string(),
        "explore: expected a decoder of at most 1,000,000 weights, got 1,568,784. The notebook stores all of them. Use \
         traversal(), or a smaller model"
    );
}

#[test]
fn decoders_that_the_page_cannot_compute_are_rejected() {
    let ae = Autoencoder::symmetric((1, 8, 8), &[Conv2d(2, 3).padding(1), Relu]).unwrap();
    assert_eq!(
        explore(&ae).unwrap_err().to_string(),
        "explore: expected a decoder of Linear, activations, LayerNorm and GroupNorm, got Conv2d(1, 3).padding(1). Use \
         traversal(), which works for every layer"
    );
}

/// The values of the explorer's model in the page.
fn model_json(explorer: &candlebook::look::Explorer) -> serde_json::Value {
    let page = explorer.to_html().unwrap();
    let line = page
        .lines()
        .find_map(|line| line.trim().strip_prefix("const model = "));
    serde_json::from_str(line.unwrap().trim_end_matches(';')).unwrap()
}

#[test]
fn gaussian_codes_start_at_zero_with_the_range_and_samples_of_the_prior() {
    let encoder = [Flatten, Linear(6), Gaussian(1.0)];
    let vae = Autoencoder::symmetric((1, 4, 4), &encoder).unwrap();
    let model = model_json(&explore(&vae).unwrap());
    let slider = |unit| serde_json::json!({ "unit": unit, "low": -3.0, "high": 3.0 });
    assert_eq!(
        model["sliders"],
        serde_json::json!([slider(0), slider(1), slider(2)])
    );
    assert_eq!(model["prior"], true);
    let starts = model["starts"].as_array().unwrap();
    assert_eq!(starts.len(), 12);
    assert_eq!(starts[0], serde_json::json!([0.0, 0.0, 0.0]));
    let sum: f64 = starts[1..]
        .iter()
        .flat_map(|code| code.as_array().unwrap())
        .map(|value| value.as_f64().unwrap().powi(2))
        .sum();
    assert!(
        (0.5..2.0).contains(&(sum / 33.0)),
        "variance {}",
        sum / 33.0
    );
    // The codes of images near 0 leave the sliders as they are.
    let images = Tensor::zeros((2, 1, 4, 4), DType::F32, &Device::Cpu).unwrap();
    let model = model_json(&explore(&vae).unwrap().starting_from(&images).unwrap());
    assert_eq!(model["sliders"][2], slider(2));
    assert_eq!(model["starts"].as_array().unwrap().len(), 2);
}

#[test]
fn other_codes_have_no_samples() {
    let ae = Autoencoder::symmetric((1, 4, 4), &[Flatten, Linear(3), Relu]).unwrap();
    let model = model_json(&explore(&ae).unwrap());
    assert_eq!(
        (&model["starts"], &model["prior"]),
        (&serde_json::json!([]), &false.into())
    );
    assert_eq!(model["sliders"][0]["low"], 0.0);
}

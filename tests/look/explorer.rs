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

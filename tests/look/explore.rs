//! The explorer's page: what it holds, and what is refused. That its pictures are right is seen in a browser, in
//! `tests/kernel/test_explore.py`.

use candlebook::prelude::*;

#[test]
fn the_page_holds_the_decoder_and_needs_nothing_else() {
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
    assert!(!page.contains("http"), "nothing is fetched");
    let content = explorer.contents().unwrap().remove(0);
    assert_eq!(
        content.get("text/plain"),
        Some("explorer: 8 numbers of the code drawn as pictures of 1 x 4 x 4")
    );
    assert!(
        content.get("image/png").is_some(),
        "a picture where scripts cannot run"
    );
    let other = explorer.to_html().unwrap();
    let id = |page: &str| page.split('"').nth(1).unwrap().to_owned();
    assert_ne!(id(&page), id(&other), "each output has a name of its own");
    let folder = tempfile::tempdir().unwrap();
    explorer.save(folder.path().join("page.html")).unwrap();
    assert!(
        std::fs::read_to_string(folder.path().join("page.html"))
            .unwrap()
            .starts_with("<!doctype html>")
    );
}

#[test]
fn a_model_too_heavy_for_a_notebook_is_refused() {
    let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(2000)]).unwrap();
    assert_eq!(
        explore(&ae).unwrap_err().to_string(),
        "explore: expected a decoder of at most 1,000,000 weights, got 1,568,784. It is kept in the notebook whole. Use \
         traversal(), or a smaller model"
    );
}

#[test]
fn a_decoder_that_the_page_cannot_run_is_refused() {
    let ae = Autoencoder::symmetric((1, 8, 8), &[Conv2d(2, 3).padding(1), Relu]).unwrap();
    assert_eq!(
        explore(&ae).unwrap_err().to_string(),
        "explore: expected a decoder of Linear, Relu, Sigmoid and Tanh, got Conv2d(1, 3).padding(1). Use \
         traversal(), which draws with every layer"
    );
}

//! The table of layers as which a model renders itself.

use candlebook::prelude::*;
use candlebook::show::Show;

#[test]
fn summary_lists_every_layer_and_the_total() {
    let layers = [Flatten, Linear(128), Relu, Dropout(0.2)];
    let ae = Autoencoder::symmetric((1, 28, 28), &layers).unwrap();
    let contents = ae.contents().unwrap();
    let text = contents[0].get("text/plain").unwrap();
    let line = |start: &str| {
        let line = text.lines().find(|line| line.starts_with(start)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        line("encoder.1"),
        "encoder.1 Linear(128) 128 values 100,480"
    );
    assert_eq!(
        line("decoder.2"),
        "decoder.2 Unflatten(1, 28, 28) 1 x 28 x 28"
    );
    assert_eq!(line("total"), "total 201,616");
    assert_eq!(line("device"), "device CPU, planned CPU ops");
}

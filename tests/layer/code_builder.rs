//! Settings of code layers, and modules of candle in lists.

use candlebook::prelude::*;

#[test]
fn settings_of_another_layer_are_errors() {
    let error = |layer: Layer| {
        let layers = [Flatten, Linear(8), layer];
        let error = Autoencoder::symmetric((1, 28, 28), &layers).unwrap_err();
        error.to_string()
    };
    assert!(error(Relu.commitment(1.0)).contains("only VectorQuantize has it"));
    assert!(error(Linear(4).learned_codebook()).contains("only VectorQuantize has it"));
    let text = error(VectorQuantize(0));
    assert!(
        text.contains("expected at least 2 entries, got 0"),
        "{text}"
    );
    let text = error(VectorQuantize(8).commitment(-1.0));
    assert!(
        text.contains("expected a commitment in [0, 1000000], got -1"),
        "{text}"
    );
}

#[test]
fn modules_have_no_mirror_and_are_drawn_from_the_seed() {
    let dense = Layer::module("dense", |vb| candle_nn::linear(784, 16, vb.pp("inner")));
    let text = Autoencoder::symmetric((1, 28, 28), &[Flatten, dense.clone()]).unwrap_err();
    assert!(
        text.to_string()
            .contains("expected layers that can be mirrored, got Module(dense)")
    );
    let decoder = [Linear(784), Unflatten(1, 28, 28)];
    let values = |seed: u64| {
        let init = Init {
            seed,
            ..Default::default()
        };
        let encoder = [Flatten, dense.clone()];
        let ae = Autoencoder::new_with((1, 28, 28), &encoder, &decoder, &init).unwrap();
        let (name, weight) = &ae.variables()[0];
        assert_eq!(name, "encoder.1.inner.weight");
        weight.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    assert_eq!(values(3), values(3));
    assert_ne!(values(3), values(4));
    // candle_nn::linear: Kaiming normal, with a standard deviation of sqrt(2 / 784).
    let values = values(3);
    let mean_square = values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32;
    assert!((mean_square * 392.0 - 1.0).abs() < 0.05, "{mean_square}");
}

#[test]
fn a_codebook_that_no_memory_holds_is_an_error_before_it_is_allocated() {
    let encoder = [Flatten, Linear(8), VectorQuantize(usize::MAX / 2)];
    let error = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap_err();
    assert!(
        error.to_string().contains("at most 4294967296 weights"),
        "{error}"
    );
}

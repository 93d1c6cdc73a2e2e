//! Features, filters and basis responses of a model with known weights.

use super::common::{model, values};
use candlebook::prelude::*;

#[test]
fn features_are_decoder_columns_and_filters_are_encoder_rows() {
    let ae = model();
    assert_eq!(
        values(ae.features().unwrap().tensor()),
        [0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0]
    );
    assert_eq!(
        values(ae.filters().unwrap().tensor()),
        [2.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0]
    );
    assert_eq!(
        values(ae.basis_responses().unwrap().tensor()),
        [0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0]
    );
    let identity = Autoencoder::new((1, 2, 2), &[Relu], &[Relu]).unwrap();
    assert_eq!(
        identity.filters().unwrap_err().to_string(),
        "filters of the encoder: expected a layer with weights, got none. Add one, such as Linear(128)"
    );
}

#[test]
fn features_need_a_decoder_whose_last_linear_layer_outputs_the_image() {
    let ae = Autoencoder::new((1, 1, 2), &[Flatten], &[Unflatten(1, 1, 2)]).unwrap();
    let error = ae.features().unwrap_err().to_string();
    assert!(
        error.contains("expected a last linear layer of 2 outputs")
            && error.contains("basis_responses()"),
        "{error}"
    );
}

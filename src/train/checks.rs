//! Checks of a model against its data and settings, before the first step.
//!
//! Each of these faults would train without an error, and learn nothing or something else.

use super::fit::Fit;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::loss::Loss;
use crate::math::Interval;
use crate::model::Autoencoder;

/// Rejects data, settings and weights that do not fit the model.
/// `callback` is true if one may add metrics.
pub(super) fn check(model: &Autoencoder, data: &Dataset, fit: &Fit, callback: bool) -> Result<()> {
    check_shape(model, data)?;
    fit.check(data.train.len())?;
    fit.check_images(data.image_shape(), callback)?;
    let values = data.train.value_range();
    model.check_loss("Fit::loss", fit.loss, values)?;
    check_reach(model.output_range(values), values)?;
    check_auxiliary(model, fit)?;
    check_labels(model, data)?;
    check_checkpoint(model, fit)?;
    check_weights(model)
}

/// Rejects images of another shape than the model's.
fn check_shape(model: &Autoencoder, data: &Dataset) -> Result<()> {
    if data.image_shape() == model.image_shape() {
        return Ok(());
    }
    let expected = format!("images of the model's shape {:?}", model.image_shape());
    let got = format!("{:?}", data.image_shape());
    let hint = "Build the model with data.image_shape()";
    Err(Error::shape("fit", expected, got, hint))
}

/// Rejects losses whose remainder an auxiliary loss cannot reconstruct: it is that of the image itself.
fn check_auxiliary(model: &Autoencoder, fit: &Fit) -> Result<()> {
    let mut layers = model.encoder().iter();
    let has_auxiliary = layers.any(|layer| matches!(layer, Layer::AuxK(_)));
    if !has_auxiliary || fit.loss == Loss::Mse {
        return Ok(());
    }
    let hint = "Write loss: Loss::Mse, or remove .auxiliary(..)";
    let expected = "Mse for a code with an auxiliary loss";
    Err(Error::setting(
        "Fit::loss",
        expected,
        format!("{:?}", fit.loss),
        hint,
    ))
}

/// Rejects checkpoints of a model with a function that no file can hold.
fn check_checkpoint(model: &Autoencoder, fit: &Fit) -> Result<()> {
    if fit.checkpoint.is_none() || !model.has_modules() {
        return Ok(());
    }
    let hint = "Train without a checkpoint, and save the weights after fit";
    Err(Error::setting(
        "Fit::checkpoint",
        "a model whose layers a file can hold",
        "one with Layer::module",
        hint,
    ))
}

/// Rejects data without the labels that a layer reads, or with labels of no class.
fn check_labels(model: &Autoencoder, data: &Dataset) -> Result<()> {
    let classes = |layer: &Layer| match layer {
        Layer::Condition(classes) => Some(*classes),
        _ => None,
    };
    let Some(classes) = model.decoder().iter().find_map(classes) else {
        return Ok(());
    };
    for split in [&data.train, &data.test] {
        let Some(labels) = split.labels() else {
            let expected = format!("data with labels, which Condition({classes}) reads");
            let hint = "Give the splits labels, or remove the layer";
            return Err(Error::setting("fit", expected, "data without labels", hint));
        };
        let largest = labels
            .iter()
            .max()
            .filter(|&&label| label as usize >= classes);
        if let Some(label) = largest {
            let expected = format!("labels of 0 to {}, as Condition({classes})", classes - 1);
            let hint = format!("Write Condition({})", label + 1);
            return Err(Error::setting("fit", expected, label, hint));
        }
    }
    Ok(())
}

/// Rejects a model that cannot output the data. Cross-entropies have their own check.
fn check_reach(output: Interval, data: Interval) -> Result<()> {
    if output.contains(data) {
        return Ok(());
    }
    let expected = format!("a decoder that can output the data, {data}");
    let got = format!("one whose output has values {output}");
    let hint = "Build it with Autoencoder::new and end it without an activation, or scale the data";
    Err(Error::setting("fit", expected, got, hint))
}

/// Rejects a batch of one image if a batch normalization sees one value per channel, whose variance
/// is not defined.
pub(super) fn check_batches(model: &Autoencoder, data: &Dataset, fit: &Fit) -> Result<()> {
    let n = data.train.len();
    let n = n - fit.validation_count(n);
    let rest = n % fit.batch_size;
    if fit.batch_size > 1 && rest != 1 {
        return Ok(());
    }
    let Some(place) = model.normalized_features() else {
        return Ok(());
    };
    let got = if rest == 1 && fit.batch_size > 1 {
        format!(
            "a last batch of 1, because {n} = {} * {} + 1",
            n / fit.batch_size,
            fit.batch_size
        )
    } else {
        "batches of 1".to_owned()
    };
    let expected = format!("at least 2 images in each batch for {place}");
    let hint = "Choose another batch size, or take one image less with data.take(..)";
    Err(Error::setting("Fit::batch_size", expected, got, hint))
}

/// Rejects weights that are NaN or infinite, as from a file of a run that diverged.
fn check_weights(model: &Autoencoder) -> Result<()> {
    for (name, var) in [model.variables(), model.buffers()].concat() {
        let sum = var.as_tensor().sum_all()?.to_scalar::<f32>()?;
        if !sum.is_finite() {
            let hint = "Load a file with finite weights, or build a new model";
            return Err(Error::setting(
                name,
                "finite weights",
                "NaN or infinity",
                hint,
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_has_to_reach_the_data() {
        assert!(check_reach(Interval::UNBOUNDED, Interval::new(-3.0, 2.5)).is_ok());
        assert!(check_reach(Interval::new(0.0, f64::INFINITY), Interval::UNIT).is_ok());
        assert_eq!(
            check_reach(Interval::UNIT, Interval::new(-3.0, 2.5))
                .unwrap_err()
                .to_string(),
            "fit: expected a decoder that can output the data, in [-3, 2.5], got one whose output \
             has values in [0, 1]. Build it with Autoencoder::new and end it without an \
             activation, or scale the data"
        );
    }
}

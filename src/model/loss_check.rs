//! Losses that are not defined for a model's output or its data.

use crate::error::{Error, Result};
use crate::layer::output_range;
use crate::loss::{Loss, scale_data};
use crate::math::Interval;
use crate::model::autoencoder::Autoencoder;

impl Autoencoder {
    /// Values that the model can produce in training from data in this interval.
    pub(crate) fn output_range(&self, data: Interval) -> Interval {
        let codes = output_range(self.encoder_net().nodes(), data);
        output_range(self.decoder_net().nodes(), codes)
    }

    /// Rejects a loss that is not defined for these data or for the model's output. `what` names the
    /// loss in errors.
    pub(crate) fn check_loss(&self, what: &str, loss: Loss, data: Interval) -> Result<()> {
        check(what, loss, self.output_range(data), data)
    }
}

fn check(what: &str, loss: Loss, output: Interval, data: Interval) -> Result<()> {
    if loss != Loss::Mse && !Interval::UNIT.contains(data) {
        let expected = format!("data in [0, 1] for the {loss}");
        let got = format!("data {data}");
        // Bytes are not negative.
        let largest = if data.low < 0.0 { data.low } else { data.high };
        return Err(Error::setting(what, expected, got, scale_data(largest)));
    }
    let (expected, hint) = match loss {
        Loss::BinaryCrossEntropy if !Interval::UNIT.contains(output) => (
            "a decoder whose output is in [0, 1]",
            "End it with Sigmoid, or choose Loss::BinaryCrossEntropyWithLogits",
        ),
        Loss::BinaryCrossEntropyWithLogits if output != Interval::UNBOUNDED => (
            "a decoder that outputs logits, which have no bounds",
            "Build it with Autoencoder::new without an activation at the end, or choose \
             Loss::BinaryCrossEntropy",
        ),
        _ => return Ok(()),
    };
    let got = format!("one whose output has values {output}");
    Err(Error::setting(what, expected, got, hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOSSES: [Loss; 3] = [
        Loss::Mse,
        Loss::BinaryCrossEntropy,
        Loss::BinaryCrossEntropyWithLogits,
    ];

    #[test]
    fn each_loss_accepts_the_outputs_that_it_is_defined_for() {
        let relu = Interval::new(0.0, f64::INFINITY);
        for (output, accepted) in [
            (Interval::UNIT, [true, true, false]),
            (Interval::UNBOUNDED, [true, false, true]),
            (relu, [true, false, false]),
        ] {
            let found = LOSSES.map(|loss| check("loss", loss, output, Interval::UNIT).is_ok());
            assert_eq!(found, accepted, "{output}");
        }
    }

    #[test]
    fn cross_entropies_need_data_in_the_unit_interval() {
        let data = Interval::new(-3.0, 2.5);
        let found = LOSSES.map(|loss| check("loss", loss, Interval::UNBOUNDED, data).is_ok());
        assert_eq!(found, [true, false, false]);
        let error = check("Fit::loss", LOSSES[1], Interval::UNIT, data).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Fit::loss: expected data in [0, 1] for the binary cross-entropy, got data in \
             [-3, 2.5]. Scale the data, or choose Loss::Mse"
        );
    }
}

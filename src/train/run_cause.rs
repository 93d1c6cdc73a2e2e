//! Causes of a loss that is not finite: an image of the data, or the learning rate.

use super::non_finite::{error, first_in, first_of};
use super::run::Run;
use super::setup::validation_order;
use crate::data::Batch;
use crate::error::{Error, Result};

impl Run<'_> {
    /// Error about the loss of a training batch.
    pub(super) fn cause_in(&self, batch: &Batch, epoch: usize, loss: f32) -> Result<Error> {
        let found = first_in(&batch.images()?)?;
        let found = found.map(|(i, value)| (batch.position(i), value));
        let Some((position, value)) = self.first_of_ranks(found)? else {
            return Ok(self.diverged(epoch, self.state.batches + 1, loss));
        };
        let (order, valid) = validation_order(self.data.train.len(), self.fit);
        Ok(error(order[valid + position], value, epoch - 1))
    }

    /// What the first of the ranks has found.
    fn first_of_ranks(&self, own: Option<(usize, f32)>) -> Result<Option<(usize, f32)>> {
        let (position, value) = own.unwrap_or_default();
        let own = [
            f64::from(u8::from(own.is_some())),
            position as f64,
            f64::from(value),
        ];
        let all = self.world.gather_equal(&own)?;
        let mut found = all.chunks_exact(3).filter(|found| found[0] > 0.0);
        Ok(found
            .next()
            .map(|found| (found[1] as usize, found[2] as f32)))
    }

    /// Error about the validation loss.
    pub(super) fn cause_in_validation(&self, epoch: usize, loss: f32) -> Result<Error> {
        let found = self.valid.as_ref().map(first_of).transpose()?;
        let Some((position, value)) = found.flatten() else {
            return Ok(self.diverged(epoch, self.batches_per_epoch(), loss));
        };
        let (order, _) = validation_order(self.data.train.len(), self.fit);
        Ok(error(order[position], value, epoch - 1))
    }

    /// Checks the weights for NaN after the last step, which no later loss would reveal.
    pub(super) fn check_weights(&self, epoch: usize) -> Result<()> {
        for var in &self.variables {
            let sum = var.as_tensor().sum_all()?.to_scalar::<f32>()?;
            if !sum.is_finite() {
                return Err(self.diverged(epoch, self.batches_per_epoch(), sum));
            }
        }
        Ok(())
    }

    fn diverged(&self, epoch: usize, batch: usize, loss: f32) -> Error {
        Error::Diverged {
            epoch,
            batch,
            loss,
            kept: epoch - 1,
            learning_rate: self.last_rate,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::data::{Dataset, Split};
    use crate::layer::Layer;
    use crate::model::Autoencoder;
    use crate::train::Fit;

    /// Error of training on 40 vectors, of which some are not finite.
    fn error(positions: &[usize], value: f32, fit: &Fit) -> String {
        let mut values = vec![0.5f32; 40 * 2];
        positions.iter().for_each(|i| values[2 * i] = value);
        let train = Split::from_vectors(values, 2, None).unwrap();
        let data = Dataset::new("vectors", "a test", train.clone(), train).unwrap();
        let mut ae = Autoencoder::symmetric((1, 1, 2), &[Layer::Linear(2)]).unwrap();
        ae.fit(&data, fit).unwrap_err().to_string()
    }

    #[test]
    fn an_image_that_is_not_finite_is_named_by_its_position() {
        let fit = Fit {
            batch_size: 4,
            ..Default::default()
        };
        assert_eq!(
            error(&[17], f32::NAN, &fit),
            "data.train, image 17: expected finite values, got NaN. A NaN in the data makes every \
             loss NaN: remove the image or repair it. The weights are those of the end of epoch 0"
        );
        // Wherever it is: among the training images or those of the validation.
        for position in 0..40 {
            let text = error(&[position], f32::INFINITY, &fit);
            let expected =
                format!("data.train, image {position}: expected finite values, got inf.");
            assert!(text.starts_with(&expected), "{text}");
        }
    }

    #[test]
    fn with_finite_images_the_learning_rate_is_suspected() {
        let fit = Fit {
            batch_size: 4,
            learning_rate: 1e38,
            ..Default::default()
        };
        let text = error(&[], 0.0, &fit);
        assert!(text.contains("Try a learning rate below "), "{text}");
    }
}

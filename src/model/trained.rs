//! Results of training that a model keeps in memory.

use crate::loss::Loss;
use crate::model::autoencoder::Autoencoder;
use crate::model::last_run::LastRun;
use crate::model::unit_ranges::DeadUnits;

impl Autoencoder {
    /// Loss that [`Autoencoder::evaluate`] reports.
    pub(crate) fn trained_loss(&self) -> Loss {
        self.trained_loss
    }

    /// Sets the loss that [`Autoencoder::evaluate`] reports.
    pub(crate) fn set_trained_loss(&mut self, loss: Loss) {
        self.trained_loss = loss;
    }

    /// Dead units as measured after training.
    pub(crate) fn measured(&self) -> Option<&DeadUnits> {
        self.dead_units.as_ref()
    }

    pub(crate) fn set_measured(&mut self, dead_units: Option<DeadUnits>) {
        self.dead_units = dead_units;
    }

    /// State that the last training run left.
    pub(crate) fn last_run(&self) -> &LastRun {
        &self.last_run
    }

    pub(crate) fn set_last_run(&mut self, last_run: LastRun) {
        self.last_run = last_run;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Layer;

    #[test]
    fn a_new_model_has_no_results_of_training() {
        let layers = [Layer::Flatten, Layer::Linear(2)];
        let ae = Autoencoder::symmetric((1, 2, 2), &layers).unwrap();
        assert_eq!(ae.trained_loss(), Loss::Mse);
        assert!(ae.measured().is_none());
        assert!(ae.last_run().best.is_none() && ae.last_run().optimizer.is_none());
    }
}

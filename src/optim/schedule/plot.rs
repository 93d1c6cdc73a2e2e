//! Chart of a schedule.

use super::Schedule;
use super::interval::RunLength;
use crate::show::Plot;

/// Points of a line: about two for each pixel of the chart.
const MAX_POINTS: usize = 1_000;

impl Schedule {
    /// Chart of the learning rate over a run of this length, from this learning rate on.
    /// [`Schedule::Plateau`] is drawn as if the loss never stopped falling.
    ///
    /// # Examples
    /// ```
    /// use candlebook::optim::{OneCycle, Schedule};
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?;
    /// let fit = Fit { schedule: Schedule::OneCycle(OneCycle::default()), ..Default::default() };
    /// show(fit.schedule.plot(fit.learning_rate, fit.run_length(data.train.len())));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn plot(&self, learning_rate: f64, length: RunLength) -> Plot {
        let last = length.steps().saturating_sub(1);
        let points = MAX_POINTS.min(last + 1);
        let step = |i: usize| i * last / points.saturating_sub(1).max(1);
        let steps: Vec<f64> = (0..points).map(|i| step(i) as f64).collect();
        let rate = |i| learning_rate * self.factor(step(i), length, &[]);
        let rates: Vec<f64> = (0..points).map(rate).collect();
        let plot = Plot::new().line("", steps, rates);
        plot.title("Learning rate")
            .x_label("step")
            .y_range(0.0, 1.05 * learning_rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::schedule::Cosine;

    #[test]
    fn runs_of_any_length_are_drawn() {
        for (steps_per_epoch, epochs) in [(1, 1), (1, 2), (1000, 100)] {
            let length = RunLength {
                steps_per_epoch,
                epochs,
            };
            let plot = Schedule::Cosine(Cosine::default()).plot(0.1, length);
            assert!(plot.to_png().unwrap().starts_with(b"\x89PNG"), "{epochs}");
        }
    }
}

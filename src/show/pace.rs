//! Speed and remaining time of a run of steps.

/// Shortest time that an estimate is based on, in seconds.
const MIN_SECONDS: f64 = 0.5;

/// Speed of a run of steps, measured from the end of its first step: that one also starts threads,
/// allocates memory and fills caches, and may take a hundred times as long as the others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    first: Option<Mark>,
}

/// Work that is done at a time, in seconds since the run began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) done: f64,
    pub(crate) seconds: f64,
}

impl Pace {
    /// Reports the end of a step.
    pub(crate) fn step(&mut self, now: Mark) {
        self.first.get_or_insert(now);
    }

    /// Work per second. None while there is too little to measure.
    pub(crate) fn speed(&self, now: Mark) -> Option<f64> {
        let first = self.first?;
        let (done, seconds) = (now.done - first.done, now.seconds - first.seconds);
        (done > 0.0 && seconds >= MIN_SECONDS).then(|| done / seconds)
    }

    /// Seconds until `total` is done, at the speed so far.
    pub(crate) fn seconds_left(&self, now: Mark, total: f64) -> Option<f64> {
        let speed = self.speed(now)?;
        Some((total - now.done).max(0.0) / speed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs steps of one unit each; returns the time and the estimate after each.
    fn estimates(steps: &[f64]) -> Vec<(f64, Option<f64>)> {
        let mut pace = Pace::default();
        let mut now = Mark {
            done: 0.0,
            seconds: 0.0,
        };
        let estimate = |step: &f64| {
            now.done += 1.0;
            now.seconds += step;
            pace.step(now);
            (now.seconds, pace.seconds_left(now, steps.len() as f64))
        };
        steps.iter().map(estimate).collect()
    }

    #[test]
    fn a_slow_first_step_does_not_count() {
        // 30 s, of which the first of 4,690 steps takes 1.3 s.
        let mut steps = vec![28.7 / 4689.0; 4690];
        steps[0] = 1.3;
        let known: Vec<(f64, f64)> = estimates(&steps)
            .into_iter()
            .filter_map(|(seconds, left)| Some((seconds, left?)))
            .collect();
        assert!(
            known[0].0 < 2.0,
            "known in the second second: {:?}",
            known[0]
        );
        for (seconds, left) in known {
            assert!(
                (seconds + left - 30.0).abs() < 0.01,
                "{seconds} s, {left} s left"
            );
        }
    }

    #[test]
    fn long_steps_are_estimated_from_the_second_on() {
        let left: Vec<Option<f64>> = estimates(&[9.0, 4.0, 4.0])
            .into_iter()
            .map(|(_, left)| left)
            .collect();
        assert_eq!(left, [None, Some(4.0), Some(0.0)]);
    }

    #[test]
    fn too_short_a_time_gives_no_estimate() {
        assert!(estimates(&[0.1; 5]).iter().all(|(_, left)| left.is_none()));
    }
}

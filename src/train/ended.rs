//! Why a training run ended.

use serde::{Deserialize, Serialize};

/// Why a training run ended.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// use candlebook::train::Ended;
/// let data = mnist_embedded()?.take(200, 10);
/// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
/// let fit = Fit { epochs: 50, target_loss: Some(0.2), ..Default::default() };
/// assert_eq!(ae.fit(&data, &fit)?.ended, Ended::TargetLoss);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// All epochs are finished.
    #[default]
    Epochs,
    /// Stop was pressed.
    Stopped,
    /// [`EarlyStopping`](crate::train::EarlyStopping): no improvement for too many epochs.
    EarlyStopping,
    /// [`Fit::time_limit`](crate::train::Fit::time_limit).
    TimeLimit,
    /// [`Fit::target_loss`](crate::train::Fit::target_loss).
    TargetLoss,
    /// The callback of [`Autoencoder::fit_with`](crate::model::Autoencoder::fit_with).
    Callback,
}

/// Each reason with its word in tables and in the run log, and with its words in a summary of the
/// run.
const WORDS: [(Ended, &str, &str); 6] = [
    (Ended::Epochs, "finished", ""),
    (Ended::Stopped, "stopped", "Stop"),
    (Ended::EarlyStopping, "early stopping", "early stopping"),
    (Ended::TimeLimit, "time limit", "time limit"),
    (Ended::TargetLoss, "target loss", "target loss reached"),
    (Ended::Callback, "callback", "ended by the callback"),
];

impl Ended {
    /// The word in tables and in the run log.
    pub(crate) fn word(self) -> &'static str {
        self.words().0
    }

    /// The reason in a summary of the run; empty if all epochs are finished.
    pub(super) fn reason(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        let found = WORDS.iter().find(|(ended, ..)| *ended == self);
        found.map_or(("", ""), |(_, word, reason)| (word, reason))
    }

    /// The reason of this word; `None` for other texts, such as an error's.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        let found = WORDS.iter().find(|(_, known, _)| *known == word);
        found.map(|(ended, ..)| *ended)
    }

    /// True if the model keeps the weights of the moment, because someone asked for the end.
    pub(super) fn keeps_the_moment(self) -> bool {
        matches!(self, Ended::Stopped | Ended::Callback)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_word() {
        for (ended, word, _) in WORDS {
            assert_eq!((ended.word(), Ended::of_word(word)), (word, Some(ended)));
        }
        assert_eq!(Ended::of_word("an error"), None);
    }

    #[test]
    fn only_requests_keep_the_weights_of_the_moment() {
        assert!(Ended::Stopped.keeps_the_moment() && Ended::Callback.keeps_the_moment());
        assert!(!Ended::EarlyStopping.keeps_the_moment() && !Ended::TimeLimit.keeps_the_moment());
        assert_eq!(Ended::default().reason(), "");
    }
}

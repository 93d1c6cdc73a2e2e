//! Functions of the caller that take part in a training run.

use super::custom_loss::CustomLoss;
use super::event::Callback;

/// Functions of the caller that take part in a training run. Unlike [`Fit`](super::fit::Fit), no file
/// can hold them.
#[derive(Default)]
pub(super) struct Hooks<'a> {
    /// In place of [`Fit::loss`](super::fit::Fit::loss).
    pub(super) loss: Option<CustomLoss<'a>>,
    pub(super) callback: Option<Callback<'a>>,
}

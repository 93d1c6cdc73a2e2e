//! Functions of the caller that take part in a training run.

use super::event::{Callback, Event};
use crate::error::Result;
use candle_core::Tensor;
use std::fmt;
use std::ops::ControlFlow;

type BoxedLoss<'a> = Box<dyn Fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor> + Send + Sync + 'a>;

/// A custom loss, a callback, or both, for a training run. Unlike [`Fit`](super::fit::Fit), no
/// file can hold them: pass them again to resume a run.
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// # use candlebook::train::Hooks;
/// let data = mnist_embedded()?.take(200, 20);
/// let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16), Relu])?;
/// let fit = Fit { epochs: 1, batch_size: 20, ..Default::default() };
/// let mut steps = 0;
/// let hooks = Hooks::default()
///     .loss(|input, _code, output| Ok((output - input)?.abs()?.mean_all()?))
///     .callback(|event| {
///         steps = event.step;
///         Ok(ControlFlow::Continue(()))
///     });
/// ae.fit_with_hooks(&data, &fit, hooks)?;
/// assert_eq!(steps, 9);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Default)]
pub struct Hooks<'a> {
    pub(super) loss: Option<BoxedLoss<'a>>,
    pub(super) callback: Option<Callback<'a>>,
}

impl<'a> Hooks<'a> {
    /// Trains on this loss of input, code and output in place of [`Fit::loss`](super::fit::Fit::loss). See
    /// [`Autoencoder::fit_with_loss`](crate::model::Autoencoder::fit_with_loss).
    ///
    /// # Shapes
    /// (b, c, h, w), (b, code), (b, c, h, w) -> ()
    ///
    /// # Examples
    /// See [`Hooks`].
    pub fn loss(
        mut self,
        loss: impl Fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor> + Send + Sync + 'a,
    ) -> Self {
        self.loss = Some(Box::new(loss));
        self
    }

    /// Calls this function at each event of the run. See
    /// [`Autoencoder::fit_with`](crate::model::Autoencoder::fit_with).
    ///
    /// # Examples
    /// See [`Hooks`].
    pub fn callback(
        mut self,
        callback: impl FnMut(&mut Event<'_>) -> Result<ControlFlow<()>> + Send + 'a,
    ) -> Self {
        self.callback = Some(Box::new(callback));
        self
    }
}

impl fmt::Debug for Hooks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("loss", &self.loss.is_some())
            .field("callback", &self.callback.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_optional() {
        let hooks = Hooks::default().callback(|_| Ok(ControlFlow::Continue(())));
        assert_eq!(
            format!("{hooks:?}"),
            "Hooks { loss: false, callback: true }"
        );
    }
}

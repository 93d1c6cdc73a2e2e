//! The end of a residual block: what went into it is added to what its layers made of it.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, Back, Given, Here, Kernel, Room};
use crate::layer::misfit::{Fitted, misfit};
use crate::layer::operation::{Context, Links, Operation, Own, Shapes, Staged};
use crate::math::{Real, add_rows};
use candle_core::Tensor;
use std::sync::Arc;

/// Holds how many layers the block has. That they keep the shape is seen where they are.
pub(crate) struct Residual(pub(crate) usize);

impl Operation for Residual {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        if self.0 == 0 {
            let hint = "Residual(vec![Conv2d(Conv::new(16, 3).padding(1))])";
            return misfit("at least one layer in the block", "none", hint);
        }
        Ok(input.to_vec())
    }

    fn tensor(&self, xs: &Tensor, _own: Own<'_>, context: &mut Context<'_>) -> Result<Tensor> {
        Ok(match context.passed.open.pop() {
            Some(input) => (xs + input)?,
            None => xs.clone(),
        })
    }

    fn staged(&self, _shapes: Shapes<'_>, links: &mut Links) -> Staged {
        Staged::Kernel(Arc::new(Add(links.source.unwrap_or(links.next))))
    }
}

/// y = x + what went into an earlier stage.
#[derive(Debug)]
struct Add(usize);

impl Kernel for Add {
    fn source(&self) -> Option<usize> {
        Some(self.0)
    }
}

impl<T: Real> Arithmetic<T> for Add {
    fn room(&self, here: Here, training: bool) -> Room<T> {
        let kept = if training {
            0
        } else {
            here.rows * here.outputs
        };
        Room {
            kept: vec![T::ZERO; kept],
            ..Room::default()
        }
    }

    fn forward(
        &self,
        _here: Here,
        x: &[T],
        y: &mut [T],
        given: Given<'_, T>,
        _rooms: &mut [Room<T>],
    ) {
        y.copy_from_slice(x);
        add_rows(y, given.added);
    }

    fn backward(&self, _here: Here, back: Back<'_, T>, _rooms: &mut [Room<T>]) {
        // The gradients of what was added go to its stage.
        if let Back {
            dy, dx: Some(dx), ..
        } = back
        {
            dx.copy_from_slice(dy);
        }
    }
}

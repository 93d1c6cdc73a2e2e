//! One step of a plan: how the processor computes it, forward and backward.

use crate::conv::{Convolution, Workspace};
use crate::elementwise::{Activation, add_rows, gelu, gelu_backward};
use crate::matmul::{Matrix, multiply};
use crate::norm::{Norm, Statistics};
use crate::pool::Pool;
use std::ops::Range;

/// One step of the computation, of one picture's `inputs` values to its `outputs`: a kind of arithmetic, then an activation,
/// then dropout.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) kind: Kind,
    pub(crate) activation: Option<Activation>,
    /// The probability to drop a value, in training.
    pub(crate) dropout: Option<f32>,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Where its weights, then its biases, stand among all parameters.
    pub(crate) parameters: Range<usize>,
    pub(crate) biases: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// y = x Wᵀ + b
    Linear,
    /// y = x, for what comes before any weights.
    Copy,
    Convolution(Box<Convolution>),
    Pool(Pool),
    /// With the stage whose maxima it puts back, if there is one.
    Unpool(Pool, Option<usize>),
    /// Means of windows.
    Average(Pool),
    /// Every value in all places of its window.
    Repeat(Pool),
    Norm(Norm),
    /// A function whose derivative needs what went in.
    Gelu,
    /// y = x + what went into an earlier stage.
    Add(usize),
}

/// Memory that a stage keeps from its forward to its backward run.
#[derive(Debug, Default)]
pub(crate) struct Room {
    pub(crate) convolution: Workspace,
    /// Where the maxima were.
    pub(crate) places: Vec<u16>,
    /// The gradients of weights and biases that are summed over the pictures of a pass.
    pub(crate) gradients: Vec<f32>,
    /// What a normalization measured of the pictures of a pass.
    pub(crate) sums: Vec<f64>,
    /// What an addition will need, where the values before it are not kept.
    pub(crate) kept: Vec<f32>,
}

/// What a stage computes with besides its input.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) weight: &'a [f32],
    pub(crate) bias: &'a [f32],
    /// For an addition: what went into the earlier stage.
    pub(crate) added: &'a [f32],
}

impl Stage {
    /// Whether it has weights.
    pub(crate) fn learns(&self) -> bool {
        !self.parameters.is_empty()
    }

    /// Whether its weights' gradients are computed for all pictures of a batch at once, some units at a time; else each
    /// pass has summed its own.
    pub(crate) fn dense(&self) -> bool {
        matches!(self.kind, Kind::Linear)
    }

    /// The normalization that it is, if it is one.
    pub(crate) fn norm(&self) -> Option<Norm> {
        match self.kind {
            Kind::Norm(norm) => Some(norm),
            _ => None,
        }
    }

    /// How many numbers its dropout draws for one picture.
    pub(crate) fn dropped(&self) -> usize {
        if self.dropout.is_some() { self.outputs } else { 0 }
    }

    /// Memory for so many pictures.
    pub(crate) fn room(&self, rows: usize, training: bool) -> Room {
        let own = vec![0.0; if training && !self.dense() { self.parameters.len() } else { 0 }];
        let room = Room { gradients: own, ..Room::default() };
        match &self.kind {
            Kind::Convolution(convolution) => Room { convolution: convolution.workspace(training), ..room },
            Kind::Pool(_) => Room { places: vec![0; rows * self.outputs], ..room },
            // Without a pooling, values go to the upper left.
            Kind::Unpool(_, None) => Room { places: vec![0; rows * self.inputs], ..room },
            Kind::Norm(norm) if training => Room { sums: vec![0.0; 2 * norm.channels], ..room },
            Kind::Add(_) if !training => Room { kept: vec![0.0; rows * self.outputs], ..room },
            _ => room,
        }
    }

    /// Without dropout, which the caller draws.
    ///
    /// # Shapes
    /// (rows, inputs) -> (rows, outputs)
    pub(crate) fn forward(
        &self,
        i: usize,
        (x, y): (&[f32], &mut [f32]),
        given: Given<'_>,
        rows: usize,
        rooms: &mut [Room],
    ) {
        let Given { weight, bias, added } = given;
        match &self.kind {
            Kind::Copy => y.copy_from_slice(x),
            Kind::Linear => {
                let weight = Matrix::new(weight, self.outputs, self.inputs);
                multiply(Matrix::new(x, rows, self.inputs), weight.transposed(), y, false); // (rows, in) x (in, out)
                add_rows(y, bias);
            }
            Kind::Convolution(convolution) => convolution.forward(x, y, (weight, bias), &mut rooms[i].convolution),
            Kind::Pool(pool) => pool.forward(x, y, &mut rooms[i].places[..rows * self.outputs]),
            Kind::Unpool(pool, paired) => pool.spread(x, &rooms[paired.unwrap_or(i)].places[..rows * self.inputs], y),
            Kind::Average(pool) => pool.sum(x, y, pool.share()),
            Kind::Repeat(pool) => pool.repeat(x, y, 1.0),
            Kind::Norm(norm) => norm.forward(x, y, weight, bias),
            Kind::Gelu => gelu(x, y),
            Kind::Add(_) => {
                y.copy_from_slice(x);
                add_rows(y, added);
            }
        }
        if let Some(activation) = self.activation {
            activation.forward(y);
        }
    }

    /// From the gradients of what comes out, before the activation, to those of what goes in, where they are wanted, and
    /// of weights that are not dense.
    pub(crate) fn backward(
        &self,
        i: usize,
        (x, dy, dx): (&[f32], &[f32], Option<&mut [f32]>),
        weight: &[f32],
        known: &Statistics,
        rooms: &mut [Room],
    ) {
        match (&self.kind, dx) {
            (Kind::Convolution(convolution), dx) => {
                let Room { convolution: workspace, gradients: own, .. } = &mut rooms[i];
                own.fill(0.0);
                convolution.backward(x, dy, dx, weight, own, workspace);
            }
            (_, None) => {}
            (Kind::Copy | Kind::Add(_), Some(dx)) => dx.copy_from_slice(dy),
            (Kind::Linear, Some(dx)) => {
                let weight = Matrix::new(weight, self.outputs, self.inputs);
                multiply(Matrix::new(dy, dy.len() / self.outputs, self.outputs), weight, dx, false); // (rows, out) x (out, in)
            }
            (Kind::Pool(pool), Some(dx)) => pool.spread(dy, &rooms[i].places[..dy.len()], dx),
            (Kind::Unpool(pool, paired), Some(dx)) => {
                pool.collect(dy, &rooms[paired.unwrap_or(i)].places[..dx.len()], dx);
            }
            (Kind::Average(pool), Some(dx)) => pool.repeat(dy, dx, pool.share()),
            (Kind::Repeat(pool), Some(dx)) => pool.sum(dy, dx, 1.0),
            (Kind::Norm(norm), Some(dx)) => norm.backward(x, dy, known, dx),
            (Kind::Gelu, Some(dx)) => gelu_backward(x, dy, dx),
        }
    }
}

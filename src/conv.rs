//! Convolutions and transposed convolutions over the pictures of a batch: what `correlation` computes for one picture and
//! one group, for all, forward and backward.

use crate::correlation::{Correlation, Maps, Window};
use crate::elementwise::total;

/// A convolution between a wide side and a narrow one. A transposed convolution goes from the narrow side to the wide.
///
/// Weights are (narrow, wide / groups, kernel, kernel), which is PyTorch's layout for both.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    transposed: bool,
    groups: usize,
    /// Of one group: the maps that go in and those that come out.
    input: Maps,
    output: Maps,
    forward: Correlation,
    backward: Correlation,
    window: Window,
}

/// Memory that a convolution needs while it runs.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    packed: Vec<f32>,
    packed_back: Vec<f32>,
    flat: Vec<f32>,
    gradients_flat: Vec<f32>,
    arranged: Vec<f32>,
}

impl Convolution {
    pub(crate) fn new(input: Maps, output: Maps, window: Window, groups: usize, transposed: bool) -> Self {
        let group = |maps: Maps| Maps { count: maps.count / groups, ..maps };
        let (input, output) = (group(input), group(output));
        let (forward, backward) = if transposed {
            (Correlation::widening(input, output, window), Correlation::narrowing(output, input, window))
        } else {
            (Correlation::narrowing(input, output, window), Correlation::widening(output, input, window))
        };
        Convolution { transposed, groups, input, output, forward, backward, window }
    }

    /// Multiplications and additions for one picture, forward.
    pub(crate) fn operations(&self) -> usize {
        let narrow = if self.transposed { self.input } else { self.output };
        2 * narrow.height * narrow.width * self.weights() * self.groups
    }

    /// Memory for it; `training` is whether gradients will be needed.
    pub(crate) fn workspace(&self, training: bool) -> Workspace {
        let back = |n: usize| vec![0.0; if training { n } else { 0 }];
        let (narrowing, narrow) = self.narrowing();
        Workspace {
            packed: vec![0.0; self.forward.packed()],
            packed_back: back(self.backward.packed()),
            flat: vec![0.0; if training { self.forward.room().max(self.backward.room()) } else { self.forward.room() }],
            gradients_flat: back(narrow.count * narrowing.flat()),
            arranged: Vec::with_capacity(self.weights()),
        }
    }

    /// The direction from wide to narrow, and the narrow maps.
    fn narrowing(&self) -> (&Correlation, Maps) {
        if self.transposed { (&self.backward, self.input) } else { (&self.forward, self.output) }
    }

    /// How many weights a group has.
    fn weights(&self) -> usize {
        self.input.count * self.output.count * self.window.kernel * self.window.kernel
    }

    /// Where the weight of a map that goes in, one that comes out, and a place in the kernel stands in its group.
    fn at(&self, input: usize, output: usize, k: usize) -> usize {
        let (narrow, wide, count) =
            if self.transposed { (input, output, self.output.count) } else { (output, input, self.input.count) };
        (narrow * count + wide) * self.window.kernel * self.window.kernel + k
    }

    /// # Shapes
    /// `x` and `y` are pictures one after the other.
    pub(crate) fn forward(&self, x: &[f32], y: &mut [f32], (weight, bias): (&[f32], &[f32]), room: &mut Workspace) {
        let (inputs, outputs) = (self.input.size(), self.output.size());
        for group in 0..self.groups {
            let weight = &weight[group * self.weights()..][..self.weights()];
            let bias = &bias[group * self.output.count..][..self.output.count];
            self.forward.arrange(weight, |output, input, k| self.at(input, output, k), &mut room.arranged);
            let (across, along) = (self.groups * inputs, self.groups * outputs);
            let stack = self.forward.stack();
            for (x, y) in x.chunks(stack * across).zip(y.chunks_mut(stack * along)) {
                self.forward.pack(&x[group * inputs..], across, &mut room.packed);
                let y = (&mut y[group * outputs..], along);
                self.forward.run(&room.packed, &room.arranged, Some(bias), &mut room.flat, y);
            }
        }
    }

    /// The gradients of what went in, where they are wanted, and, added up, of weights and biases.
    ///
    /// # Shapes
    /// `x`, `dy` and `dx` are pictures one after the other; `gradients` is the weights' then the biases'.
    pub(crate) fn backward(
        &self,
        x: &[f32],
        dy: &[f32],
        mut dx: Option<&mut [f32]>,
        weight: &[f32],
        gradients: &mut [f32],
        room: &mut Workspace,
    ) {
        let (inputs, outputs) = (self.input.size(), self.output.size());
        let (weight_gradients, bias_gradients) = gradients.split_at_mut(self.groups * self.weights());
        let map = self.output.height * self.output.width;
        for picture in dy.chunks_exact(self.groups * outputs) {
            for (sum, map) in bias_gradients.iter_mut().zip(picture.chunks_exact(map)) {
                *sum += total(map);
            }
        }
        let (narrowing, _) = self.narrowing();
        for group in 0..self.groups {
            let weight = &weight[group * self.weights()..][..self.weights()];
            let own = &mut weight_gradients[group * self.weights()..][..self.weights()];
            if dx.is_some() {
                self.backward.arrange(weight, |input, output, k| self.at(input, output, k), &mut room.arranged);
            }
            let (across, along) = (self.groups * inputs, self.groups * outputs);
            let stack = self.forward.stack().min(self.backward.stack());
            let pictures = x.chunks(stack * across).zip(dy.chunks(stack * along));
            for (nth, (x, dy)) in pictures.enumerate() {
                let count = x.len() / across;
                let (x, dy) = (&x[group * inputs..], &dy[group * outputs..]);
                if dx.is_some() || self.transposed {
                    self.backward.pack(dy, along, &mut room.packed_back);
                }
                if let Some(dx) = dx.as_deref_mut() {
                    let dx = &mut dx[nth * stack * across..][..count * across];
                    let dx = (&mut dx[group * inputs..], across);
                    self.backward.run(&room.packed_back, &room.arranged, None, &mut room.flat, dx);
                }
                // Wide values by narrow gradients, or the other way round.
                let (narrow, apart, wide) = if self.transposed {
                    (x, across, &room.packed_back)
                } else {
                    self.forward.pack(x, across, &mut room.packed);
                    (dy, along, &room.packed)
                };
                narrowing.flatten(narrow, apart, &mut room.gradients_flat);
                narrowing.weight_gradients(wide, &mut room.gradients_flat, count, own);
            }
        }
    }
}

//! Codes from a codebook: each vector of the code is replaced by the nearest of a list of vectors.
//!
//! Features (b, n) are one vector, images (b, c, h, w) one for each pixel. Gradients pass straight
//! through. The codebook follows the vectors that choose its entries by moving averages, or by the
//! gradient of a loss (`learned_codebook`).
//!
//! Van den Oord and others, "Neural discrete representation learning", 2017. Entries that are used no
//! longer move to a vector of the batch, as in Dhariwal and others, "Jukebox", 2020.

use crate::error::Result;
use crate::layer::codebook::{Codebook, nearest};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::term::{Term, TermUnit, TermValue, full_precision};
use crate::layer::variable::{FirstValues, LayerVars, Variable, VariableSpec};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Weight of the commitment, as in the paper.
const COMMITMENT: f64 = 0.25;

/// Settings of a [`VectorQuantize`](crate::layer::VectorQuantize()) layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VectorQuantizeSettings {
    /// Vectors in the codebook.
    pub(crate) entries: usize,
    /// Weight of the distance between code and entry in the loss.
    pub(crate) commitment: f64,
    /// The optimizer trains the codebook.
    pub(crate) learned: bool,
}

const TERM: Term = Term {
    name: "quantization",
    unit: TermUnit::Value,
};

impl VectorQuantizeSettings {
    pub(crate) const fn new(entries: usize) -> Self {
        VectorQuantizeSettings {
            entries,
            commitment: COMMITMENT,
            learned: false,
        }
    }

    /// The settings as written in code, after the name of the layer.
    pub(crate) fn call(&self) -> String {
        let mut call = format!("({})", self.entries);
        if self.commitment != COMMITMENT {
            call.push_str(&format!(".commitment({:?})", self.commitment));
        }
        if self.learned {
            call.push_str(".learned_codebook()");
        }
        call
    }

    /// The codebook, (entries, d), of the layer's variables.
    pub(crate) fn codebook<'a>(&self, vars: LayerVars<'a>) -> &'a Tensor {
        let list = if self.learned {
            vars.learned
        } else {
            vars.buffers
        };
        let Some(Variable { var, .. }) = list.first() else {
            unreachable!("the layer is created with its codebook")
        };
        var.as_tensor()
    }
}

impl LayerKind for VectorQuantizeSettings {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if self.entries < 2 {
            return reject("at least 2 entries", self.entries, "128 to 1024 are common");
        }
        if !(0.0..=1e6).contains(&self.commitment) {
            return reject(
                "a commitment in [0, 1000000]",
                self.commitment,
                "0.25 is common",
            );
        }
        match input {
            [_] | [_, _, _] => Ok(input.to_vec()),
            _ => reject("features or images", shape(input), "Put Flatten before it"),
        }
    }

    fn parameters(&self, input: &[usize]) -> Vec<VariableSpec> {
        if !self.learned {
            return Vec::new();
        }
        let bound = 1.0 / self.entries as f64;
        let values = FirstValues::Uniform(-bound, bound);
        vec![VariableSpec::new(
            "weight",
            &[self.entries, input[0]],
            values,
        )]
    }

    /// The codebook, and moving averages of the vectors that chose an entry: number and sum.
    fn buffers(&self, input: &[usize]) -> Vec<VariableSpec> {
        if self.learned {
            return Vec::new();
        }
        let codebook = [self.entries, input[0]];
        let zeros = FirstValues::Constant(0.0);
        vec![
            VariableSpec::new("weight", &codebook, zeros),
            VariableSpec::new("counts", &codebook[..1], zeros),
            VariableSpec::new("sums", &codebook, zeros),
        ]
    }

    fn rng_calls(&self, _input: &[usize]) -> usize {
        usize::from(!self.learned)
    }

    fn term(&self) -> Option<Term> {
        Some(TERM)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let full = full_precision(xs)?;
        let vectors = rows(&full)?;
        let mut entries = self.codebook(vars).to_dtype(full.dtype())?;
        if let (Some(rng), [_, counts, sums]) = (&mut context.rng, vars.buffers) {
            let numbers: Vec<f32> = (0..xs.dim(0)?).map(|_| rng.unit()).collect();
            let mut codebook = Codebook {
                entries,
                counts: counts.var.to_dtype(full.dtype())?,
                sums: sums.var.to_dtype(full.dtype())?,
            };
            if codebook.is_new()? {
                codebook.start(&vectors.detach(), &numbers)?;
            }
            entries = codebook.entries.clone();
            codebook.follow(&vectors.detach(), &numbers)?;
            let values = [codebook.entries, codebook.counts, codebook.sums];
            let updates = vars.buffers.iter().zip(values);
            let updates = updates.map(|(buffer, value)| (buffer.var.clone(), value));
            context.state.updates.extend(updates);
        }
        let chosen = entries.index_select(&nearest(&vectors.detach(), &entries)?, 0)?;
        let mut mean = ((&vectors - chosen.detach())?.sqr()?.mean_all()? * self.commitment)?;
        if self.learned {
            mean = (mean + (&chosen - vectors.detach())?.sqr()?.mean_all()?)?;
        }
        context.state.terms.push(TermValue { term: TERM, mean });
        let quantized = unrows(&chosen.detach(), full.dims())?;
        // The values are those of the entries, the gradients those of the code.
        let zeros = (xs - xs.detach())?;
        Ok((quantized.to_dtype(xs.dtype())? + zeros)?)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::WholeBatch
    }
}

/// (b, n) -> (b, n), (b, c, h, w) -> (b*h*w, c)
pub(crate) fn rows(xs: &Tensor) -> Result<Tensor> {
    match *xs.dims() {
        [_, c, _, _] => Ok(xs.permute((0, 2, 3, 1))?.reshape(((), c))?),
        _ => Ok(xs.clone()),
    }
}

/// The inverse of [`rows`], for this shape of `xs`.
fn unrows(rows: &Tensor, shape: &[usize]) -> Result<Tensor> {
    match *shape {
        [b, c, h, w] => Ok(rows.reshape((b, h, w, c))?.permute((0, 3, 1, 2))?),
        _ => Ok(rows.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use candle_core::{DType, Device, Var};

    fn variable(values: [[f32; 2]; 3]) -> Variable {
        Variable {
            name: String::new(),
            var: Var::new(&values, &Device::Cpu).unwrap(),
        }
    }

    /// ```python
    /// x = torch.tensor([[0.9, 0.2], [-1.0, 0.5]], requires_grad=True)
    /// e = torch.tensor([[1., 0.], [-1., 0.], [3., 3.]], requires_grad=True)
    /// q = e[torch.cdist(x, e).argmin(1)]
    /// term = 0.25 * F.mse_loss(x, q.detach()) + F.mse_loss(q, x.detach())
    /// y = x + (q - x).detach()
    /// (y * torch.tensor([[1., 2.], [3., 4.]])).sum().add(term).backward()
    /// term.item(), x.grad.tolist(), e.grad.tolist()
    /// # 0.09375, [[0.9875, 2.025], [3.0, 4.0625]], [[0.05, -0.1], [0.0, -0.25], [0.0, 0.0]]
    /// ```
    #[test]
    fn a_learned_codebook_has_pytorchs_gradients() {
        let settings = VectorQuantizeSettings {
            learned: true,
            ..VectorQuantizeSettings::new(3)
        };
        let learned = [variable([[1.0, 0.0], [-1.0, 0.0], [3.0, 3.0]])];
        let vars = LayerVars {
            learned: &learned,
            ..Default::default()
        };
        let x = Var::new(&[[0.9f32, 0.2], [-1.0, 0.5]], &Device::Cpu).unwrap();
        let mut state = ForwardState::default();
        let mut context = ForwardContext {
            rng: None,
            state: &mut state,
        };
        let y = settings.candle_forward(&x, vars, &mut context).unwrap();
        let values = y.to_vec2::<f32>().unwrap();
        assert_eq!(values, [[1.0, 0.0], [-1.0, 0.0]]);
        let term = &state.terms[0].mean;
        assert!((term.to_scalar::<f32>().unwrap() - 0.09375).abs() < 1e-6);
        let factors = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu).unwrap();
        let loss = ((y * factors).unwrap().sum_all().unwrap() + term).unwrap();
        let gradients = loss.backward().unwrap();
        let of = |var: &Var| gradients.get(var).unwrap().to_vec2::<f32>().unwrap();
        let near = |found: Vec<Vec<f32>>, expected: &[[f32; 2]]| {
            for (found, expected) in found.concat().iter().zip(expected.concat()) {
                assert!((found - expected).abs() < 1e-6, "{found} {expected}");
            }
        };
        near(of(&x), &[[0.9875, 2.025], [3.0, 4.0625]]);
        near(
            of(&learned[0].var),
            &[[0.05, -0.1], [0.0, -0.25], [0.0, 0.0]],
        );
    }

    #[test]
    fn each_pixel_is_a_vector_of_its_channels() {
        let values: Vec<f32> = (0..2 * 3 * 2 * 2).map(|i| i as f32).collect();
        let xs = Tensor::from_vec(values, (2, 3, 2, 2), &Device::Cpu).unwrap();
        let rows = rows(&xs).unwrap();
        assert_eq!(rows.dims(), [8, 3]);
        assert_eq!(rows.to_vec2::<f32>().unwrap()[1], [1.0, 5.0, 9.0]);
        let back = unrows(&rows, xs.dims()).unwrap();
        let difference = (back - &xs).unwrap().abs().unwrap().sum_all().unwrap();
        assert_eq!(difference.to_scalar::<f32>().unwrap(), 0.0);
        assert_eq!(xs.dtype(), DType::F32);
    }

    #[test]
    fn a_codebook_of_less_than_two_entries_is_rejected() {
        for entries in [0, 1] {
            let error = VectorQuantizeSettings::new(entries).output_shape(&[4]);
            assert_eq!(error.unwrap_err().expected, "at least 2 entries");
        }
    }
}

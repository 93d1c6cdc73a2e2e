//! Labels joined to features, as one number for each class: 1 for the image's class, else 0.
//!
//! Sohn and others, "Learning structured output representation using deep conditional generative
//! models", 2015. PyTorch: `torch.cat([x, F.one_hot(labels, classes)], 1)`.

use crate::error::{Error, Result};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::variable::LayerVars;
use crate::math::Interval;
use candle_core::{DType, Tensor};

/// Joins labels of this number of classes.
pub(crate) struct Condition(pub(crate) usize);

impl LayerKind for Condition {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if !(2..=65536).contains(&self.0) {
            return reject("2 to 65536 classes", self.0, "MNIST has Condition(10)");
        }
        match *input {
            [n] => Ok(vec![n + self.0]),
            _ => reject("flat features", shape(input), "Put Flatten before it"),
        }
    }

    fn output_range(&self, input: Interval) -> Interval {
        input.with(0.0).with(1.0)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let Some(labels) = &context.state.labels else {
            let hint = "Call reconstruct_labeled, decode_labeled or forward_labeled, or give a split with labels";
            return Err(Error::setting(
                "Condition",
                "a label for each image",
                "no labels",
                hint,
            ));
        };
        let labels: Vec<u32> = labels.to_dtype(DType::U32)?.to_vec1()?;
        let images = xs.dim(0)?;
        check_labels(&labels, images, self.0)?;
        let mut one_hot = vec![0f32; images * self.0];
        for (row, &label) in one_hot.chunks_exact_mut(self.0).zip(&labels) {
            row[label as usize] = 1.0;
        }
        let one_hot = Tensor::from_vec(one_hot, (images, self.0), xs.device())?;
        Ok(Tensor::cat(&[xs, &one_hot.to_dtype(xs.dtype())?], 1)?)
    }

    fn joins_images(&self) -> bool {
        false
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::WholeBatch
    }
}

/// Rejects another number of labels than of images, and labels of no class.
fn check_labels(labels: &[u32], images: usize, classes: usize) -> Result<()> {
    check_label_count(labels.len(), images)?;
    match labels.iter().find(|&&label| label as usize >= classes) {
        None => Ok(()),
        Some(label) => Err(Error::setting(
            "labels",
            format!("classes 0 to {}, as Condition({classes}) has", classes - 1),
            label,
            "Build the model with as many classes as the data has",
        )),
    }
}

/// Rejects another number of labels than of images or codes.
pub(crate) fn check_label_count(labels: usize, images: usize) -> Result<()> {
    if labels == images {
        return Ok(());
    }
    let expected = format!("{images} labels, one for each image");
    let hint = "Give as many labels as images or codes";
    Err(Error::shape("labels", expected, labels, hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use candle_core::Device;

    fn forward(labels: Option<&[u32]>) -> Result<Tensor> {
        let xs = Tensor::new(&[[0.5f32, 2.0], [3.0, 4.0]], &Device::Cpu)?;
        let labels = labels.map(|labels| Tensor::new(labels, &Device::Cpu));
        let mut state = ForwardState {
            labels: labels.transpose()?,
            ..Default::default()
        };
        let mut context = ForwardContext {
            rng: None,
            state: &mut state,
        };
        Condition(3).candle_forward(&xs, LayerVars::default(), &mut context)
    }

    #[test]
    fn labels_follow_the_features() {
        let ys = forward(Some(&[2, 0])).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(ys, [[0.5, 2.0, 0.0, 0.0, 1.0], [3.0, 4.0, 1.0, 0.0, 0.0]]);
    }

    #[test]
    fn missing_and_unknown_labels_are_errors() {
        let text = |labels: Option<&[u32]>| forward(labels).unwrap_err().to_string();
        assert!(
            text(None).starts_with("Condition: expected a label for each image, got no labels")
        );
        assert!(
            text(Some(&[1])).starts_with("labels: expected 2 labels, one for each image, got 1")
        );
        let unknown = text(Some(&[1, 3]));
        assert!(
            unknown.starts_with("labels: expected classes 0 to 2, as Condition(3) has, got 3"),
            "{unknown}"
        );
        assert!(Condition(1).output_shape(&[4]).is_err());
    }
}

//! Images as sequences of patches, and back.

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::variable::LayerVars;
use crate::math::Interval;
use candle_core::Tensor;

/// Cuts images into patches of this height and width: (b, c, h, w) -> (b, patches, c * height * width).
pub(crate) struct Patches(pub(crate) usize, pub(crate) usize);

/// Undoes [`Patches`], to images of this shape.
pub(crate) struct Unpatches {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) image: (usize, usize, usize),
}

impl LayerKind for Patches {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        let Patches(height, width) = *self;
        let [c, h, w] = *input else {
            return reject("images", shape(input), "Put Unflatten before it");
        };
        if height == 0 || width == 0 || h % height != 0 || w % width != 0 {
            return reject(
                format!("patches that divide an image of {h} x {w}"),
                format!("{height} x {width}"),
                format!("Patches(1, {w}) are its rows"),
            );
        }
        Ok(vec![h / height * (w / width), c * height * width])
    }

    fn output_range(&self, input: Interval) -> Interval {
        input
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let Patches(height, width) = *self;
        let (b, c, h, w) = xs.dims4()?;
        let (rows, columns) = (h / height, w / width);
        let split = xs.reshape(vec![b, c, rows, height, columns, width])?;
        // (b, rows, columns, c, height, width)
        let patches = split.permute(vec![0, 2, 4, 1, 3, 5])?;
        Ok(patches.reshape((b, rows * columns, c * height * width))?)
    }

    fn joins_images(&self) -> bool {
        false
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::WholeBatch
    }
}

impl LayerKind for Unpatches {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        let (c, h, w) = self.image;
        let patches = Patches(self.height, self.width).output_shape(&[c, h, w])?;
        if patches != input {
            return reject(
                format!("{}, the patches of {}", shape(&patches), shape(&[c, h, w])),
                shape(input),
                format!("Put Linear({}) before it", patches[1]),
            );
        }
        Ok(vec![c, h, w])
    }

    fn output_range(&self, input: Interval) -> Interval {
        input
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let Unpatches { height, width, .. } = *self;
        let (c, h, w) = self.image;
        let b = xs.dim(0)?;
        let split = xs.reshape(vec![b, h / height, w / width, c, height, width])?;
        // (b, c, rows, height, columns, width)
        let image = split.permute(vec![0, 3, 1, 4, 2, 5])?;
        Ok(image.reshape((b, c, h, w))?)
    }

    fn joins_images(&self) -> bool {
        false
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::WholeBatch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use candle_core::Device;

    fn forward(kind: &dyn LayerKind, xs: &Tensor) -> Tensor {
        let mut context = ForwardContext {
            rng: None,
            state: &mut ForwardState::default(),
        };
        let ys = kind.candle_forward(xs, LayerVars::default(), &mut context);
        ys.unwrap()
    }

    /// `F.unfold(torch.arange(32.).reshape(1, 2, 4, 4), 2, stride=2).transpose(1, 2)[0, 1]`
    #[test]
    fn patches_are_those_of_pytorchs_unfold() {
        let values: Vec<f32> = (0..32).map(|i| i as f32).collect();
        let xs = Tensor::from_vec(values, (1, 2, 4, 4), &Device::Cpu).unwrap();
        let patches = forward(&Patches(2, 2), &xs);
        assert_eq!(patches.dims(), [1, 4, 8]);
        let second = patches.to_vec3::<f32>().unwrap()[0][1].clone();
        assert_eq!(second, [2.0, 3.0, 6.0, 7.0, 18.0, 19.0, 22.0, 23.0]);
        let back = Unpatches {
            height: 2,
            width: 2,
            image: (2, 4, 4),
        };
        assert_eq!(back.output_shape(&[4, 8]), Ok(vec![2, 4, 4]));
        let back = forward(&back, &patches).flatten_all().unwrap();
        let values = xs.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(back.to_vec1::<f32>().unwrap(), values);
    }

    #[test]
    fn patches_must_divide_the_image() {
        assert_eq!(Patches(7, 14).output_shape(&[1, 28, 28]), Ok(vec![8, 98]));
        let error = Patches(3, 4).output_shape(&[1, 28, 28]).unwrap_err();
        assert_eq!(error.hint, "Patches(1, 28) are its rows");
        assert!(Patches(0, 4).output_shape(&[1, 28, 28]).is_err());
    }
}

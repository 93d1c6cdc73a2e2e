//! The implementation, the name and the traits of each kind of layer.

use crate::layer::activation::ActivationFn;
use crate::layer::adversarial::{Adversarial, DiscriminatorLayer};
use crate::layer::attention::Attention;
use crate::layer::avg_pool::AvgPool2d;
use crate::layer::batch_norm::BatchNorm;
use crate::layer::batch_top_k::BatchTopK;
use crate::layer::condition::Condition;
use crate::layer::contractive::Contractive;
use crate::layer::dropout::Dropout;
use crate::layer::fsq::Fsq;
use crate::layer::gelu::Gelu;
use crate::layer::group_norm::GroupNorm;
use crate::layer::kind::LayerKind;
use crate::layer::kl_sparsity::KlSparsity;
use crate::layer::layer::Layer;
use crate::layer::layer_norm::LayerNorm;
use crate::layer::linear::Linear;
use crate::layer::long_skip::{Concat, Save};
use crate::layer::lstm::Lstm;
use crate::layer::mask_steps::MaskSteps;
use crate::layer::max_pool::{MaxPool2d, MaxUnpool2d};
use crate::layer::mmd::Mmd;
use crate::layer::noise::Noise;
use crate::layer::patches::{Patches, Unpatches};
use crate::layer::penalty::Penalty;
use crate::layer::positions::Positions;
use crate::layer::reshape::{Flatten, Unflatten};
use crate::layer::residual::Residual;
use crate::layer::sequence::{Repeat, Sequence};
use crate::layer::silu::Silu;
use crate::layer::softmax::Softmax;
use crate::layer::spatial_dropout::SpatialDropout;
use crate::layer::tied_linear::TiedLinear;
use crate::layer::top_k::TopK;
use crate::layer::unit_norm_linear::UnitNormLinear;
use crate::layer::upsample::Upsample;
use crate::layer::winner_take_all::WinnerTakeAll;

impl Layer {
    /// The implementation of this kind of layer.
    pub(crate) fn kind(&self) -> Box<dyn LayerKind> {
        match *self {
            Layer::Flatten => Box::new(Flatten),
            Layer::Unflatten(c, h, w) => Box::new(Unflatten(c, h, w)),
            Layer::Linear(outputs) => Box::new(Linear(outputs)),
            Layer::Conv2d(conv) => Box::new(conv),
            Layer::ConvTranspose2d(transposed) => Box::new(transposed),
            Layer::MaxPool2d(pool) => Box::new(MaxPool2d(pool)),
            Layer::MaxUnpool2d(unpool) => Box::new(MaxUnpool2d(unpool)),
            Layer::AvgPool2d(pool) => Box::new(AvgPool2d(pool)),
            Layer::Upsample(upsample) => Box::new(Upsample(upsample)),
            Layer::BatchNorm => Box::new(BatchNorm),
            Layer::LayerNorm => Box::new(LayerNorm),
            Layer::GroupNorm(groups) => Box::new(GroupNorm(groups)),
            Layer::Residual(ref block) => Box::new(Residual(block.len())),
            Layer::Relu => Box::new(ActivationFn::Relu),
            Layer::LeakyRelu(slope) => Box::new(ActivationFn::LeakyRelu(slope)),
            Layer::Elu(alpha) => Box::new(ActivationFn::Elu(alpha)),
            Layer::Gelu => Box::new(Gelu),
            Layer::Silu => Box::new(Silu),
            Layer::Softplus => Box::new(ActivationFn::Softplus),
            Layer::Sigmoid => Box::new(ActivationFn::Sigmoid),
            Layer::Tanh => Box::new(ActivationFn::Tanh),
            Layer::Softmax => Box::new(Softmax),
            Layer::Clamp(low, high) => Box::new(ActivationFn::Clamp(low, high)),
            Layer::Dropout(p) => Box::new(Dropout(p)),
            Layer::SpatialDropout(p) => Box::new(SpatialDropout(p)),
            Layer::GaussianNoise(std) => Box::new(Noise::Gaussian(std)),
            Layer::MaskingNoise(p) => Box::new(Noise::Masking(p)),
            Layer::SaltAndPepperNoise(p) => Box::new(Noise::SaltAndPepper(p)),
            Layer::Gaussian(gaussian) => Box::new(gaussian),
            Layer::Gumbel(gumbel) => Box::new(gumbel),
            Layer::Fsq(ref levels) => Box::new(Fsq(levels.clone())),
            Layer::TopK(k) => Box::new(TopK(k)),
            Layer::BatchTopK(k) => Box::new(BatchTopK(k)),
            Layer::L1(weight) => Box::new(Penalty::L1(weight)),
            Layer::L2(weight) => Box::new(Penalty::L2(weight)),
            Layer::KlSparsity(rate, weight) => Box::new(KlSparsity { rate, weight }),
            Layer::WinnerTakeAll(share) => Box::new(WinnerTakeAll(share)),
            Layer::Mmd(weight) => Box::new(Mmd(weight)),
            Layer::Adversarial(ref discriminator, weight) => Box::new(Adversarial {
                discriminator: discriminator.iter().map(discriminator_layer).collect(),
                weight,
            }),
            Layer::VectorQuantize(quantize) => Box::new(quantize),
            Layer::Condition(classes) => Box::new(Condition(classes)),
            Layer::Patches(height, width) => Box::new(Patches(height, width)),
            Layer::Unpatches(height, width, image) => Box::new(Unpatches {
                height,
                width,
                image,
            }),
            Layer::Sequence(steps, features) => Box::new(Sequence(steps, features)),
            Layer::Repeat(steps) => Box::new(Repeat(steps)),
            Layer::Lstm(units) => Box::new(Lstm {
                units,
                all_steps: false,
            }),
            Layer::LstmSteps(units) => Box::new(Lstm {
                units,
                all_steps: true,
            }),
            Layer::Attention(heads) => Box::new(Attention(heads)),
            Layer::Positions => Box::new(Positions),
            Layer::MaskSteps(share) => Box::new(MaskSteps(share)),
            Layer::Contractive(weight) => Box::new(Contractive(weight)),
            Layer::TiedLinear(outputs, _) => Box::new(TiedLinear(outputs)),
            Layer::UnitNormLinear(outputs) => Box::new(UnitNormLinear(outputs)),
            Layer::AuxK(settings) => Box::new(settings),
            Layer::Save(ref name) => Box::new(Save(name.clone())),
            Layer::Concat(ref name, channels) => Box::new(Concat(name.clone(), channels)),
            Layer::Module(ref module) => Box::new(module.clone()),
            Layer::UnsupportedSetting(unsupported) => Box::new(unsupported),
        }
    }

    /// True if the layer passes its input on unchanged in evaluation.
    pub(crate) const fn acts_in_training_only(&self) -> bool {
        matches!(
            self,
            Layer::Dropout(_)
                | Layer::SpatialDropout(_)
                | Layer::GaussianNoise(_)
                | Layer::MaskingNoise(_)
                | Layer::SaltAndPepperNoise(_)
                | Layer::L1(_)
                | Layer::L2(_)
                | Layer::KlSparsity(..)
                | Layer::WinnerTakeAll(_)
                | Layer::Mmd(_)
                | Layer::Adversarial(..)
                | Layer::MaskSteps(_)
                | Layer::Contractive(_)
        )
    }

    /// True for activations.
    const fn is_pointwise(&self) -> bool {
        matches!(
            self,
            Layer::Relu
                | Layer::LeakyRelu(_)
                | Layer::Elu(_)
                | Layer::Gelu
                | Layer::Silu
                | Layer::Softplus
                | Layer::Sigmoid
                | Layer::Tanh
        )
    }

    /// True if the layer reads the labels of the images.
    pub(crate) const fn reads_labels(&self) -> bool {
        matches!(self, Layer::Condition(_))
    }

    /// Name of the kind, as written in code.
    pub(crate) const fn kind_name(&self) -> &'static str {
        match self {
            Layer::Flatten => "Flatten",
            Layer::Unflatten(..) => "Unflatten",
            Layer::Linear(_) => "Linear",
            Layer::Conv2d(_) => "Conv2d",
            Layer::ConvTranspose2d(_) => "ConvTranspose2d",
            Layer::MaxPool2d(_) => "MaxPool2d",
            Layer::MaxUnpool2d(_) => "MaxUnpool2d",
            Layer::AvgPool2d(_) => "AvgPool2d",
            Layer::Upsample(_) => "Upsample",
            Layer::BatchNorm => "BatchNorm",
            Layer::LayerNorm => "LayerNorm",
            Layer::GroupNorm(_) => "GroupNorm",
            Layer::Residual(_) => "Residual",
            Layer::Relu => "Relu",
            Layer::LeakyRelu(_) => "LeakyRelu",
            Layer::Elu(_) => "Elu",
            Layer::Gelu => "Gelu",
            Layer::Silu => "Silu",
            Layer::Softplus => "Softplus",
            Layer::Sigmoid => "Sigmoid",
            Layer::Tanh => "Tanh",
            Layer::Softmax => "Softmax",
            Layer::Clamp(..) => "Clamp",
            Layer::Dropout(_) => "Dropout",
            Layer::SpatialDropout(_) => "SpatialDropout",
            Layer::GaussianNoise(_) => "GaussianNoise",
            Layer::MaskingNoise(_) => "MaskingNoise",
            Layer::SaltAndPepperNoise(_) => "SaltAndPepperNoise",
            Layer::Gaussian(_) => "Gaussian",
            Layer::Gumbel(_) => "Gumbel",
            Layer::Fsq(_) => "Fsq",
            Layer::TopK(_) => "TopK",
            Layer::BatchTopK(_) => "BatchTopK",
            Layer::L1(_) => "L1",
            Layer::L2(_) => "L2",
            Layer::KlSparsity(..) => "KlSparsity",
            Layer::WinnerTakeAll(_) => "WinnerTakeAll",
            Layer::Mmd(_) => "Mmd",
            Layer::Adversarial(..) => "Adversarial",
            Layer::VectorQuantize(_) => "VectorQuantize",
            Layer::Condition(_) => "Condition",
            Layer::Patches(..) => "Patches",
            Layer::Unpatches(..) => "Unpatches",
            Layer::Sequence(..) => "Sequence",
            Layer::Repeat(_) => "Repeat",
            Layer::Lstm(_) => "Lstm",
            Layer::LstmSteps(_) => "LstmSteps",
            Layer::Attention(_) => "Attention",
            Layer::Positions => "Positions",
            Layer::MaskSteps(_) => "MaskSteps",
            Layer::Contractive(_) => "Contractive",
            Layer::TiedLinear(..) | Layer::UnitNormLinear(_) => "Linear",
            Layer::AuxK(settings) if settings.shared => "BatchTopK",
            Layer::AuxK(_) => "TopK",
            Layer::Save(_) => "Save",
            Layer::Concat(..) => "Concat",
            Layer::Module(_) => "Module",
            Layer::UnsupportedSetting(unsupported) => unsupported.kind,
        }
    }
}

/// A layer of the discriminator of [`Layer::Adversarial`].
fn discriminator_layer(layer: &Layer) -> DiscriminatorLayer {
    DiscriminatorLayer {
        name: layer.to_string(),
        supported: layer.is_pointwise() || matches!(layer, Layer::Linear(_) | Layer::LayerNorm),
        kind: layer.kind(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_what_is_written() {
        for layer in [
            Layer::Relu,
            Layer::Lstm(3),
            Layer::Linear(9).tied(1),
            Layer::BatchTopK(3).auxiliary(5),
            Layer::Adversarial(vec![Layer::Linear(1)], 1.0),
        ] {
            assert!(layer.to_string().starts_with(layer.kind_name()));
        }
    }

    #[test]
    fn layers_of_training_only_keep_every_shape() {
        for layer in [Layer::Dropout(0.5), Layer::L2(0.1), Layer::Mmd(1.0)] {
            assert!(layer.acts_in_training_only());
            assert_eq!(layer.kind().output_shape(&[4]), Ok(vec![4]));
        }
        assert!(!Layer::Sigmoid.acts_in_training_only());
    }
}

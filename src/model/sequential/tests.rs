use super::*;
use crate::layer::{Conv2d, ConvTranspose2d};
use crate::math::Purpose;
use candle_core::DType;

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor
        .flatten_all()
        .unwrap()
        .to_dtype(DType::F64)
        .unwrap()
        .to_vec1()
        .unwrap()
}

/// Sum of the outputs times fixed numbers, in f64, in training mode.
fn weighted_sum(list: &Sequential, input: &Tensor) -> Tensor {
    let mut state = ForwardState::default();
    let out = list
        .forward(input, Some(&mut Rng::new(4, Purpose::Dropout)), &mut state)
        .unwrap();
    let n = out.elem_count();
    let fixed: Vec<f64> = (0..n).map(|i| (1.7 * i as f64).sin()).collect();
    let fixed = Tensor::from_vec(fixed, out.shape(), &Device::Cpu).unwrap();
    (out * fixed).unwrap().sum_all().unwrap()
}

#[test]
fn gradients_match_finite_differences() {
    let conv = Conv2d(4, 3).padding(1);
    let up = ConvTranspose2d(2, 3).stride(2).padding(1).output_padding(1);
    let lists: Vec<Vec<Layer>> = vec![
        vec![Layer::Flatten, Layer::Linear(3), Layer::BatchNorm],
        vec![conv.clone().stride(2).dilation(2).groups(2)],
        vec![up.groups(2)],
        vec![Layer::MaxPool2d(2), Layer::Tanh, Layer::MaxUnpool2d(2)],
        vec![Layer::MaxUnpool2d(2)],
        vec![Layer::AvgPool2d(2), Layer::Sigmoid, Layer::Upsample(3)],
        vec![Layer::BatchNorm, Layer::Gelu, Layer::Dropout(0.3)],
        vec![Layer::LeakyRelu(0.2), Layer::Elu(0.7), Layer::Relu],
        vec![Layer::Residual(vec![
            conv,
            Layer::Residual(vec![Layer::Tanh]),
            Layer::BatchNorm,
        ])],
    ];
    for layers in lists {
        let list = Sequential::new(
            "list",
            &layers,
            &[4, 4, 4],
            &mut Rng::new(1, Purpose::Init),
            &Device::Cpu,
        )
        .unwrap();
        for (k, (_, variable)) in list.named_variables().iter().enumerate() {
            // Values other than the initial ones and zeros.
            let values = (0..variable.elem_count())
                .map(|i| (0.9 * (i + k) as f32).cos() * 0.7)
                .collect::<Vec<_>>();
            variable
                .set(&Tensor::from_vec(values, variable.shape(), &Device::Cpu).unwrap())
                .unwrap();
        }
        let start: Vec<f64> = (0..2 * 64).map(|i| (0.37 * (i * i) as f64).sin()).collect();
        let input = Var::from_vec(start, (2, 4, 4, 4), &Device::Cpu).unwrap();
        let gradients = weighted_sum(&list, &input).backward().unwrap();
        let mut variables: Vec<Var> = list
            .named_variables()
            .into_iter()
            .map(|(_, variable)| variable)
            .collect();
        variables.push(input.clone());
        for variable in variables {
            let gradient = values(gradients.get(&variable).unwrap());
            let point = values(&variable);
            for i in (0..point.len()).step_by(point.len().div_ceil(12)) {
                let output_at = |by: f64| {
                    let mut near = point.clone();
                    near[i] += by;
                    let near = Tensor::from_vec(near, variable.shape(), &Device::Cpu).unwrap();
                    variable
                        .set(&near.to_dtype(variable.dtype()).unwrap())
                        .unwrap();
                    (
                        values(&variable)[i],
                        weighted_sum(&list, &input).to_scalar::<f64>().unwrap(),
                    )
                };
                let ((low, below), (high, above)) = (output_at(-1e-4), output_at(1e-4));
                output_at(0.0);
                let difference = (above - below) / (high - low);
                // Weights and their gradients are f32.
                let error = (difference - gradient[i]).abs();
                assert!(
                    error < 2e-5 * gradient[i].abs().max(1.0),
                    "{layers:?}: {} for {difference}",
                    gradient[i]
                );
            }
        }
    }
}

//! The choice of the device, and the same numbers on it as on the CPU.
#![allow(clippy::unwrap_used, unreachable_pub)]

use candlebook::device::name;
use candlebook::optim::{Optimizer, Rates};
use candlebook::prelude::*;

#[test]
fn every_thread_gets_the_same_device() {
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(best_device)).collect();
    for thread in threads {
        assert!(thread.join().unwrap().same_device(&best_device()));
    }
}

#[test]
fn the_best_device_is_the_cpu_unless_a_gpu_is_compiled_in() {
    let device = best_device();
    if !cfg!(any(feature = "cuda", feature = "metal")) {
        assert!(device.is_cpu());
    }
    let expected = match &device {
        device if device.is_cuda() => "CUDA device 0",
        device if device.is_metal() => "Metal",
        _ => "CPU",
    };
    assert_eq!(name(&device), expected);
    assert_eq!(name(&Device::Cpu), "CPU");
}

/// The first step of Adam moves every weight by the learning rate against the sign of its gradient,
/// and all four gradients are positive.
#[test]
fn a_training_step_on_the_best_device_gives_the_weights_computed_by_hand() {
    let device = best_device();
    let weights = Var::new(&[[1f32, -2.0], [0.5, 3.0]], &device).unwrap();
    let inputs = Tensor::new(&[[1f32, 2.0], [-1.0, 0.5], [0.0, 1.0]], &device).unwrap();
    let mut optimizer =
        Optimizer::new(vec![weights.clone()], &Optim::adam(), Rates::default()).unwrap();
    // (3, 2) x (2, 2) -> (3, 2)
    let outputs = inputs.matmul(&weights).unwrap();
    let loss = outputs.sqr().unwrap().mean_all().unwrap();
    optimizer.backward_step(&loss).unwrap();
    let moved = weights.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for (found, before) in moved.into_iter().zip([1.0, -2.0, 0.5, 3.0]) {
        let expected = before - 1e-3;
        assert!(
            (found - expected).abs() < 1e-6,
            "{found}, expected {expected}"
        );
    }
}

/// Two models that together have every kind of layer.
fn models() -> [(Vec<Layer>, Vec<Layer>); 2] {
    let same = |channels| Conv2d(channels, 3).padding(1);
    let strided = Conv2d(6, 3).stride(2).padding(1).groups(3);
    let up = ConvTranspose2d(3, 3).stride(2).padding(1);
    let block = vec![same(6), LeakyRelu(0.1), BatchNorm, same(6)];
    let first_half = [same(6), Relu, MaxPool2d(2), same(6), Tanh];
    let code = [Flatten, Linear(20), Dropout(0.2)];
    let pooling = (
        [&first_half[..], &code].concat(),
        vec![
            Linear(384),
            Unflatten(6, 8, 8),
            MaxUnpool2d(2),
            same(3),
            Sigmoid,
        ],
    );
    let residual = (
        vec![strided, Gelu, Residual(block), Elu(1.0), AvgPool2d(2)],
        vec![Softplus, Upsample(2), up.output_padding(1), Sigmoid],
    );
    [pooling, residual]
}

/// Losses of two epochs, then all values of reconstructed test images.
fn train(model: &(Vec<Layer>, Vec<Layer>), device: &Device, planned: bool) -> Vec<f32> {
    let data = photographs(16).unwrap().take(64, 20);
    let images = data.test.first(20).unwrap();
    let mut ae = Autoencoder::new((3, 16, 16), &model.0, &model.1)
        .unwrap()
        .to_device(device)
        .unwrap();
    let fit = Fit {
        epochs: 2,
        batch_size: 16,
        planned,
        ..Default::default()
    };
    let mut numbers = ae.fit(&data, &fit).unwrap().train_loss();
    let reconstructions = ae.reconstruct(&images).unwrap();
    assert!(
        reconstructions.device().is_cpu(),
        "reconstructions are on the device of the images"
    );
    numbers.extend(
        reconstructions
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap(),
    );
    numbers
}

fn assert_near(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-4,
            "{found}, expected {expected}"
        );
    }
}

/// Autograd is the code that runs on GPUs; the planned step is the CPU's own.
#[test]
fn every_layer_trains_alike_by_autograd_and_by_the_planned_step() {
    for model in models() {
        let [autograd, planned] = [false, true].map(|planned| train(&model, &Device::Cpu, planned));
        assert_near(&autograd, &planned);
        assert!(planned[1] < planned[0], "the second epoch's loss is lower");
    }
}

#[test]
fn every_layer_trains_alike_on_the_gpu_and_on_the_cpu() {
    let device = best_device();
    if device.is_cpu() {
        println!("skipped: this machine has no GPU, or no GPU feature is compiled in");
        return;
    }
    for model in models() {
        assert_near(
            &train(&model, &device, false),
            &train(&model, &Device::Cpu, true),
        );
    }
}

//! The device that is chosen, and what it is called.

use candlebook::device::name;
use candlebook::optim::{Optimizer, Rates};
use candlebook::prelude::*;

#[test]
fn every_call_hands_back_the_same_device() {
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(best_device)).collect();
    for thread in threads {
        assert!(thread.join().unwrap().same_device(&best_device()));
    }
}

#[test]
fn it_is_the_cpu_where_nothing_else_was_compiled() {
    let device = best_device();
    if !cfg!(any(feature = "cuda", feature = "metal")) {
        assert!(device.is_cpu());
    }
    let expected = if device.is_cuda() {
        "CUDA device 0"
    } else {
        "CPU"
    };
    assert_eq!(
        name(&device),
        if device.is_metal() { "Metal" } else { expected }
    );
    assert_eq!(name(&Device::Cpu), "CPU");
}

#[test]
fn a_step_of_training_on_it_is_the_cpus() {
    let step = |device: &Device| {
        let weights = Var::new(&[[1f32, -2.0], [0.5, 3.0]], device).unwrap();
        let inputs = Tensor::new(&[[1f32, 2.0], [-1.0, 0.5], [0.0, 1.0]], device).unwrap();
        let mut optimizer =
            Optimizer::new(vec![weights.clone()], &Optim::adam(), Rates::default()).unwrap();
        // (3, 2) x (2, 2) -> (3, 2)
        let loss = inputs
            .matmul(&weights)
            .unwrap()
            .sqr()
            .unwrap()
            .mean_all()
            .unwrap();
        optimizer.backward_step(&loss).unwrap();
        weights.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    for (found, expected) in step(&best_device()).into_iter().zip(step(&Device::Cpu)) {
        assert!(
            (found - expected).abs() < 1e-6,
            "{found}, expected {expected}"
        );
    }
}

/// Where there is no GPU, this compares candle's autograd with the compiled step: the code that GPUs run, on the CPU.
#[test]
fn every_layer_on_it_draws_and_learns_what_the_compiled_step_does() {
    let same = |maps| Conv2d(maps, 3).padding(1);
    let up = ConvTranspose2d(3, 3).stride(2).padding(1).output_padding(1);
    let pooled = (
        vec![
            same(6),
            Relu,
            MaxPool2d(2),
            same(6),
            Tanh,
            Flatten,
            Linear(20),
            Dropout(0.2),
        ],
        vec![
            Linear(384),
            Unflatten(6, 8, 8),
            MaxUnpool2d(2),
            same(3),
            Sigmoid,
        ],
    );
    let block = Residual(vec![same(6), LeakyRelu(0.1), BatchNorm, same(6)]);
    let modern = (
        vec![
            Conv2d(6, 3).stride(2).padding(1).groups(3),
            Gelu,
            block,
            Elu(1.0),
            AvgPool2d(2),
        ],
        vec![Upsample(2), up, Sigmoid],
    );
    let data = photographs(16).unwrap().take(64, 20);
    let images = data.test.first(20).unwrap();
    for (encoder, decoder) in [pooled, modern] {
        let run = |device: &Device, compiled| {
            let model = Autoencoder::new((3, 16, 16), &encoder, &decoder).unwrap();
            let mut ae = model.to_device(device).unwrap();
            let fit = Fit {
                epochs: 2,
                batch_size: 16,
                noise: 0.1,
                planned: compiled,
                ..Default::default()
            };
            let losses = ae.fit(&data, &fit).unwrap().train_loss();
            let drawn = ae.reconstruct(&images).unwrap();
            assert!(
                drawn.device().is_cpu(),
                "pictures come back to where they came from"
            );
            (
                losses,
                drawn.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            )
        };
        let (there, here) = (run(&best_device(), false), run(&Device::Cpu, true));
        for (found, expected) in there
            .0
            .iter()
            .chain(&there.1)
            .zip(here.0.iter().chain(&here.1))
        {
            assert!(
                (found - expected).abs() < 1e-4,
                "{found}, expected {expected}"
            );
        }
    }
}

//! The device that is chosen, and what it is called.

use candlebook::device::name;
use candlebook::optim::{Adam, Optimizer};
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
    let expected = if device.is_cuda() { "CUDA device 0" } else { "CPU" };
    assert_eq!(name(&device), if device.is_metal() { "Metal" } else { expected });
    assert_eq!(name(&Device::Cpu), "CPU");
}

#[test]
fn a_step_of_training_on_it_is_the_cpus() {
    let step = |device: &Device| {
        let weights = Var::new(&[[1f32, -2.0], [0.5, 3.0]], device).unwrap();
        let inputs = Tensor::new(&[[1f32, 2.0], [-1.0, 0.5], [0.0, 1.0]], device).unwrap();
        let mut optimizer = Optimizer::new(vec![weights.clone()], Adam::default()).unwrap();
        // (3, 2) x (2, 2) -> (3, 2)
        let loss = inputs.matmul(&weights).unwrap().sqr().unwrap().mean_all().unwrap();
        optimizer.backward_step(&loss).unwrap();
        weights.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    for (found, expected) in step(&best_device()).into_iter().zip(step(&Device::Cpu)) {
        assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
    }
}

//! Decoders that read labels.

use candlebook::prelude::*;

fn conditional() -> Autoencoder {
    let encoder = [
        Flatten,
        Linear(32),
        Relu,
        Linear(8),
        Gaussian(4.0),
        Condition(10),
    ];
    Autoencoder::symmetric((1, 28, 28), &encoder).unwrap()
}

#[test]
fn symmetric_joins_labels_to_the_code() {
    let ae = conditional();
    assert_eq!(ae.code_shape(), [4]);
    assert_eq!(ae.decoder()[..2], [Condition(10), Linear(32)]);
    assert_eq!(ae.variables()[4].1.dims(), [32, 14]);
    let first = [Flatten, Condition(10), Linear(8)];
    let text = Autoencoder::symmetric((1, 28, 28), &first)
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with(
            "encoder layer 1, Condition(10): expected an encoder that needs no labels"
        ),
        "{text}"
    );
}

#[test]
fn labels_decide_what_a_code_decodes_to() {
    let data = mnist_embedded().unwrap();
    let mut ae = conditional();
    let fit = Fit {
        epochs: 25,
        loss: Loss::BinaryCrossEntropy,
        ..Default::default()
    };
    ae.fit(&data, &fit).unwrap();
    // The decoder's images of a class are near the mean digit of that class.
    let labels: Vec<u32> = (0..10).collect();
    let codes = Tensor::zeros((10, 4), DType::F32, &Device::Cpu).unwrap();
    let decoded = ae.decode_labeled(&codes, &labels).unwrap();
    let decoded = decoded.flatten_from(1).unwrap();
    let classes = data.train.labels().unwrap();
    let images = data
        .train
        .first(classes.len())
        .unwrap()
        .flatten_from(1)
        .unwrap();
    let mean = |class: u32| {
        let of = (0..classes.len() as u32).filter(|&i| classes[i as usize] == class);
        let positions = Tensor::from_iter(of, &Device::Cpu).unwrap();
        images.index_select(&positions, 0).unwrap().mean(0).unwrap()
    };
    let means: Vec<Tensor> = (0..10).map(mean).collect();
    let means = Tensor::stack(&means, 0).unwrap();
    let nearest = |i: usize| {
        let image = decoded.get(i).unwrap();
        let squares = means.broadcast_sub(&image).unwrap().sqr().unwrap();
        let distances = squares.sum(1).unwrap();
        distances.argmin(0).unwrap().to_scalar::<u32>().unwrap()
    };
    let right = (0..10).filter(|&i| nearest(i) == i as u32).count();
    assert!(right >= 9, "{right} of 10 classes");
    // Evaluation reads the split's labels: wrong ones raise the loss.
    let wrong: Vec<u32> = data
        .test
        .labels()
        .unwrap()
        .iter()
        .map(|l| (l + 1) % 10)
        .collect();
    let images = data.test.first(data.test.len()).unwrap();
    let wrong = Split::from_tensor(&images, Some(wrong)).unwrap();
    let losses = [&data.test, &wrong].map(|split| ae.evaluate(split).unwrap());
    assert!(losses[0] < 0.95 * losses[1], "{losses:?}");
}

#[test]
fn missing_and_unknown_labels_are_errors_before_training() {
    let data = mnist_embedded().unwrap().take(40, 10);
    let images = data.train.first(40).unwrap();
    let unlabeled = Split::from_tensor(&images, None).unwrap();
    let error = |train: Split, classes: usize| {
        let decoder = [
            Condition(classes),
            Linear(784),
            Sigmoid,
            Unflatten(1, 28, 28),
        ];
        let mut ae = Autoencoder::new((1, 28, 28), &[Flatten, Linear(4)], &decoder).unwrap();
        let fit = Fit {
            batch_size: 20,
            ..Default::default()
        };
        let data = Dataset::new("digits", "memory", train.clone(), train).unwrap();
        ae.fit(&data, &fit).unwrap_err().to_string()
    };
    let text = error(unlabeled, 10);
    assert!(
        text.starts_with(
            "fit: expected data with labels, which Condition(10) reads, got data without labels"
        ),
        "{text}"
    );
    let text = error(data.train.clone(), 5);
    assert!(
        text.starts_with("fit: expected labels of 0 to 4, as Condition(5), got 9"),
        "{text}"
    );
    let text = conditional().reconstruct(&images).unwrap_err().to_string();
    assert!(
        text.starts_with("Condition: expected a label for each image, got no labels"),
        "{text}"
    );
    let text = conditional()
        .reconstruct_labeled(&images, &[1])
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with("labels: expected 40 labels, one for each image, got 1"),
        "{text}"
    );
}

//! Divergence of each unit of a Gaussian code.

use super::common::{data, error, model};
use candlebook::evaluate::KlPerUnit;
use candlebook::prelude::*;
use candlebook::show::Show;

/// A model with three units. The first one has the first pixel times 2 as its mean and the log
/// variance -1; the second one has the mean 0.5 and the log variance 0; the third one is the prior.
fn vae(data: &Dataset) -> Autoencoder {
    let encoder = [Flatten, Linear(6), Gaussian(1.0)];
    let vae = Autoencoder::symmetric(data.image_shape(), &encoder).unwrap();
    let set = |i: usize, values: Vec<f32>| {
        let variable = &vae.variables()[i].1;
        let tensor = Tensor::from_vec(values, variable.shape(), &Device::Cpu).unwrap();
        variable.set(&tensor).unwrap();
    };
    let mut weight = vec![0.0; 6 * 144];
    weight[0] = 2.0;
    set(0, weight);
    set(1, vec![0.0, 0.5, 0.0, -1.0, 0.0, 0.0]);
    vae
}

#[test]
fn the_mean_divergence_of_each_unit_matches_its_formula() {
    let data = data(false);
    let kl = vae(&data).kl_per_unit(&data.test).unwrap();
    // (m² + exp(v) - 1 - v) / 2, with m = 2 where the first pixel is 1.
    let pixels = data.test.first(24).unwrap().i((.., 0, 0, 0)).unwrap();
    let share = f64::from(pixels.mean_all().unwrap().to_scalar::<f32>().unwrap());
    assert!((0.2..0.9).contains(&share), "{share}");
    let expected = [(4.0 * share + (-1f64).exp()) / 2.0, 0.125, 0.0];
    for (divergence, expected) in kl.divergences.iter().zip(expected) {
        assert!((divergence - expected).abs() < 1e-6, "{kl:?}");
    }
    assert_eq!(kl.active, [true, false, false]);
    assert!((kl.total() - expected.iter().sum::<f64>()).abs() < 1e-6);
    // The sum over the units is the divergence of the evidence lower bound.
    let mut vae = vae(&data);
    let fit = Fit {
        epochs: 1,
        batch_size: 29,
        loss: Loss::BinaryCrossEntropy,
        ..Default::default()
    };
    vae.fit(&data, &fit).unwrap();
    let bounds = vae.elbo(&data.test, 1).unwrap();
    let total = vae.kl_per_unit(&data.test).unwrap().total();
    assert!((bounds.divergence - total).abs() < 1e-4 * total, "{total}");
}

#[test]
fn the_chart_marks_inactive_units_in_descending_order() {
    let kl = KlPerUnit {
        divergences: vec![0.5, 0.25, 2.0, 0.0],
        active: vec![true, false, true, false],
    };
    let title = "KL 2.75 nats per image in 4 units, 2 active";
    let contents = kl.contents().unwrap();
    assert_eq!(contents[0].get("text/plain"), Some(title));
    assert!(contents[0].get("image/png").is_some());
    let contents = kl.plot().contents().unwrap();
    let expected =
        format!("{title}\nactive: 2 rectangles, 0 to 2 █▁\ninactive: 2 rectangles, 0 to 0.25 █▁");
    assert_eq!(contents[0].get("text/plain"), Some(expected.as_str()));
}

#[test]
fn other_codes_are_rejected() {
    let data = data(false);
    let error = error(model(&data).kl_per_unit(&data.test));
    assert!(
        error.starts_with(
            "kl_per_unit: expected an encoder that ends in a Gaussian or Gumbel code, got one that ends in Linear(6)"
        ),
        "{error}"
    );
    assert!(vae(&data).kl_per_unit(&data.test.take(0)).is_err());
}

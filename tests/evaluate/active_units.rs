//! Active units.

use super::common::{data, model};
use candlebook::evaluate::ActiveUnits;
use candlebook::prelude::*;
use candlebook::show::Show;

#[test]
fn units_without_weights_are_constant_and_small_ones_inactive() {
    let data = data(false);
    let ae = model(&data);
    let weight = ae.variables()[0].1.clone();
    let scales = Tensor::new(&[1f32, 1.0, 1.0, 1.0, 0.01, 0.0], &Device::Cpu).unwrap();
    let scaled = weight.broadcast_mul(&scales.unsqueeze(1).unwrap()).unwrap();
    weight.set(&scaled).unwrap();
    let units = ae.active_units(&data.test).unwrap();
    assert_eq!((units.active, units.constant), (4, 1));
    assert_eq!(units.to_string(), "4 of 6 units active, 1 constant");
    assert!((units.constant_share() - 1.0 / 6.0).abs() < 1e-12);
    // The population's variance of the codes.
    let codes = ae.codes(&data.test).unwrap().narrow(1, 0, 1).unwrap();
    let codes: Vec<f32> = codes.flatten_all().unwrap().to_vec1().unwrap();
    let mean = codes.iter().sum::<f32>() / 24.0;
    let variance = codes.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 24.0;
    assert!((units.variances[0] as f32 / variance - 1.0).abs() < 1e-4);
}

#[test]
fn active_units_show_a_chart_and_their_number() {
    let units = ActiveUnits {
        variances: vec![0.5, 2.0, 0.0],
        active: 2,
        constant: 1,
    };
    let contents = units.contents().unwrap();
    assert_eq!(
        contents[0].get("text/plain"),
        Some("2 of 3 units active, 1 constant")
    );
    assert!(contents[0].get("image/png").is_some());
}

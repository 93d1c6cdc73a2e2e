//! Optimizer settings in checkpoints.

use candlebook::optim::{Adadelta, Adam, RmsProp, Sgd};
use candlebook::prelude::*;

fn parse(json: &str) -> Optim {
    serde_json::from_str(json).unwrap()
}

#[test]
fn settings_of_old_checkpoints_load() {
    assert_eq!(parse(r#""Adam""#), Optim::adam());
    assert_eq!(
        parse(r#"{"Sgd":{"momentum":0.9}}"#),
        Optim::Sgd(Sgd { momentum: 0.9 })
    );
}

#[test]
fn settings_survive_the_round_trip() {
    let adam = Optim::Adam(Adam {
        beta1: 0.5,
        ..Default::default()
    });
    let rms_prop = Optim::RmsProp(RmsProp {
        centered: true,
        ..Default::default()
    });
    let adadelta = Optim::Adadelta(Adadelta::default());
    for optim in [
        adadelta,
        Optim::adam(),
        adam,
        rms_prop,
        Optim::sgd(0.9),
        Optim::sgd(0.0),
    ] {
        let json = serde_json::to_string(&optim).unwrap();
        assert_eq!(parse(&json), optim, "{json}");
    }
}

#[test]
fn missing_settings_have_their_defaults() {
    let adam = Adam {
        beta2: 0.99,
        ..Default::default()
    };
    assert_eq!(parse(r#"{"Adam":{"beta2":0.99}}"#), Optim::Adam(adam));
}

#[test]
fn the_format_of_default_settings_has_not_changed() {
    let json = |optim: Optim| serde_json::to_string(&optim).unwrap();
    assert_eq!(json(Optim::adam()), r#""Adam""#);
    assert_eq!(json(Optim::sgd(0.5)), r#"{"Sgd":{"momentum":0.5}}"#);
}

#[test]
fn an_unknown_optimizer_is_an_error() {
    assert!(serde_json::from_str::<Optim>(r#""Lion""#).is_err());
}

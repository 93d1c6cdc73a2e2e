//! Optimizer settings in checkpoints.

use candlebook::optim::{Adadelta, Adagrad, Adam, Adamax, Lion, NAdam, RmsProp, Sgd};
use candlebook::prelude::*;

fn parse(json: &str) -> Optim {
    serde_json::from_str(json).unwrap()
}

#[test]
fn settings_of_old_checkpoints_load() {
    assert_eq!(parse(r#""Adam""#), Optim::adam());
    assert_eq!(
        parse(r#"{"Sgd":{"momentum":0.9}}"#),
        Optim::Sgd(Sgd {
            momentum: 0.9,
            ..Default::default()
        })
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
    let amsgrad = Adam {
        amsgrad: true,
        decoupled_weight_decay: false,
        ..Default::default()
    };
    let nesterov = Sgd {
        momentum: 0.9,
        nesterov: true,
        ..Default::default()
    };
    for optim in [
        Optim::Adam(amsgrad),
        Optim::Adamax(Adamax::default()),
        Optim::NAdam(NAdam::default()),
        Optim::Adagrad(Adagrad::default()),
        Optim::Lion(Lion::default()),
        Optim::Sgd(nesterov),
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
    assert!(serde_json::from_str::<Optim>(r#"{"Lamb":{}}"#).is_err());
}

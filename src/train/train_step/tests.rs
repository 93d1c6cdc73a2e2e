//! Gradients of the planned step in f64, against central differences of the loss.

use super::cases::{Case, cases};
use super::*;
use crate::data::{Batches, Split};
use crate::dist::on_threads;
use crate::layer::Layer::*;
use crate::math::Purpose;
use crate::optim::{Average, Grouping, Optim};
use crate::train::custom_loss::CustomLoss;
use crate::train::executor::Averaging;

const BATCH: usize = 5;
const VALUES: usize = 2 * 8 * 8;

fn batch() -> Batch {
    let bytes = (0..BATCH * VALUES)
        .map(|i| (i * i * 31 % 251) as u8)
        .collect();
    let split = Split::from_bytes(bytes, (2, 8, 8), None).unwrap();
    Batch::Positions(split, (0..BATCH).collect())
}

/// Step that does not move the weights, with this number of shards even for a tiny model.
fn frozen_step<'a>(
    case: &Case,
    custom_loss: Option<CustomLoss<'a>>,
    shards: usize,
    world: World,
) -> TrainStep<'a, f64> {
    let model = Autoencoder::new((2, 8, 8), &case.encoder, &case.decoder).unwrap();
    let settings = StepSettings {
        batch_size: BATCH,
        loss: case.loss,
        custom_loss,
        optim: Optim::sgd(0.0),
        learning_rate: 0.0,
        grouping: Grouping::single(model.variables().len(), 0.0),
        gradients: Gradients::default(),
        averaging: Averaging {
            average: Average::None,
            steps_per_epoch: 1,
            first_step: 0,
        },
        seed: 0,
        rng: Rng::new(0, Purpose::Dropout),
        bf16: false,
        planned: true,
        world,
    };
    let mut step = TrainStep::new(&model, &settings).unwrap().unwrap();
    step.shards = (0..shards).map(|_| Shard::new(&step.plan, BATCH)).collect();
    step
}

/// Loss at the current weights, always at the second step and with the same random numbers.
fn loss(step: &mut TrainStep<'_, f64>, batch: &Batch) -> f64 {
    step.rng = Rng::new(4, Purpose::Dropout);
    step.rule.resume_at(1);
    let terms = &mut vec![0.0; step.plan.term_stages().count()];
    step.step(batch, terms).unwrap()
}

/// Compares the gradients of the weights with central differences.
fn check_gradients(case: &Case, custom_loss: Option<CustomLoss<'_>>) {
    let batch = batch();
    for shards in [1, 3] {
        let mut step = frozen_step(case, custom_loss, shards, World::default());
        loss(&mut step, &batch);
        let gradients = step.gradients.clone();
        for i in (0..gradients.len()).step_by(gradients.len().div_ceil(150)) {
            let start = step.parameters[i];
            let mut loss_at = |shift: f64| {
                step.parameters[i] = start + shift;
                loss(&mut step, &batch)
            };
            let expected = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5;
            step.parameters[i] = start;
            let found = gradients[i];
            assert!(
                (expected - found).abs() < 1e-6 * found.abs() + 1e-10,
                "{:?} {:?}, {shards} shards, parameter {i}: {found}, expected {expected}",
                case.encoder,
                case.decoder
            );
        }
    }
}

#[test]
fn gradients_of_all_layers_match_finite_differences() {
    for case in cases() {
        check_gradients(&case, None);
    }
}

/// This rank's images of the batch.
fn share(world: &World) -> Batch {
    let Batch::Positions(split, order) = batch() else {
        unreachable!("the images are in memory")
    };
    let mut batches = Batches::shared(&split, order, BATCH, None, world).unwrap();
    batches.next().unwrap().unwrap()
}

/// Loss, terms and gradients of a case on some ranks.
fn on_ranks(case: &Case, ranks: usize) -> Vec<(f64, Vec<f64>, Vec<f64>)> {
    on_threads(ranks, |world| {
        let mut step = frozen_step(case, None, 2, world.clone());
        step.rng = Rng::new(4, Purpose::Dropout);
        step.rule.resume_at(1);
        let mut terms = vec![0.0; step.plan.term_stages().count()];
        let loss = step.step(&share(&world), &mut terms).unwrap();
        (loss, terms, step.gradients)
    })
}

#[test]
fn ranks_have_the_loss_and_the_gradients_of_one_process() {
    for case in cases() {
        let (loss, terms, gradients) = on_ranks(&case, 1).remove(0);
        // Five images: shared by 2 and 3 ranks, computed by each of 6.
        for (rank, found) in [2, 3, 6]
            .into_iter()
            .flat_map(|n| on_ranks(&case, n))
            .enumerate()
        {
            let pairs = |a: &[f64], b: &[f64]| -> f64 {
                let differences = a
                    .iter()
                    .zip(b)
                    .map(|(a, b)| (a - b).abs() / (b.abs() + 1e-3));
                differences.fold(0.0, f64::max)
            };
            let differences = [
                (found.0 - loss).abs(),
                pairs(&found.1, &terms),
                pairs(&found.2, &gradients),
            ];
            assert!(
                differences.iter().all(|&difference| difference < 1e-11),
                "{:?} {:?}, {rank}: {differences:?}",
                case.encoder,
                case.decoder
            );
        }
    }
}

#[test]
fn gradients_of_custom_losses_match_finite_differences() {
    let own: CustomLoss<'_> = &|input, code, output| {
        let error = (output - input)?.sqr()?.mean_all()?;
        let code = code.flatten_from(1)?;
        Ok((error + (code.sqr()?.sum_all()? * 0.01)?)?)
    };
    for case in cases() {
        check_gradients(&case, Some(own));
    }
    let of_code: CustomLoss<'_> = &|_, code, _| Ok(code.sqr()?.mean_all()?);
    check_gradients(&cases()[1], Some(of_code));
}

/// The remainder is a constant for the auxiliary loss, so only the parameters of dead units, on which it
/// does not depend, have the gradients of the whole loss.
#[test]
fn gradients_of_dead_units_match_finite_differences() {
    const UNITS: usize = 30;
    let case = Case {
        encoder: vec![Flatten, Linear(UNITS), Relu, TopK(2).auxiliary(4)],
        decoder: vec![Linear(VALUES).unit_norm(), Unflatten(2, 8, 8)],
        loss: Loss::Mse,
    };
    let batch = batch();
    for shards in [1, 3] {
        let mut step = frozen_step(&case, None, shards, World::default());
        let unused = step.buffers[1][0].var.clone();
        let steps = unused.affine(0.0, 1e4).unwrap();
        unused.set(&steps).unwrap();
        loss(&mut step, &batch);
        // 5 images with 2 units each use at most 10 of the 30.
        let dead = unused.to_vec1::<f32>().unwrap();
        let dead: Vec<usize> = (0..UNITS).filter(|&unit| dead[unit] == 1e4).collect();
        let decoder = UNITS * (VALUES + 1);
        let weights = (0..VALUES).step_by(9);
        let of_unit = |&unit: &usize| {
            let places = |i| [unit * VALUES + i, decoder + i * UNITS + unit];
            weights.clone().flat_map(places).collect::<Vec<usize>>()
        };
        let (parameters, gradients) = (step.parameters.clone(), step.gradients.clone());
        let mut largest = [0.0f64; 2];
        for i in dead.iter().flat_map(of_unit) {
            let mut loss_at = |shift: f64| {
                step.parameters.clone_from(&parameters);
                step.parameters[i] += shift;
                loss(&mut step, &batch)
            };
            let expected = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5;
            let found = gradients[i];
            let largest = &mut largest[usize::from(i >= decoder)];
            *largest = largest.max(found.abs());
            assert!(
                (expected - found).abs() < 1e-6 * found.abs() + 1e-9,
                "{shards} shards, parameter {i}: {found}, expected {expected}"
            );
        }
        assert!(largest.iter().all(|&largest| largest > 1e-5), "{largest:?}");
    }
}

//! Sweeps over settings.

use crate::common::{digits, with_log};
use candlebook::prelude::*;
use candlebook::runs::{Grid, Point, SuccessiveHalving, TrialState};
use candlebook::show::Show;

fn fit(epochs: usize, learning_rate: f64) -> Fit {
    Fit {
        epochs,
        batch_size: 20,
        learning_rate,
        ..Default::default()
    }
}

fn rates(rates: &[f64]) -> Grid {
    Grid::new().values("rate", rates.to_vec())
}

#[test]
fn each_run_is_that_of_fit_and_the_best_model_is_returned() {
    let (data, _) = digits();
    let values = [1e-4, 1e-2, 1e-3];
    let sweep = sweep(&data, &rates(&values), |point| {
        Ok((digits().1, fit(2, point.number("rate")?)))
    })
    .unwrap();
    // A sweep of three runs has a third of the threads for each.
    let threads = (rayon::current_num_threads() / 3).max(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = pool.build().unwrap();
    let mut test_losses = Vec::new();
    for (trial, rate) in sweep.trials.iter().zip(values) {
        let (_, mut ae) = digits();
        let history = pool.install(|| ae.fit(&data, &fit(2, rate))).unwrap();
        let losses: Vec<f32> = trial.epochs.iter().map(|epoch| epoch.train_loss).collect();
        assert_eq!(losses, history.train_loss());
        assert_eq!(trial.state, TrialState::Finished);
        test_losses.push(ae.evaluate(&data.test).unwrap());
    }
    let best = sweep.best().unwrap();
    assert_eq!((best.number, sweep.stopped), (2, false));
    let test_loss = sweep.best_model().unwrap().evaluate(&data.test).unwrap();
    assert_eq!(test_loss, test_losses[1]);
    let contents = sweep.contents().unwrap();
    assert!(
        contents[0]
            .get("text/html")
            .unwrap()
            .contains("finished, best")
    );
    assert!(contents[1].get("image/png").is_some());
    sweep.into_best_model().unwrap();
}

#[test]
fn an_error_at_one_point_ends_only_its_run() {
    let (data, _) = digits();
    let points = Grid::new()
        .values("hidden", [0, 4, 8])
        .values("rate", [1e-3]);
    let sweep = sweep(&data, &points, |point| {
        let hidden = point.integer("hidden")?;
        if hidden == 4 {
            panic!("four is not a good number");
        }
        let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(hidden)])?;
        Ok((ae, fit(1, point.number("rate")?)))
    })
    .unwrap();
    let states: Vec<String> = sweep
        .trials
        .iter()
        .map(|trial| trial.state.to_string())
        .collect();
    assert!(states[0].starts_with("encoder"), "{}", states[0]);
    assert_eq!(states[1], "panicked: four is not a good number");
    assert_eq!(states[2], "finished");
    assert_eq!(sweep.best().unwrap().number, 3);
}

#[test]
fn without_a_model_the_error_names_the_first_reason() {
    let (data, _) = digits();
    let points = vec![Point::default()];
    let failed = sweep(&data, &points, |point| {
        Ok((digits().1, fit(1, point.number("rate")?)))
    });
    let error = failed.unwrap_err().to_string();
    assert_eq!(
        error,
        "sweep: expected a run with a finished epoch, got none. The first run: point \"rate\": expected a \
         number, got no such value. The point has: . Correct the runs' errors"
    );
    let nothing = sweep(&data, &rates(&[]), |_| Ok((digits().1, fit(1, 1e-3))));
    assert!(nothing.is_err());
}

#[test]
fn halving_ends_the_worse_runs_and_goes_on_with_the_best() {
    with_log(
        "sweep::halving_ends_the_worse_runs_and_goes_on_with_the_best",
        |_| {
            let (data, _) = digits();
            let values = [1e-6, 1e-2, 1e-5, 3e-3, 1e-4, 1e-7];
            let search = SuccessiveHalving::new(rates(&values)).epochs(1).factor(2);
            let sweep = sweep(&data, &search, |point| {
                Ok((digits().1, fit(7, point.number("rate")?)))
            })
            .unwrap();
            let epochs: Vec<usize> = sweep
                .trials
                .iter()
                .map(|trial| trial.epochs.len())
                .collect();
            // 6 runs for 1 epoch, 3 for 2, 2 for 4, 1 for 7.
            assert_eq!(epochs, [1, 7, 1, 4, 2, 1]);
            assert_eq!(sweep.best().unwrap().number, 2);
            assert_eq!(sweep.trials[3].state, TrialState::Ended);
            // The log has one run for each point.
            let all = runs().list().unwrap();
            let mut logged: Vec<(String, u64)> = all
                .iter()
                .map(|run| (run.tags.join(", "), run.epochs))
                .collect();
            logged.sort();
            assert_eq!(logged.len(), 6);
            assert!(
                logged.contains(&("sweep, rate 0.01".into(), 7)),
                "{logged:?}"
            );
            let history = runs().best().unwrap().history().unwrap();
            assert_eq!(history.epochs, sweep.trials[1].epochs);
            let ended = all
                .iter()
                .filter(|run| run.ended == "ended: others are better");
            assert_eq!(ended.count(), 5);
        },
    );
}

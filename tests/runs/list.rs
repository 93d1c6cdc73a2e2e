//! The table of recorded runs.

use crate::common::{digits, with_log};
use candlebook::prelude::*;
use candlebook::runs::Runs;
use candlebook::show::Show;

fn fit(learning_rate: f64) -> Fit {
    Fit {
        epochs: 2,
        batch_size: 20,
        learning_rate,
        ..Default::default()
    }
}

#[test]
fn every_fit_is_recorded_unless_turned_off() {
    with_log("list::every_fit_is_recorded_unless_turned_off", |path| {
        let (data, mut ae) = digits();
        let history = ae.fit(&data, &fit(0.002)).unwrap();
        let off = Fit {
            log: false,
            ..fit(0.1)
        };
        ae.fit(&data, &off).unwrap();
        let all = runs().list().unwrap();
        assert_eq!(all.len(), 1);
        let run = &all[0];
        assert_eq!(run.history().unwrap(), history);
        assert_eq!(run.fit().unwrap(), fit(0.002));
        assert_eq!((run.epochs, run.ended.as_str()), (2, "finished"));
        assert_eq!(run.parameters, ae.count_params() as u64);
        assert!(
            run.layers.starts_with("Flatten, Linear(8), Relu -> "),
            "{}",
            run.layers
        );
        assert_eq!(run.data_hash.as_ref().map(String::len), Some(64));
        assert_eq!(Runs::open(path).list().unwrap().len(), 1);
    });
}

#[test]
fn a_resumed_run_has_all_epochs() {
    with_log("list::a_resumed_run_has_all_epochs", |path| {
        let (data, mut ae) = digits();
        let file = path.with_file_name("run.safetensors");
        let begun = Fit {
            checkpoint: Some(file.clone()),
            ..fit(0.001)
        };
        ae.fit(&data, &begun).unwrap();
        let more = Resume {
            epochs: Some(3),
            ..Default::default()
        };
        let (_, history) = Autoencoder::resume_with(file, &data, &more).unwrap();
        let all = runs().list().unwrap();
        assert_eq!((all[0].id, all[1].id), (2, 1), "newest first");
        assert_eq!(all[0].history().unwrap(), history);
    });
}

#[test]
fn a_failed_run_says_why() {
    with_log("list::a_failed_run_says_why", |_| {
        let (data, _) = digits();
        let decoder = [Linear(784), Unflatten(1, 28, 28)];
        let mut ae = Autoencoder::new((1, 28, 28), &[Flatten, Linear(8)], &decoder).unwrap();
        let wild = Fit {
            optimizer: Optim::sgd(0.0),
            ..fit(1e30)
        };
        let error = ae.fit(&data, &wild).unwrap_err().to_string();
        let run = runs().get(1).unwrap();
        assert_eq!((run.ended, run.epochs), (error, 0));
        let error = runs().best().unwrap_err().to_string();
        assert!(
            error.contains("at least one recorded run with a finished epoch"),
            "{error}"
        );
    });
}

#[test]
fn the_best_run_is_found_among_those_with_the_newest_data() {
    with_log(
        "list::the_best_run_is_found_among_those_with_the_newest_data",
        |_| {
            let (data, _) = digits();
            let few = data.take(100, 20);
            // The first run has the lowest loss, on other data.
            for (data, epochs, rate) in [(&few, 9, 0.01), (&data, 2, 0.002), (&data, 2, 1e-6)] {
                let (_, mut ae) = digits();
                let fit = Fit {
                    epochs,
                    ..fit(rate)
                };
                ae.fit(data, &fit).unwrap();
            }
            assert_eq!(runs().best().unwrap().id, 2);
            let contents = runs().contents().unwrap();
            let text = contents[0].get("text/plain").unwrap();
            let best: Vec<&str> = text
                .lines()
                .filter(|line| line.contains(", best"))
                .collect();
            assert!(best.len() == 1 && best[0].contains("0.002"), "{text}");
            assert!(text.contains("Runs are recorded in "), "{text}");
            let html = contents[0].get("text/html").unwrap();
            assert_eq!(html.matches("<tr>").count(), 4);
            let error = runs().get(9).unwrap_err().to_string();
            assert_eq!(
                error,
                "run: expected a run from 1 to 3, got 9. runs() lists the numbers"
            );
        },
    );
}

#[test]
fn a_log_that_cannot_be_written_changes_nothing_but_a_note() {
    with_log(
        "list::a_log_that_cannot_be_written_changes_nothing_but_a_note",
        |path| {
            std::fs::write(path, "no database ".repeat(100)).unwrap();
            let (data, mut ae) = digits();
            let (_, mut other) = digits();
            let off = Fit {
                log: false,
                ..fit(0.001)
            };
            let expected = other.fit(&data, &off).unwrap();
            let history = ae.fit(&data, &fit(0.001)).unwrap();
            assert_eq!(history.train_loss(), expected.train_loss());
            assert!(runs().list().is_err());
        },
    );
}

#[test]
fn without_a_log_there_are_no_runs() {
    // `.cargo/config.toml` turns the log off for tests.
    let (data, mut ae) = digits();
    ae.fit(&data, &fit(0.001)).unwrap();
    assert!(runs().list().unwrap().is_empty());
    let text = runs().contents().unwrap();
    let text = text[0].get("text/plain");
    assert_eq!(
        text,
        Some("no runs yet. The run log is off, CANDLEBOOK_RUNS=off")
    );
}

//! One recorded run.

use crate::common::{digits, with_log};
use candlebook::prelude::*;
use candlebook::show::Show;

#[test]
fn a_run_renders_as_its_properties_and_its_curve() {
    with_log("run::a_run_renders_as_its_properties_and_its_curve", |_| {
        let (data, mut ae) = digits();
        let fit = Fit {
            epochs: 2,
            tags: vec!["baseline".into(), "<i>".into()],
            ..Default::default()
        };
        ae.fit(&data, &fit).unwrap();
        let run = runs().get(1).unwrap();
        assert_eq!(run.tags, fit.tags);
        let contents = run.contents().unwrap();
        assert_eq!(contents.len(), 2);
        let text = contents[0].get("text/plain").unwrap();
        for part in [
            "run",
            "baseline, <i>",
            "200 images of 1 x 28 x 28",
            "Flatten, Linear(8)",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!contents[0].get("text/html").unwrap().contains("<i>"));
        assert!(contents[1].get("image/png").is_some());
    });
}

#[test]
fn a_run_whose_process_is_gone_was_interrupted() {
    with_log("run::a_run_whose_process_is_gone_was_interrupted", |path| {
        let (data, mut ae) = digits();
        ae.fit(&data, &Fit::default()).unwrap();
        let log = rusqlite::Connection::open(path).unwrap();
        let state = |process: u32| {
            let sql = "UPDATE runs SET ended = NULL, seconds = NULL, process = ?1";
            log.execute(sql, [process]).unwrap();
            runs().get(1).unwrap().ended
        };
        assert_eq!(state(std::process::id()), "running");
        if cfg!(target_os = "linux") {
            assert_eq!(state(u32::MAX), "interrupted");
        }
        let run = runs().get(1).unwrap();
        assert!(
            run.seconds > 0.0 && run.epochs == 10,
            "of the epochs so far"
        );
    });
}

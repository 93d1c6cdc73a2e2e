//! Results of sweeps over notebooks, read from the table of `candlebook sweep`.

use candlebook::prelude::*;
use candlebook::runs::{PointValue, SweepResults};
use candlebook::show::Show;

const HEADER: &str =
    "hidden,kind,best_loss,epochs,seconds,test loss,kind (result),status,error,notebook\n";

fn read(text: impl AsRef<[u8]>) -> Result<SweepResults, Error> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("results.csv"), text).unwrap();
    sweep_results(folder.path())
}

fn rows(rows: &[&str]) -> Result<SweepResults, Error> {
    read(format!("{HEADER}{}\n", rows.join("\n")))
}

#[test]
fn runs_are_sorted_and_found_by_their_values() {
    let found = rows(&[
        "32,\"\"\"a, b\"\"\",0.5,3,1.25,0.7,x,finished,,a.ipynb",
        "64,\"\"\"c\"\"\",0.25,3,1.5,0.9,y,finished,,b.ipynb",
        "96,\"\"\"c\"\"\",0.125,1,1.5,0.1,,failed,\"cell 2: no memory\nat all\",c.ipynb",
        "128,\"\"\"c\"\"\",,,1.5,0.8,,finished,,d.ipynb",
    ])
    .unwrap();
    assert_eq!(found.len(), 4);
    let best = found.best().unwrap();
    assert_eq!((best.best_loss, best.epochs), (Some(0.25), Some(3)));
    assert!(best.notebook.ends_with("b.ipynb") && best.finished);
    assert_eq!(best.point.to_string(), "hidden 64, kind c");
    // A parameter hides a value of its name.
    assert_eq!(best.value("kind"), Some(&PointValue::Text("c".into())));
    assert_eq!(
        best.results.get("kind"),
        Some(&PointValue::Text("y".into()))
    );
    assert_eq!(best.value("none"), None);
    assert_eq!(
        found.runs[1].value("kind"),
        Some(&PointValue::Text("a, b".into()))
    );
    let failed = found.runs.iter().find(|run| !run.finished).unwrap();
    assert_eq!(failed.error.as_deref(), Some("cell 2: no memory\nat all"));
    let hidden = |run: &candlebook::runs::NotebookRun| run.point.number("hidden").unwrap();
    assert_eq!(found.lowest("test loss").map(hidden), Some(32.0));
    assert_eq!(found.highest("test loss").map(hidden), Some(64.0));
    assert_eq!(found.highest("nothing"), None);
}

#[test]
fn results_render_as_table_sentence_and_chart() {
    let found = rows(&[
        "32,1,0.5,3,1.25,0.7,,finished,,a.ipynb",
        "64,1,0.25,3,1.5,0.9,,finished,,b.ipynb",
    ])
    .unwrap();
    let contents = found.contents().unwrap();
    assert_eq!(contents.len(), 2);
    let text = contents[0].get("text/plain").unwrap();
    assert!(text.contains("best: hidden 64, kind 1, loss 0.25000, in "));
    assert!(text.trim_end().ends_with("b.ipynb"), "{text}");
    assert!(contents[0].get("text/html").unwrap().contains("<table"));
    assert!(contents[1].get("image/png").is_some());
    let empty = rows(&[]).unwrap();
    assert!(empty.is_empty() && empty.best().is_none());
    assert_eq!(empty.contents().unwrap().len(), 1);
}

#[test]
fn hostile_tables_are_errors_or_shown_as_text() {
    let errors = [
        (read(""), "expected a column \"best_loss\", got none"),
        (read("a,b\n1,2\n"), "expected a column \"best_loss\""),
        (rows(&["1,2"]), "expected a table with a header"),
        (
            read([HEADER.as_bytes(), b"\xff\n"].concat()),
            "expected a table",
        ),
        (
            read(vec![b','; (16 << 20) + 1]),
            "a file of at most 16777216 bytes",
        ),
    ];
    for (result, words) in errors {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let missing = sweep_results("no such folder").unwrap_err().to_string();
    assert!(
        missing.starts_with("no such folder/results.csv: cannot read: "),
        "{missing}"
    );
    let script = "<script>alert(1)</script>";
    let odd = rows(&[
        &format!("{script},nan,inf,-1,1e999,NaN,{script},finished,,{script}"),
        "1e308,-1e308,-inf,99999999999999999999,nan,-0,,finished,,../../x",
        "0,1,1e-320,0,0,5,,unknown,,",
    ])
    .unwrap();
    for content in odd.contents().unwrap() {
        let html = content.get("text/html").unwrap_or_default();
        assert!(!html.contains("<script>alert"), "{html}");
    }
}

#[test]
fn results_of_a_notebook_are_numbers_and_texts() {
    result("count", 3usize);
    result("share", 0.5f32);
    result("name", "digits");
    result("flag", true);
}

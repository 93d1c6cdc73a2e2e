//! A history as CSV, JSON, JSON lines and an event file.

use crate::common::{epoch, history, with_terms};
use candlebook::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn csv_has_a_row_per_epoch_and_quotes_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.csv");
    with_terms().to_csv(&path).unwrap();
    let expected = "\
epoch,train_loss,valid_loss,\"KL, \"\"β\"\" train\",\"KL, \"\"β\"\" valid\",learning_rate,seconds,images_per_second
1,0.5,0.25,0.3,0.0625,0.002,2,1500
2,0.1,0.125,0.2,0.03125,0.002,2,1500
";
    assert_eq!(read(&path), expected);
    history(vec![epoch(0.5, None)]).to_csv(&path).unwrap();
    let last = read(&path).lines().last().map(str::to_owned);
    assert_eq!(last.as_deref(), Some("1,0.5,,0.002,2,1500"));
}

#[test]
fn json_has_settings_and_epochs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.json");
    with_terms().to_json(&path).unwrap();
    let json: Value = serde_json::from_str(&read(&path)).unwrap();
    assert_eq!(json["settings"]["learning_rate"], 0.002);
    assert_eq!(json["settings"]["batch_size"], 128);
    assert_eq!(json["loss"], "mean squared error");
    assert_eq!(json["best_epoch"], 2);
    assert_eq!(json["epochs"][1]["valid_loss"], 0.125);
    assert_eq!(json["epochs"][0]["terms"][0]["train"], json!(0.3));
}

#[test]
fn json_lines_have_steps_and_grouped_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    with_terms().to_jsonl(&path).unwrap();
    let text = read(&path);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    let expected = json!({
        "_step": 2, "_runtime": 4.0,
        "loss/train": 0.1, "loss/validation": 0.125,
        "KL, \"β\"/train": 0.2, "KL, \"β\"/validation": 0.03125,
        "learning_rate": 0.002, "time/epoch_seconds": 2.0, "time/images_per_second": 1500.0,
    });
    assert_eq!(lines[1], expected);
}

/// Data of the records of an event file, after a check of the lengths.
fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        all.push(bytes[12..12 + length].to_vec());
        bytes = &bytes[12 + length + 4..];
    }
    all
}

/// Fields of a message: number and bytes; a number's bytes are little-endian.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let length = match tag & 7 {
            0 => {
                let value = varint(&mut bytes);
                all.push((tag >> 3, value.to_le_bytes().to_vec()));
                continue;
            }
            1 => 8,
            5 => 4,
            2 => varint(&mut bytes) as usize,
            other => panic!("wire type {other}"),
        };
        all.push((tag >> 3, bytes[..length].to_vec()));
        bytes = &bytes[length..];
    }
    all
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

fn field(bytes: &[u8], number: u64) -> Vec<u8> {
    let all = fields(bytes);
    all.into_iter().find(|(n, _)| *n == number).unwrap().1
}

#[test]
fn an_event_file_has_scalars_by_epoch_and_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("runs/baseline");
    with_terms().to_tensorboard(&run).unwrap();
    with_terms().to_tensorboard(&run).unwrap();
    let files: Vec<_> = std::fs::read_dir(&run).unwrap().collect();
    assert_eq!(files.len(), 1, "a second export replaces the first");
    let path = files[0].as_ref().unwrap().path();
    assert!(path.to_str().unwrap().contains("tfevents"));

    let records = records(&std::fs::read(&path).unwrap());
    assert_eq!(records.len(), 4);
    assert_eq!(field(&records[0], 3), b"brain.Event:2");
    let settings = field(&field(&records[1], 5), 1);
    assert_eq!(field(&settings, 1), b"settings");
    let text = String::from_utf8(field(&field(&settings, 8), 8)).unwrap();
    assert!(text.contains("| learning_rate | 0.002 |"), "{text}");

    let last = &records[3];
    assert_eq!(field(last, 2), 2u64.to_le_bytes());
    let values: Vec<(String, f32)> = fields(&field(last, 5))
        .into_iter()
        .map(|(_, value)| {
            let tag = String::from_utf8(field(&value, 1)).unwrap();
            (
                tag,
                f32::from_le_bytes(field(&value, 2).try_into().unwrap()),
            )
        })
        .collect();
    let expected = [
        ("loss/train", 0.1),
        ("loss/validation", 0.125),
        ("KL, \"β\"/train", 0.2),
        ("KL, \"β\"/validation", 0.03125),
        ("learning_rate", 0.002),
        ("time/epoch_seconds", 2.0),
        ("time/images_per_second", 1500.0),
    ];
    assert_eq!(values, expected.map(|(tag, value)| (tag.to_owned(), value)));
    let time = |record| f64::from_le_bytes(field(record, 1).try_into().unwrap());
    assert_eq!(time(last) - time(&records[2]), 2.0);
}

type Export = fn(&History, &Path) -> Result<(), Error>;

#[test]
fn a_failed_export_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/history.csv");
    let history = history(vec![epoch(0.5, None)]);
    let exports: [Export; 3] = [
        |history, path| history.to_csv(path),
        |history, path| history.to_json(path),
        |history, path| history.to_jsonl(path),
    ];
    for export in exports {
        let error = export(&history, &path).unwrap_err().to_string();
        assert!(
            error.contains("expected a folder for history.csv"),
            "{error}"
        );
    }
    std::fs::write(folder.path().join("file"), "").unwrap();
    assert!(history.to_tensorboard(folder.path().join("file")).is_err());
}

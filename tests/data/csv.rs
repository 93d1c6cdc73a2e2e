//! Vectors from CSV files.

use crate::support::error;
use candlebook::data::{CsvSettings, csv_vectors};
use candlebook::prelude::*;
use std::path::{Path, PathBuf};

fn put(dir: &Path, name: &str, text: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Reads a file that is also its own test set, so that the order stays.
fn read(text: &[u8], settings: CsvSettings) -> Result<Dataset, Error> {
    let dir = tempfile::tempdir().unwrap();
    let path = put(dir.path(), "x.csv", text);
    let test = Some(path.to_str().unwrap().to_owned());
    csv_vectors(&path, &CsvSettings { test, ..settings })
}

fn values(data: &Dataset) -> Vec<f32> {
    let all = data.train.first(usize::MAX).unwrap();
    all.flatten_all().unwrap().to_vec1().unwrap()
}

fn refusal(text: &[u8], settings: CsvSettings) -> String {
    let error = error(read(text, settings));
    error.split_once("x.csv: ").unwrap().1.to_owned()
}

#[test]
fn numbers_with_and_without_a_header_are_read() {
    let plain = b"1,-2.5,1e3\n4, 5 ,\"6\"\n";
    let expected = [1.0, -2.5, 1000.0, 4.0, 5.0, 6.0];
    let data = read(plain, CsvSettings::default()).unwrap();
    assert_eq!(
        (data.image_shape(), values(&data)),
        ((1, 1, 3), expected.into())
    );
    let named = [b"\xef\xbb\xbfa,b,\"c, d\"\r\n", &plain[..], b"\n"].concat();
    let data = read(&named, CsvSettings::default()).unwrap();
    assert_eq!(values(&data), expected);
    let years = b"2019;2020\n1;2\n3;4\n";
    let settings = CsvSettings {
        header: Some(true),
        delimiter: ';',
        ..Default::default()
    };
    assert_eq!(
        values(&read(years, settings).unwrap()),
        [1.0, 2.0, 3.0, 4.0]
    );
}

#[test]
fn a_column_of_labels_gives_classes_or_numbers() {
    let text = b"day,size,kind,weight\nMo,1,wren,2\nTu,3,owl,4\nWe,5,wren,6\n";
    let settings = CsvSettings {
        labels: Some("kind".into()),
        ignore: vec!["day".into()],
        ..Default::default()
    };
    let data = read(text, settings).unwrap();
    assert_eq!(values(&data), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(data.train.labels().unwrap(), [1, 0, 1]);
    assert_eq!(data.train.classes().unwrap(), ["owl", "wren"]);
    let settings = CsvSettings {
        labels: Some("1".into()),
        ..Default::default()
    };
    let data = read(b"7,0.5\n12,0.25\n", settings).unwrap();
    assert_eq!(data.train.labels().unwrap(), [7, 12]);
    assert!(data.train.classes().is_none());
}

#[test]
fn a_share_is_held_out_or_another_file_is_the_test_set() {
    let dir = tempfile::tempdir().unwrap();
    let lines: String = (0..20).map(|i| format!("{i},{}\n", i * i)).collect();
    let path = put(dir.path(), "x.csv", lines.as_bytes());
    let data = csv_vectors(&path, &CsvSettings::default()).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (18, 2));
    let (train, test) = ("a,kind\n1,x\n2,y\n", "a,kind\n3,z\n");
    let path = put(dir.path(), "train.csv", train.as_bytes());
    let test = put(dir.path(), "test.csv", test.as_bytes());
    let settings = |labels: Option<&str>, ignore: &[&str]| CsvSettings {
        labels: labels.map(str::to_owned),
        ignore: ignore.iter().map(|name| name.to_string()).collect(),
        test: Some(test.to_str().unwrap().to_owned()),
        ..Default::default()
    };
    let data = csv_vectors(&path, &settings(None, &["kind"])).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (2, 1));
    let other = error(csv_vectors(&path, &settings(Some("kind"), &[])));
    assert!(other.contains("test.csv: expected labels of the training vectors, got \"z\""));
    put(dir.path(), "test.csv", b"b\n3\n");
    assert!(error(csv_vectors(&path, &settings(None, &[]))).contains("train.csv: expected finite"));
    let path = put(dir.path(), "train.csv", b"a\n1\n2\n");
    assert!(
        error(csv_vectors(&path, &settings(None, &[])))
            .contains("test.csv: expected the columns of")
    );
}

#[test]
fn errors_name_line_and_column() {
    let with = |text: &str| refusal(text.as_bytes(), CsvSettings::default());
    assert!(
        with("a,b\n1,2\n3,nan\n").starts_with(
            "expected finite numbers, got \"nan\" in line 3, column 2 (b). Remove such lines"
        ),
        "{}",
        with("a,b\n1,2\n3,nan\n")
    );
    assert!(with("1,2\n3,\n").contains("got an empty field in line 2, column 2 (2)"));
    assert!(with("1,2\n\n3,1e39\n").contains("got \"1e39\" in line 3, column 2 (2)"));
    assert!(with("id,2019\n1,2\n").contains("got \"id\" in line 1, column 1 (1)"));
    assert!(
        with("1,2\n3,4,5\n")
            .contains("expected 2 fields in each line, as in the first one, got 3 in line 2")
    );
    assert!(with("").contains("expected lines of numbers, got none"));
    assert!(with("a,b\n").contains("expected lines of numbers, got only a header"));
    let settings = |labels: &str, delimiter| CsvSettings {
        labels: Some(labels.into()),
        delimiter,
        ..Default::default()
    };
    let missing = refusal(b"a,b\n1,2\n", settings("c", ','));
    assert!(
        missing.contains("expected a column \"c\", got a, b. Columns without"),
        "{missing}"
    );
    let only = refusal(b"a\n1\n", settings("a", ','));
    assert!(only.contains("expected at least one column of numbers, got a"));
    let unlabeled = refusal(b"a,b\n1,\n", settings("b", ','));
    assert!(unlabeled.contains("expected a label, got an empty field in line 2, column 2 (b)"));
    let quote = error(read(b"1\n", settings("1", '"')));
    assert!(
        quote.starts_with("CsvSettings::delimiter: expected an ASCII character"),
        "{quote}"
    );
    let dir = tempfile::tempdir().unwrap();
    assert!(error(csv_vectors(dir.path(), &CsvSettings::default())).contains("cannot read"));
}

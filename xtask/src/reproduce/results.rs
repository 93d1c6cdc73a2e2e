//! The results of all rows so far, in `target/bench/reproduce.json`.

use super::number::Number;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Results in a file.
pub(crate) struct Results {
    path: PathBuf,
    numbers: Vec<Number>,
}

impl Results {
    /// Reads the results of earlier runs, if there are any.
    ///
    /// # Errors
    /// If the file is not a list in JSON.
    pub(crate) fn read(path: &Path) -> Result<Results, String> {
        let mut numbers = Vec::new();
        if let Ok(text) = std::fs::read_to_string(path) {
            let values: Vec<Value> = serde_json::from_str(&text)
                .map_err(|error| format!("{}: {error}. Delete it", path.display()))?;
            numbers = values.into_iter().map(Number::from_json).collect();
        }
        Ok(Results {
            path: path.to_owned(),
            numbers,
        })
    }

    /// Replaces a row's numbers and writes the file, so that an interrupted run loses nothing.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn replace(&mut self, row: &str, numbers: Vec<Number>) -> Result<(), String> {
        self.numbers.retain(|number| number.text("row") != row);
        self.numbers.extend(numbers);
        let values = self.numbers.iter().map(Number::to_json).collect();
        let text = format!("{:#}\n", Value::Array(values));
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&self.path, text))
            .map_err(|error| format!("{}: {error}", self.path.display()))
    }

    /// The numbers of these rows, in their order.
    pub(crate) fn in_order(&self, rows: &[String]) -> Vec<&Number> {
        let of = |row: &'_ String| {
            let row = row.clone();
            let numbers = self.numbers.iter();
            numbers.filter(move |number| number.text("row") == row)
        };
        rows.iter().flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(row: &str, ours: f64) -> Number {
        let line = format!(r#"{{"row":"{row}","ours":{ours}}}"#);
        Number::parse(&line, "2026-01-31").unwrap()
    }

    #[test]
    fn a_row_replaces_its_earlier_result_and_keeps_the_others() {
        let folder = std::env::temp_dir().join(format!("reproduce-{}", std::process::id()));
        let path = folder.join("bench/reproduce.json");
        let mut results = Results::read(&path).unwrap();
        results.replace("deep", vec![number("deep", 1.0)]).unwrap();
        let dense = vec![number("dense", 2.0), number("dense", 3.0)];
        results.replace("dense", dense).unwrap();
        let mut results = Results::read(&path).unwrap();
        results.replace("deep", vec![number("deep", 4.0)]).unwrap();
        let results = Results::read(&path).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let rows = ["dense", "deep", "sparse"].map(str::to_owned);
        let ours = results.in_order(&rows).into_iter();
        let ours: Vec<f64> = ours.map(|number| number.value("ours")).collect();
        assert_eq!(ours, [2.0, 3.0, 4.0]);
    }
}

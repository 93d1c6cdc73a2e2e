//! The record of a run in the executed notebook's metadata: how it ended, and the numbers for the
//! table of a sweep.

use super::file::Notebook;
use super::parameter::Parameter;
use crate::home;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Field of the notebook's metadata.
const FIELD: &str = "candlebook";
/// MIME type of the numbers: those of the helper's `fit` and `result`.
const RESULT: &str = "application/vnd.candlebook.result+json";
/// Characters of an error; the notebook has all of it.
const MAX_ERROR: usize = 500;

/// A run, as the table of a sweep has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    /// Version of the program.
    pub(crate) version: String,
    /// Hash of the code before the parameters were set.
    pub(crate) source: String,
    pub(crate) parameters: Map<String, Value>,
    /// Error of the first cell that failed.
    pub(crate) error: Option<String>,
    /// Time of all cells.
    pub(crate) seconds: f64,
    /// Lowest loss of the last `fit`.
    pub(crate) best_loss: Value,
    /// Finished epochs of the last `fit`.
    pub(crate) epochs: Value,
    /// Values of `result`, by name.
    pub(crate) results: Map<String, Value>,
}

impl Record {
    /// The record of a run that begins now.
    pub(crate) fn begin(notebook: &Notebook, parameters: &[Parameter]) -> Record {
        let value = |parameter: &Parameter| {
            let value = Value::String(parameter.value.clone());
            (parameter.name.clone(), value)
        };
        Record {
            version: env!("CARGO_PKG_VERSION").into(),
            source: notebook.source_hash(),
            parameters: parameters.iter().map(value).collect(),
            ..Default::default()
        }
    }

    /// True if a run of the same code with the same parameters has finished.
    pub(crate) fn is_finished_as(&self, expected: &Record) -> bool {
        self.is_comparable(expected)
            && self.parameters == expected.parameters
            && self.error.is_none()
    }

    /// True if the runs have the same code and version.
    pub(crate) fn is_comparable(&self, other: &Record) -> bool {
        (&self.version, &self.source) == (&other.version, &other.source)
    }

    fn add(&mut self, content: &Value) {
        match (content["name"].as_str(), content.get("best_loss")) {
            (Some(name), _) => {
                let value = content["value"].clone();
                self.results.insert(name.to_owned(), value);
            }
            (None, Some(loss)) => {
                (self.best_loss, self.epochs) = (loss.clone(), content["epochs"].clone());
            }
            (None, None) => {}
        }
    }
}

impl Notebook {
    /// Hash of the code cells. Prose and outputs may change.
    fn source_hash(&self) -> String {
        let mut hash = Sha256::new();
        for cell in self.code_cells() {
            hash.update((cell.source.len() as u64).to_le_bytes());
            hash.update(cell.source);
        }
        home::hex(&hash.finalize()[..16])
    }

    /// The record of an executed notebook; `None` if the run has not ended.
    pub(crate) fn record(&self) -> Option<Record> {
        let record = self.json.get("metadata")?.get(FIELD)?;
        serde_json::from_value(record.clone()).ok()
    }

    /// Removes the record of an earlier run.
    pub(super) fn clear_record(&mut self) {
        if let Some(metadata) = self.json["metadata"].as_object_mut() {
            metadata.shift_remove(FIELD);
        }
    }

    /// Completes the record by the outputs, and stores it.
    pub(super) fn set_record(&mut self, mut record: Record, seconds: f64) {
        record.seconds = (seconds * 1000.0).round() / 1000.0;
        for cell in self.cells_mut() {
            let count = cell["execution_count"].clone();
            let outputs = cell.get("outputs").and_then(Value::as_array);
            for output in outputs.into_iter().flatten() {
                if let Some(content) = output.get("data").and_then(|data| data.get(RESULT)) {
                    record.add(content);
                }
                if output["output_type"] == "error" {
                    let value = output["evalue"].as_str().unwrap_or_default();
                    let text = format!("cell {count}: {value}");
                    record.error = Some(text.chars().take(MAX_ERROR).collect());
                }
            }
        }
        self.json["metadata"][FIELD] = serde_json::json!(record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn display(content: Value) -> Value {
        json!({ "output_type": "display_data", "data": { RESULT: content, "text/plain": "" } })
    }

    fn executed(last: Value) -> Notebook {
        let outputs = [
            display(json!({ "best_loss": 0.5, "epochs": 9 })),
            display(json!({ "name": "psnr", "value": 10 })),
            display(json!({ "name": "psnr", "value": 20.5 })),
            display(json!({ "best_loss": 0.25, "epochs": 3 })),
            display(json!("odd")),
        ];
        let code = |outputs, count| json!({ "cell_type": "code", "source": "a", "outputs": outputs, "execution_count": count });
        let cells = json!([
            { "cell_type": "markdown", "source": "prose" },
            code(json!(outputs), 1),
            code(json!([last]), 2),
        ]);
        Notebook::from_json(json!({ "cells": cells, "metadata": {} }))
    }

    #[test]
    fn the_last_fit_and_the_last_value_of_a_name_count() {
        let mut book = executed(display(json!({ "name": "kind", "value": "x" })));
        let begun = Record::begin(&book, &[Parameter::parse("hidden=32").unwrap()]);
        assert_eq!(book.record(), None);
        book.set_record(begun.clone(), 1.23456);
        let record = book.record().unwrap();
        assert_eq!(
            (&record.best_loss, &record.epochs),
            (&json!(0.25), &json!(3))
        );
        assert_eq!(json!(record.results), json!({ "psnr": 20.5, "kind": "x" }));
        assert_eq!((record.seconds, &record.error), (1.235, &None));
        assert!(record.is_finished_as(&begun));
        let other = Record::begin(&book, &[Parameter::parse("hidden=64").unwrap()]);
        assert!(!record.is_finished_as(&other) && record.is_comparable(&other));
        book.clear_record();
        assert_eq!(book.record(), None);
    }

    #[test]
    fn an_error_names_its_cell() {
        let error = json!({ "output_type": "error", "ename": "Panic", "evalue": "no memory" });
        let mut book = executed(error);
        let begun = Record::begin(&book, &[]);
        book.set_record(begun.clone(), 1.0);
        let record = book.record().unwrap();
        assert_eq!(record.error.as_deref(), Some("cell 2: no memory"));
        assert!(!record.is_finished_as(&begun));
    }

    #[test]
    fn code_changes_the_hash_and_prose_does_not() {
        let book = |prose: &str, code: &str| {
            let cells = json!([
                { "cell_type": "markdown", "source": prose },
                { "cell_type": "code", "source": [code] },
            ]);
            Notebook::from_json(json!({ "cells": cells })).source_hash()
        };
        assert_eq!(book("a", "x"), book("b", "x"));
        assert_ne!(book("a", "x"), book("a", "y"));
    }
}

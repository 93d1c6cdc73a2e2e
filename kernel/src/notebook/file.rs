//! Notebook files of nbformat 4: reading, parameters, writing.

use super::parameter::{Parameter, let_names, replace_let};
use crate::home;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A notebook. Unknown fields are preserved.
#[derive(Debug)]
pub(crate) struct Notebook {
    path: PathBuf,
    pub(super) json: Value,
}

impl Notebook {
    /// Reads a notebook file.
    ///
    /// # Errors
    /// If it cannot be read, or is not a notebook of format 4.
    pub(crate) fn read(path: &Path) -> Result<Notebook> {
        let text = std::fs::read_to_string(path).with_context(|| {
            format!(
                "{}: expected a notebook (.ipynb), but it cannot be read",
                path.display()
            )
        })?;
        let json: Value = serde_json::from_str(&text).with_context(|| {
            format!(
                "{}: expected a notebook's JSON; the file is damaged",
                path.display()
            )
        })?;
        if json["nbformat"].as_u64() != Some(4) || !json["cells"].is_array() {
            bail!(
                "{}: expected a notebook of format 4, got {}",
                path.display(),
                json["nbformat"]
            );
        }
        Ok(Notebook {
            path: path.to_owned(),
            json,
        })
    }

    /// Writes the notebook atomically in Jupyter's format: keys in order, one space per indent.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let mut text = Vec::new();
        let style = serde_json::ser::PrettyFormatter::with_indent(b" ");
        let mut writer = serde_json::Serializer::with_formatter(&mut text, style);
        serde::Serialize::serialize(&self.json, &mut writer)
            .context("cannot write the notebook as JSON")?;
        text.push(b'\n');
        if let Some(folder) = path.parent() {
            home::create_folder(folder)?;
        }
        home::write_atomically(path, &text)
    }

    /// The notebook as JSON without the outputs of an earlier run.
    pub(crate) fn without_outputs(mut self) -> String {
        self.clear_outputs();
        self.clear_record();
        self.json.to_string()
    }

    /// The code cells in order.
    pub(super) fn code_cells(&self) -> Vec<CodeCell> {
        let cells = self.json["cells"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let code = cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| cell["cell_type"] == "code");
        code.map(|(index, cell)| CodeCell {
            index,
            source: joined(&cell["source"]),
        })
        .collect()
    }

    /// Sets a parameter: the value in `let NAME = ...;` of the cell tagged "parameters".
    ///
    /// # Errors
    /// If no cell has the tag, or the cell has no such variable.
    pub(crate) fn set_parameter(&mut self, parameter: &Parameter) -> Result<()> {
        let Parameter { name, value } = parameter;
        let path = self.path.display().to_string();
        let cells = self.cells_mut();
        let tagged = |cell: &&mut Value| {
            cell["metadata"]["tags"]
                .as_array()
                .is_some_and(|tags| tags.iter().any(|tag| tag == "parameters"))
        };
        let Some(cell) = cells.iter_mut().find(tagged) else {
            bail!(
                "{path}: -p {name}: expected a cell tagged \"parameters\", got none. \
                 Tag one in the notebook"
            );
        };
        let source = joined(&cell["source"]);
        let Some(replaced) = replace_let(&source, name, value) else {
            let known = let_names(&source).join(", ");
            bail!(
                "{path}: -p {name}: expected one of the notebook's parameters ({known}), \
                 got {name}"
            );
        };
        cell["source"] = Value::String(replaced);
        Ok(())
    }

    pub(super) fn cells_mut(&mut self) -> &mut [Value] {
        self.json["cells"]
            .as_array_mut()
            .map(Vec::as_mut_slice)
            .unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn from_json(json: Value) -> Notebook {
        Notebook {
            path: "test.ipynb".into(),
            json,
        }
    }
}

/// A code cell.
#[derive(Debug, PartialEq)]
pub(super) struct CodeCell {
    /// Position among all cells.
    pub(super) index: usize,
    pub(super) source: String,
}

/// The text of a field that is a string or a list of lines.
fn joined(field: &Value) -> String {
    match field {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(book: &mut Notebook, name: &str, value: &str) -> Result<()> {
        book.set_parameter(&Parameter {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }

    #[test]
    fn a_parameter_replaces_its_value_and_nothing_else() {
        let source = "// let hidden = 0;\nlet hidden = 128; let mut rate: f64 = 1e-3;\nlet name = \"a;b\"; let sizes = [0; 3];";
        let cells = json!([{ "cell_type": "code", "metadata": { "tags": ["parameters"] }, "source": [source] }]);
        let mut book = Notebook::from_json(json!({ "nbformat": 4, "cells": cells }));
        set(&mut book, "rate", "0.5").unwrap();
        set(&mut book, "hidden", "7").unwrap();
        set(&mut book, "sizes", "[1, 2]").unwrap();
        set(&mut book, "name", "\"c\"").unwrap();
        let expected = "// let hidden = 0;\nlet hidden = 7; let mut rate: f64 = 0.5;\nlet name = \"c\"; let sizes = [1, 2];";
        let cell = CodeCell {
            index: 0,
            source: expected.to_owned(),
        };
        assert_eq!(book.code_cells(), [cell]);
        let error = set(&mut book, "hiden", "7").unwrap_err().to_string();
        assert_eq!(
            error,
            "test.ipynb: -p hiden: expected one of the notebook's parameters (hidden, rate, name, sizes), got hiden"
        );
    }

    #[test]
    fn without_a_parameters_cell_the_error_says_so() {
        let mut book = Notebook::from_json(json!({ "nbformat": 4, "cells": [] }));
        let error = set(&mut book, "hidden", "7").unwrap_err().to_string();
        assert!(
            error.contains("expected a cell tagged \"parameters\", got none"),
            "{error}"
        );
    }
}

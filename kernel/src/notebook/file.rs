//! Notebook files (nbformat 4): read, parameters set, outputs kept, written.

use crate::engine::CellError;
use crate::engine::{Display, Event, Op};
use crate::home;
use anyhow::{Context, Result, bail};
use ra_ap_syntax::ast::{self, HasName};
use ra_ap_syntax::{AstNode, Edition, SourceFile};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// A notebook. What we do not know of it is kept as it is.
#[derive(Debug)]
pub(crate) struct Notebook {
    path: PathBuf,
    json: Value,
}

impl Notebook {
    /// Reads a notebook file.
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

    /// Writes the notebook, whole or not at all, as Jupyter does: keys in order, one space of indentation.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let mut text = Vec::new();
        let style = serde_json::ser::PrettyFormatter::with_indent(b" ");
        let mut writer = serde_json::Serializer::with_formatter(&mut text, style);
        serde::Serialize::serialize(&self.json, &mut writer)
            .context("cannot write the notebook as JSON")?;
        text.push(b'\n');
        home::write_atomically(path, &text)
    }

    /// Every code cell in order: its position among all cells, and its source.
    pub(crate) fn code_cells(&self) -> Vec<(usize, String)> {
        let cells = self.json["cells"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let code = cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| cell["cell_type"] == "code");
        code.map(|(i, cell)| (i, joined(&cell["source"]))).collect()
    }

    /// Sets a parameter: the value in `let NAME = ...;` of the cell tagged `parameters`.
    pub(crate) fn set_parameter(&mut self, name: &str, value: &str) -> Result<()> {
        let path = self.path.display().to_string();
        let cells = self.json["cells"]
            .as_array_mut()
            .map(Vec::as_mut_slice)
            .unwrap_or_default();
        let tagged = |cell: &&mut Value| {
            cell["metadata"]["tags"]
                .as_array()
                .is_some_and(|tags| tags.iter().any(|tag| tag == "parameters"))
        };
        let Some(cell) = cells.iter_mut().find(tagged) else {
            bail!(
                "{path}: -p {name}: expected a cell tagged \"parameters\", got none. Tag one in the notebook"
            );
        };
        let source = joined(&cell["source"]);
        let Some(changed) = replace_let(&source, name, value) else {
            let known = let_names(&source).join(", ");
            bail!(
                "{path}: -p {name}: expected one of the notebook's parameters ({known}), got {name}"
            );
        };
        cell["source"] = Value::String(changed);
        Ok(())
    }

    /// Takes out what an earlier run left.
    pub(crate) fn clear_outputs(&mut self) {
        let cells = self.json["cells"]
            .as_array_mut()
            .map(Vec::as_mut_slice)
            .unwrap_or_default();
        for cell in cells.iter_mut().filter(|cell| cell["cell_type"] == "code") {
            cell["outputs"] = json!([]);
            cell["execution_count"] = Value::Null;
        }
    }

    /// Empties a code cell's outputs and gives it its number.
    pub(crate) fn begin_cell(&mut self, i: usize, count: u32) {
        let cell = &mut self.json["cells"][i];
        cell["execution_count"] = json!(count);
        cell["outputs"] = json!([]);
    }

    /// Keeps an event among a cell's outputs, as JupyterLab would.
    pub(crate) fn add_event(&mut self, i: usize, event: &Event) {
        match event {
            Event::Stdout(text) => self.add_stream(i, "stdout", text),
            Event::Stderr(text) => self.add_stream(i, "stderr", text),
            Event::Display(display) => match display.op {
                Op::Display => self.add_display(i, display),
                Op::Update => self.update_display(display),
                Op::Clear => self.json["cells"][i]["outputs"] = json!([]),
            },
        }
    }

    /// Keeps the last expression's value.
    pub(crate) fn add_result(&mut self, i: usize, count: u32, data: &Map<String, Value>) {
        self.push(
            i,
            json!({ "output_type": "execute_result", "execution_count": count, "data": data, "metadata": {} }),
        );
    }

    /// Keeps an error.
    pub(crate) fn add_error(&mut self, i: usize, error: &CellError) {
        self.push(
            i,
            json!({ "output_type": "error", "ename": error.name, "evalue": error.value, "traceback": error.traceback }),
        );
    }

    fn push(&mut self, i: usize, output: Value) {
        if let Some(outputs) = self.json["cells"][i]["outputs"].as_array_mut() {
            outputs.push(output);
        }
    }

    fn add_stream(&mut self, i: usize, name: &str, text: &str) {
        let last = self.json["cells"][i]["outputs"]
            .as_array_mut()
            .and_then(|outputs| outputs.last_mut());
        if let Some(last) =
            last.filter(|last| last["output_type"] == "stream" && last["name"] == name)
        {
            let longer = joined(&last["text"]) + text;
            last["text"] = Value::String(longer);
        } else {
            self.push(
                i,
                json!({ "output_type": "stream", "name": name, "text": text }),
            );
        }
    }

    fn add_display(&mut self, i: usize, display: &Display) {
        let mut output = json!({ "output_type": "display_data", "data": display.data, "metadata": display.metadata });
        // Needed to find it again for updates; taken out by `finish`, since it means nothing in a file.
        output["transient"] = Value::Object(display.transient.clone());
        self.push(i, output);
    }

    fn update_display(&mut self, display: &Display) {
        for output in self.outputs() {
            if output["transient"].as_object() == Some(&display.transient) {
                output["data"] = Value::Object(display.data.clone());
                output["metadata"] = Value::Object(display.metadata.clone());
            }
        }
    }

    /// The outputs of all cells. (Indexing a cell that has none would put a null there.)
    fn outputs(&mut self) -> impl Iterator<Item = &mut Value> {
        let cells = self.json["cells"]
            .as_array_mut()
            .map(Vec::as_mut_slice)
            .unwrap_or_default();
        cells
            .iter_mut()
            .filter_map(|cell| cell.get_mut("outputs")?.as_array_mut())
            .flatten()
    }

    /// Takes out what only a running notebook needs.
    pub(crate) fn finish(&mut self) {
        for output in self.outputs() {
            if let Some(output) = output.as_object_mut() {
                output.remove("transient");
            }
        }
    }
}

/// Text of a field that is a string or a list of lines.
fn joined(field: &Value) -> String {
    match field {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

/// Where each `let NAME ... = VALUE;` has its name and its value.
fn lets(source: &str) -> Vec<(String, std::ops::Range<usize>)> {
    const HEAD: &str = "fn cell() {\n";
    let parsed = SourceFile::parse(&format!("{HEAD}{source}\n}}"), Edition::Edition2024);
    let statements = parsed
        .syntax_node()
        .descendants()
        .filter_map(ast::LetStmt::cast);
    statements
        .filter_map(|statement| {
            let Some(ast::Pat::IdentPat(name)) = statement.pat() else {
                return None;
            };
            let value = statement.initializer()?.syntax().text_range();
            let at = |offset: ra_ap_syntax::TextSize| usize::from(offset) - HEAD.len();
            Some((
                name.name()?.text().to_string(),
                at(value.start())..at(value.end()),
            ))
        })
        .collect()
}

fn let_names(source: &str) -> Vec<String> {
    lets(source).into_iter().map(|(name, _)| name).collect()
}

fn replace_let(source: &str, name: &str, value: &str) -> Option<String> {
    let (_, range) = lets(source).into_iter().find(|(found, _)| *found == name)?;
    Some(format!(
        "{}{}{}",
        &source[..range.start],
        value,
        &source[range.end..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notebook(json: Value) -> Notebook {
        Notebook {
            path: "test.ipynb".into(),
            json,
        }
    }

    fn display(op: Op, id: &str, text: &str) -> Event {
        let data = json!({ "text/plain": text })
            .as_object()
            .cloned()
            .unwrap_or_default();
        let transient = json!({ "display_id": id })
            .as_object()
            .cloned()
            .unwrap_or_default();
        Event::Display(Display {
            op,
            data,
            metadata: Map::new(),
            transient,
        })
    }

    #[test]
    fn a_parameter_replaces_its_value_and_nothing_else() {
        let source = "// let hidden = 0;\nlet hidden = 128; let mut rate: f64 = 1e-3;\nlet name = \"a;b\"; let sizes = [0; 3];";
        let cells = json!([{ "cell_type": "code", "metadata": { "tags": ["parameters"] }, "source": [source] }]);
        let mut book = notebook(json!({ "nbformat": 4, "cells": cells }));
        book.set_parameter("rate", "0.5").unwrap();
        book.set_parameter("hidden", "7").unwrap();
        book.set_parameter("sizes", "[1, 2]").unwrap();
        book.set_parameter("name", "\"c\"").unwrap();
        let expected = "// let hidden = 0;\nlet hidden = 7; let mut rate: f64 = 0.5;\nlet name = \"c\"; let sizes = [1, 2];";
        assert_eq!(book.code_cells(), vec![(0, expected.to_owned())]);
        let error = book.set_parameter("hiden", "7").unwrap_err().to_string();
        assert_eq!(
            error,
            "test.ipynb: -p hiden: expected one of the notebook's parameters (hidden, rate, name, sizes), got hiden"
        );
    }

    #[test]
    fn without_a_parameters_cell_the_error_says_so() {
        let mut book = notebook(json!({ "nbformat": 4, "cells": [] }));
        let error = book.set_parameter("hidden", "7").unwrap_err().to_string();
        assert!(
            error.contains("expected a cell tagged \"parameters\", got none"),
            "{error}"
        );
    }

    #[test]
    fn streams_join_and_displays_are_replaced_in_place() {
        let cell = json!({ "cell_type": "code", "metadata": {}, "source": "", "outputs": [] });
        let prose = json!({ "cell_type": "markdown", "metadata": {}, "source": "text" });
        let mut book =
            notebook(json!({ "nbformat": 4, "cells": [cell.clone(), cell, prose.clone()] }));
        book.begin_cell(0, 1);
        book.add_event(0, &Event::Stdout("a".into()));
        book.add_event(0, &Event::Stdout("b\n".into()));
        book.add_event(0, &display(Op::Display, "x", "first"));
        book.add_event(0, &Event::Stderr("c".into()));
        book.begin_cell(1, 2);
        book.add_event(1, &display(Op::Update, "x", "second"));
        book.finish();
        assert_eq!(
            book.json["cells"][0]["outputs"],
            json!([
                { "output_type": "stream", "name": "stdout", "text": "ab\n" },
                { "output_type": "display_data", "data": { "text/plain": "second" }, "metadata": {} },
                { "output_type": "stream", "name": "stderr", "text": "c" },
            ])
        );
        assert_eq!(book.json["cells"][1]["outputs"], json!([]));
        assert_eq!(book.json["cells"][2], prose);
    }
}

//! Outputs of cells: collected from the engine's events as JupyterLab would save them.

use super::file::Notebook;
use crate::engine::CellError;
use crate::engine::{Display, Event, Op};
use serde_json::{Map, Value, json};

impl Notebook {
    /// Removes the outputs of an earlier run.
    pub(super) fn clear_outputs(&mut self) {
        for cell in self
            .cells_mut()
            .iter_mut()
            .filter(|cell| cell["cell_type"] == "code")
        {
            cell["outputs"] = json!([]);
            cell["execution_count"] = Value::Null;
        }
    }

    /// Clears a code cell's outputs and sets its execution count.
    pub(super) fn begin_cell(&mut self, i: usize, count: u32) {
        let cell = &mut self.json["cells"][i];
        cell["execution_count"] = json!(count);
        cell["outputs"] = json!([]);
    }

    /// Adds an event to a cell's outputs.
    pub(super) fn add_event(&mut self, i: usize, event: &Event) {
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

    /// Adds the value of the last expression.
    pub(super) fn add_result(&mut self, i: usize, count: u32, data: &Map<String, Value>) {
        self.push(
            i,
            json!({
                "output_type": "execute_result",
                "execution_count": count,
                "data": data,
                "metadata": {},
            }),
        );
    }

    /// Adds an error.
    pub(super) fn add_error(&mut self, i: usize, error: &CellError) {
        self.push(
            i,
            json!({
                "output_type": "error",
                "ename": error.name,
                "evalue": error.value,
                "traceback": error.traceback,
            }),
        );
    }

    fn push(&mut self, i: usize, output: Value) {
        if let Some(outputs) = self.json["cells"][i]["outputs"].as_array_mut() {
            outputs.push(output);
        }
    }

    /// Adds text to the last output if that is the same stream. In place: a cell may print much.
    fn add_stream(&mut self, i: usize, name: &str, text: &str) {
        let last = self.json["cells"][i]["outputs"]
            .as_array_mut()
            .and_then(|outputs| outputs.last_mut())
            .filter(|last| last["output_type"] == "stream" && last["name"] == name);
        match last.map(|last| &mut last["text"]) {
            Some(Value::String(earlier)) => earlier.push_str(text),
            _ => self.push(
                i,
                json!({ "output_type": "stream", "name": name, "text": text }),
            ),
        }
    }

    fn add_display(&mut self, i: usize, display: &Display) {
        let mut output = json!({
            "output_type": "display_data",
            "data": display.data,
            "metadata": display.metadata,
        });
        // Identifies the display for updates; `finish` removes it before the file is written.
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

    /// The outputs of all cells.
    // Uses `get_mut`, because indexing a cell without outputs would insert a null.
    fn outputs(&mut self) -> impl Iterator<Item = &mut Value> {
        self.cells_mut()
            .iter_mut()
            .filter_map(|cell| cell.get_mut("outputs")?.as_array_mut())
            .flatten()
    }

    /// Removes the fields that only a running notebook needs.
    pub(super) fn finish(&mut self) {
        for output in self.outputs() {
            if let Some(output) = output.as_object_mut() {
                output.remove("transient");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn streams_are_joined_and_displays_are_replaced_in_place() {
        let cell = json!({ "cell_type": "code", "metadata": {}, "source": "", "outputs": [] });
        let prose = json!({ "cell_type": "markdown", "metadata": {}, "source": "text" });
        let mut book = Notebook::from_json(
            json!({ "nbformat": 4, "cells": [cell.clone(), cell, prose.clone()] }),
        );
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

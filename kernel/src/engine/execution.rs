//! The execution of a cell.

use super::code::question;
use super::evaluator::{Cell, Engine};
use super::failure::Failure;
use super::input::{Answers, Ask};
use super::items::Items;
use super::kept::Kept;
use super::lookup::Description;
use super::magic::{Step, run_top};
use super::memory::Memory;
use super::outcome::{CellError, Outcome};
use super::place::{CellText, CompiledSource};
use super::prepared::{PreparedCell, Surroundings, prepare};
use super::report::listed;
use crate::build::message_lines;
use crate::timings;
use evcxr::{EvalCallbacks, EvalOutputs};
use serde_json::{Map, Value};
use std::sync::atomic::Ordering;

/// Most times that a cell is compiled without the items that it breaks.
const MAX_REMOVALS: usize = 8;

pub(super) type Evaluation = Result<EvalOutputs, evcxr::Error>;

impl Engine {
    /// Runs a cell to completion. `ask` answers its questions.
    pub(crate) fn execute(&mut self, cell: Cell, ask: &Ask<'_>) -> Outcome {
        timings::begin("prepare the cell");
        self.count = cell.number;
        if let Some(name) = question(cell.code) {
            let described = self.inspect(name, name.len());
            return Outcome::Ok(described.map(Description::content).unwrap_or_default());
        }
        let without_dependencies = match self.dependencies.add(cell.code, &mut self.context) {
            Ok(Some(rest)) if rest.trim().is_empty() => return Outcome::Ok(Map::new()),
            Ok(rest) => rest,
            Err(error) => return Outcome::Error(error),
        };
        let code = without_dependencies.as_deref().unwrap_or(cell.code);
        let code = match run_top(code, &|name| self.is_known(name), &self.output) {
            Step::Done(outcome) => return outcome,
            Step::Code(code) => code,
            Step::Clear(code) => match self.clear() {
                Ok(()) => code,
                Err(error) => {
                    return Outcome::Error(CellError::new("EngineError", format!("{error:#}")));
                }
            },
        };
        let code = code.as_str();
        self.execute_code(Cell { code, ..cell }, ask)
    }

    /// Runs a cell without shell lines.
    fn execute_code(&mut self, cell: Cell, ask: &Ask<'_>) -> Outcome {
        let code = cell.code;
        if let Some(level) = self.optimization.change_for(code) {
            // As a build variable: the engine's own setting would restart rust-analyzer.
            let _ = self
                .context
                .execute(&format!(":build_env CARGO_PROFILE_DEV_OPT_LEVEL={level}"));
        }
        self.control.take_failure();
        self.control.take_not_shown();
        self.control.take_ran();
        let answers = Answers::new(ask);
        let before = self.variable_names();
        let mut removals = Removals::default();
        let (result, prepared) = loop {
            let prepared = match self.prepared(cell, &removals) {
                Ok(prepared) => prepared,
                Err(message) => return Outcome::Error(CellError::new("TooComplex", message)),
            };
            let result = self.evaluate_with_types(&prepared, &answers);
            self.memory.forget_lost();
            if !self.remove_broken(&result, &prepared, &mut removals) {
                break (result, prepared);
            }
        };
        let outcome = self.outcome(result, prepared, &removals);
        let ran = !matches!(&outcome, Outcome::Error(error) if error.name == "CompileError");
        self.memory.note_gone(ran, before, &self.variable_names());
        outcome
    }

    fn prepared(&mut self, cell: Cell, removals: &Removals) -> Result<PreparedCell, String> {
        let known = self.variable_names();
        let memory = &self.memory;
        let prepared = prepare(
            cell.code,
            &Surroundings {
                number: cell.number,
                cell_id: cell.id,
                items: removals.items.as_ref().unwrap_or(&memory.items),
                removals: &removals.lines,
                is_moved: &|name| {
                    memory.moved_by(name).is_some() && !known.iter().any(|known| known == name)
                },
            },
        )?;
        let source = CellText {
            cell: cell.number,
            code: cell.code.to_owned(),
            prepared: prepared.code.clone(),
            inserted_lines: prepared.inserted_lines,
        };
        self.memory.remember(source, known);
        Ok(prepared)
    }

    pub(super) fn evaluate(&mut self, code: &str, answers: &Answers<'_>) -> Evaluation {
        let mut callbacks = EvalCallbacks {
            input_reader: &|request| answers.answer(&request.prompt, request.is_password),
        };
        self.context.execute_with_callbacks(code, &mut callbacks)
    }

    fn outcome(&mut self, result: Evaluation, cell: PreparedCell, removals: &Removals) -> Outcome {
        let failure = self.control.take_failure();
        let ran = self.control.take_ran();
        match result {
            Err(error) => {
                if matches!(error, evcxr::Error::SubprocessTerminated(_)) {
                    self.statics_are_gone();
                }
                let mut error = self.explain(error);
                error.traceback.extend(removals.notes.iter().cloned());
                Outcome::Error(error)
            }
            Ok(outputs) => {
                self.memory.items = cell.items;
                if ran {
                    self.statics_are_loaded();
                }
                self.warnings.extend(
                    removals
                        .notes
                        .iter()
                        .map(|note| format!("{note}. It is set aside until its cell runs again.")),
                );
                self.memory.set_aside(self.count, &removals.titles);
                match (failure, self.control.take_not_shown()) {
                    (Some(failure), _) => Outcome::Error(self.runtime_error(&failure)),
                    (None, Some(reason)) => Outcome::Error(CellError::new("Error", reason)),
                    (None, None) => Outcome::Ok(content(outputs)),
                }
            }
        }
    }

    /// If all errors are in items of earlier cells, removes those items for this cell; true if the cell
    /// is worth another attempt.
    fn remove_broken(
        &self,
        result: &Evaluation,
        cell: &PreparedCell,
        removals: &mut Removals,
    ) -> bool {
        let Err(evcxr::Error::CompilationErrors(errors)) = result else {
            return false;
        };
        if removals.titles.len() >= MAX_REMOVALS {
            return false;
        }
        let Some(compiled) = self.compiled() else {
            return false;
        };
        let mut broken = Vec::new();
        for error in errors {
            let item = message_lines(&error.json)
                .first()
                .and_then(|line| compiled.item_at(*line));
            let Some(item) = item else { return false };
            let cell_of = cell
                .items
                .cell_of(&item.name)
                .or_else(|| cell.items.cell_of_impl(&item.name));
            match cell_of {
                Some(number) if number != self.count => {
                    broken.push((number, item, error.message()))
                }
                _ => return false,
            }
        }
        for (number, item, message) in broken {
            removals.add(
                &self.memory.items,
                &item.name,
                &item.title,
                number,
                &message,
            );
        }
        !errors.is_empty()
    }

    /// The error of a cell that compiled and then failed.
    fn runtime_error(&mut self, failure: &Failure) -> CellError {
        let mut error = if failure.panic {
            CellError::new("Panic", failure.message.as_str())
        } else {
            CellError::new("Error", failure.message.trim().to_owned())
        };
        let place = failure
            .line
            .and_then(|line| self.memory.place(&self.compiled()?, line));
        self.recover(&failure.kept);
        self.memory.note_lost(failure.kept.lost());
        error
            .traceback
            .extend(place.map(|place| format!("  at {place}")));
        error
            .traceback
            .extend(failure.functions.iter().map(|name| self.called(name)));
        error.traceback.extend(failure.kept.note());
        error
    }

    /// A line about a function that was running.
    fn called(&self, name: &str) -> String {
        let item = name.split("::").next().unwrap_or(name);
        match self.memory.items.cell_of(item.trim_start_matches('<')) {
            Some(cell) => format!("  in `{name}` of cell {cell}"),
            None => format!("  in `{name}`"),
        }
    }

    /// Makes the engine know variables again that a failing cell has kept.
    fn recover(&mut self, kept: &Kept) {
        if let Some(recovery) = kept.recovery_cell() {
            let recovering = self.control.recovering();
            recovering.store(true, Ordering::SeqCst);
            // If it fails, its variables are lost; the cell's own failure matters more.
            let _ = self.context.execute(&recovery);
            recovering.store(false, Ordering::SeqCst);
        }
    }

    /// The source of the last compiled cell, as the engine wrote it.
    fn compiled(&self) -> Option<CompiledSource> {
        let text = std::fs::read_to_string(&self.source_file).ok()?;
        Some(CompiledSource::new(text))
    }

    fn variable_names(&self) -> Vec<String> {
        let variables = self.context.variables_and_types();
        variables
            .map(|(name, _)| name.to_owned())
            .filter(|name| !self.memory.is_lost(name))
            .collect()
    }

    /// Forgets all cells: the process and its variables are new.
    pub(super) fn forget_cells(&mut self) {
        self.memory = Memory::default();
        self.statics_are_gone();
    }

    /// Lets the compiler refer to the statics that the process has loaded.
    fn statics_are_loaded(&self) {
        // Without the file, each cell has statics of its own.
        let _ = std::fs::write(&self.statics_file, self.memory.items.static_symbols());
    }

    fn statics_are_gone(&self) {
        let _ = std::fs::remove_file(&self.statics_file);
    }

    /// Takes what the user should know of cells that have succeeded.
    pub(crate) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}

/// Items of earlier cells that do not compile with a new cell.
#[derive(Default)]
struct Removals {
    /// Items without them.
    items: Option<Items>,
    /// Lines that make the engine forget them.
    lines: Vec<String>,
    titles: Vec<String>,
    /// The compiler's message about each.
    notes: Vec<String>,
}

impl Removals {
    fn add(&mut self, items: &Items, name: &str, title: &str, cell: u32, message: &str) {
        if self.titles.iter().any(|known| known == title) {
            return;
        }
        let items = self.items.get_or_insert_with(|| items.clone());
        self.lines.push(items.set_aside(name));
        self.titles.push(title.to_owned());
        let title = listed(&[title]);
        self.notes.push(format!(
            "{title} of cell {cell} does not fit any more: {message}"
        ));
    }
}

/// Content by MIME type, with JSON parsed. A trailing loop or `if` has the value `()`, which is not
/// displayed.
fn content(outputs: EvalOutputs) -> Map<String, Value> {
    let parse = |mime: &str, text: &str| {
        let is_json = mime.contains("json");
        is_json.then(|| serde_json::from_str(text).ok()).flatten()
    };
    outputs
        .content_by_mime_type
        .into_iter()
        .filter(|(_, text)| text != "()")
        .map(|(mime, text)| {
            let parsed = parse(&mime, &text);
            (mime, parsed.unwrap_or(Value::String(text)))
        })
        .collect()
}

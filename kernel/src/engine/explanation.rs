//! Errors of the compiler and the engine, explained in terms of the notebook.

use super::evaluator::Engine;
use super::hidden::hidden_layer_hint;
use super::outcome::CellError;
use super::place::CellText;
use super::report::{
    INTEGER_HINT, engine_message, exit_message, full_disk, merge_colors, plain_message, renumber,
};
use evcxr::{CompilationError, Theme};

impl Engine {
    /// Explains why a cell did not run to its end.
    pub(super) fn explain(&mut self, error: evcxr::Error) -> CellError {
        match error {
            evcxr::Error::CompilationErrors(mut errors) => {
                if errors.iter().any(is_error) {
                    // Warnings, for instance about an unused macro, only distract.
                    errors.retain(is_error);
                }
                self.compile_error(&errors)
            }
            evcxr::Error::SubprocessTerminated(reason) => {
                self.memory.forget_variables();
                CellError::new("Died", exit_message(&reason))
            }
            error => CellError::new("Error", engine_message(&error.to_string())),
        }
    }

    fn compile_error(&self, errors: &[CompilationError]) -> CellError {
        let messages: Vec<String> = errors
            .iter()
            .map(|error| plain_message(&error.message()))
            .collect();
        if let Some(message) = messages.iter().find_map(|message| full_disk(message)) {
            return CellError::new("Error", message);
        }
        let report = |error| match self.memory.current() {
            Some(source) => plain_message(&report(error, source)),
            None => error.rendered(),
        };
        let mut traceback: Vec<String> = errors.iter().map(report).collect();
        let mut hints: Vec<String> = errors.iter().filter_map(|error| self.hint(error)).collect();
        hints.dedup();
        traceback.extend(hints);
        if traceback.iter().any(|text| text.contains("found `i32`")) {
            traceback.push(INTEGER_HINT.to_owned());
        }
        CellError {
            name: "CompileError".into(),
            value: messages.join("\n"),
            traceback,
        }
    }

    /// A hint that the compiler cannot give.
    fn hint(&self, error: &CompilationError) -> Option<String> {
        let message = error.message();
        match error.code() {
            Some("E0308") => hidden_layer_hint(error),
            Some("E0063") => self.default_hint(message.rsplit('`').nth(1)?),
            _ if message.starts_with("cannot find") => self.name_hint(message.split('`').nth(1)?),
            _ => None,
        }
    }

    /// Advice to leave out the fields of a structure of settings.
    fn default_hint(&self, kind: &str) -> Option<String> {
        let name = kind.rsplit("::").next()?;
        let is_users = self.memory.items.cell_of(name).is_some();
        (!is_users).then(|| {
            format!(
                "A setting that you leave out has its default: {name} {{ .., ..Default::default() }}. ?{name} shows all."
            )
        })
    }

    /// The notebook's knowledge of a name that the compiler does not find.
    fn name_hint(&self, name: &str) -> Option<String> {
        if let Some(cell) = self.memory.moved_by(name) {
            return Some(format!(
                "`{name}` was moved by cell {cell}. Run the cell that makes it again, or let cell {cell} \
                 use `{name}.clone()` or `&{name}`."
            ));
        }
        if let Some(cell) = self.memory.undefined_since(name) {
            return Some(format!(
                "`{name}` is not defined: cell {cell} failed before its `let`."
            ));
        }
        if self.memory.is_outdated(name) {
            return Some(format!(
                "`{name}` is lost: its type was defined again. Run the cell that makes it again."
            ));
        }
        let cell = self.memory.aside_since(name)?;
        Some(format!(
            "`{name}` was set aside because it does not fit the items of cell {cell}. Run its cell again."
        ))
    }
}

fn is_error(message: &CompilationError) -> bool {
    // The engine's own errors have no level.
    message.level() != "warning"
}

/// A compiler error with the source lines that it concerns.
fn report(error: &CompilationError, source: &CellText) -> String {
    let code = "\n".repeat(source.inserted_lines) + &source.code;
    let name = format!("cell {}", source.cell);
    let mut text = Vec::new();
    let report = error.build_report(name.clone(), code.clone(), Theme::Light);
    match report.map(|report| report.write(ariadne::sources([(name.clone(), code)]), &mut text)) {
        Some(Ok(())) => {
            let text = merge_colors(String::from_utf8_lossy(&text).trim_end());
            let text = renumber(&text, source.inserted_lines);
            let (line, column) = position(error, source).unwrap_or((1, 1));
            text.replacen(
                &format!("{name}:1:1"),
                &format!("{name}:{line}:{column}"),
                1,
            )
        }
        _ => plain_report(error, source),
    }
}

/// Line and column of an error in its cell.
fn position(error: &CompilationError, source: &CellText) -> Option<(usize, usize)> {
    let span = error.primary_spanned_message()?.span.as_ref()?;
    let line = span.start_line.checked_sub(source.inserted_lines)?;
    Some((line, span.start_column))
}

/// A report without a drawing, for code with characters that the drawing would misplace.
fn plain_report(error: &CompilationError, source: &CellText) -> String {
    let code = error
        .code()
        .map_or_else(String::new, |code| format!("[{code}]"));
    let mut report = format!("\x1b[31mError\x1b[0m{code}: {}", error.message());
    for part in error.spanned_messages().iter().chain(error.help_spanned()) {
        let line = part
            .span
            .as_ref()
            .and_then(|span| span.start_line.checked_sub(source.inserted_lines));
        let text = line.and_then(|line| source.code.lines().nth(line.checked_sub(1)?));
        match (line, text) {
            (Some(line), Some(text)) => {
                report += &format!("\n  cell {}, line {line}: {}", source.cell, text.trim());
                if !part.label.is_empty() {
                    report += &format!("\n    {}", part.label);
                }
            }
            _ if !part.label.is_empty() => report += &format!("\n  {}", part.label),
            _ => {}
        }
    }
    report
}

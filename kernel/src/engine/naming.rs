//! The types of a cell's variables, which the compiler tells before the cell runs.
//!
//! The engine stores each variable under the name of its type, and asks rust-analyzer for it. The
//! compiler is faster than rust-analyzer's first answers, knows every type, and needs no memory between
//! cells. A type that the cell has written itself is taken as it is.

use super::code::split_commands;
use super::evaluator::Engine;
use super::execution::Evaluation;
use super::input::Answers;
use super::prepared::PreparedCell;
use super::types::{
    Binding, Unkept, advice, answers, bindings, can_be_written, question, type_of, with_types,
};
use crate::build::{FULL_PATHS, KILLED};
use evcxr::{CompilationError, Error};

/// A cell whose variables have types without a name in it.
struct Cell<'a> {
    commands: &'a str,
    code: &'a str,
    bindings: Vec<Binding>,
}

impl Cell<'_> {
    fn with_types(&self, types: &[(String, String)]) -> String {
        self.commands.to_owned() + &with_types(self.code, &self.bindings, types)
    }
}

impl Engine {
    /// Runs a cell with the types of its variables written out. A variable that cannot be kept is
    /// explained.
    pub(super) fn evaluate_with_types(
        &mut self,
        cell: &PreparedCell,
        replies: &Answers<'_>,
    ) -> Evaluation {
        let (commands, code) = split_commands(&cell.code);
        let mut bindings = bindings(code);
        bindings.retain(|binding| !binding.typed || binding.may_borrow);
        let typed = Cell {
            commands,
            code,
            bindings,
        };
        if typed.bindings.is_empty() {
            let result = self.evaluate_as(&cell.code, replies);
            return self.explained(result, &typed, &[]);
        }
        let types = match self.types_of(&typed) {
            Ok(types) => types,
            Err(message) => return Err(Error::Message(message)),
        };
        let (known, unnamed): (Vec<_>, Vec<_>) = types
            .iter()
            .cloned()
            .partition(|(_, kind)| can_be_written(kind));
        let names: Vec<String> = unnamed.into_iter().map(|(name, _)| name).collect();
        if let Some(error) = self.refusal(&names, Unkept::Unnamed, &typed, &types) {
            return Err(error);
        }
        let result = match self.evaluate_as(&typed.with_types(&known), replies) {
            Err(Error::CompilationErrors(errors))
                if !known.is_empty() && borrowed(&errors).is_empty() =>
            {
                self.evaluate_as_written(&cell.code, replies)
            }
            other => other,
        };
        self.explained(result, &typed, &types)
    }

    /// Runs a cell as the user has written it, so that its errors show that. If it has none, the compiler
    /// has named a type that cells cannot name, such as one in an unstable module, and rust-analyzer is
    /// asked.
    fn evaluate_as_written(&mut self, code: &str, replies: &Answers<'_>) -> Evaluation {
        let result = self.evaluate_as(code, replies);
        let is_valid = matches!(&result, Err(Error::Message(text)) if unnamed(text).is_some());
        if is_valid && self.load_sources() {
            return self.evaluate(code, replies);
        }
        result
    }

    fn evaluate_as(&mut self, code: &str, replies: &Answers<'_>) -> Evaluation {
        self.memory.prepare_current(code);
        self.evaluate(code, replies)
    }

    /// The types of a cell's variables, as the compiler prints them; none if the cell does not compile.
    ///
    /// # Errors
    /// If the compiler was killed, by Stop or because memory ran out.
    fn types_of(&mut self, cell: &Cell) -> Result<Vec<(String, String)>, String> {
        self.set_full_paths(true);
        let errors = self.context.check(&question(cell.code, &cell.bindings));
        self.set_full_paths(false);
        let errors = errors.unwrap_or_default();
        if let Some(killed) = errors.iter().find(|error| error.message().contains(KILLED)) {
            return Err(killed.message());
        }
        let mut types = answers(&errors);
        for (name, kind) in &mut types {
            if let Some(binding) = cell.bindings.iter().find(|it| it.name == *name) {
                *kind = type_of(binding, kind);
            }
        }
        Ok(types)
    }

    fn set_full_paths(&mut self, on: bool) {
        let value = u8::from(on);
        // Without it, a type may have a name that cells cannot use.
        let _ = self
            .context
            .execute(&format!(":build_env {FULL_PATHS}={value}"));
    }

    /// The result, with an explanation in place of the engine's error about a variable that cannot be
    /// kept.
    fn explained(
        &mut self,
        result: Evaluation,
        cell: &Cell,
        types: &[(String, String)],
    ) -> Evaluation {
        let (names, why) = match &result {
            Err(Error::Message(message)) => {
                (unnamed(message).into_iter().collect(), Unkept::Unnamed)
            }
            Err(Error::CompilationErrors(errors)) => (borrowed(errors), Unkept::Borrowed),
            _ => return result,
        };
        self.refusal(&names, why, cell, types).map_or(result, Err)
    }

    /// The error of a cell with variables that cannot be kept: its own errors if it has some even where it
    /// keeps nothing, otherwise advice. `None` if no variable has these names.
    fn refusal(
        &mut self,
        names: &[String],
        why: Unkept,
        cell: &Cell,
        types: &[(String, String)],
    ) -> Option<Error> {
        let bindings = bindings(cell.code);
        let refused: Vec<&Binding> = names
            .iter()
            .filter_map(|name| bindings.iter().find(|binding| binding.name == *name))
            .collect();
        if refused.is_empty() {
            return None;
        }
        let errors = self.context.check(&format!("{}{LEAVE}", cell.code));
        if let Some(errors) = errors.ok().filter(|errors| !errors.is_empty()) {
            return Some(Error::CompilationErrors(errors));
        }
        let explained = refused.into_iter().map(|binding| {
            let kind = types.iter().find(|(other, _)| *other == binding.name);
            let advice = advice(binding, kind.map(|(_, kind)| kind.as_str()), why);
            let line = cell.commands.lines().count() + binding.line;
            match self.memory.current().and_then(|cell| cell.place(line)) {
                Some(place) => format!("{advice}\n  at {place}"),
                None => advice,
            }
        });
        Some(explained.collect::<Vec<String>>().join("\n").into())
    }
}

/// The end of a cell that keeps no variable: the compiler does not check what cannot be reached.
const LEAVE: &str = "\n; ::std::process::exit(0);";

/// The variable whose type has no name, which the engine's message names first.
fn unnamed(message: &str) -> Option<String> {
    const MESSAGES: [&str; 4] = [
        "Couldn't automatically determine type of variable",
        "is a closure, which cannot be persisted",
        "which cannot be persisted",
        "but that's private",
    ];
    let is_unnamed = MESSAGES.iter().any(|part| message.contains(part));
    let name = message.split('`').nth(1).filter(|_| is_unnamed)?;
    Some(name.to_owned())
}

/// The variables that borrow from values of the cell.
fn borrowed(errors: &[CompilationError]) -> Vec<String> {
    errors
        .iter()
        .map(CompilationError::message)
        .filter(|message| message.contains("contains a reference with a non-static lifetime"))
        .filter_map(|message| Some(message.split('`').nth(1)?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_messages_name_the_variable() {
        assert_eq!(
            unnamed("The variable `f` is a closure, which cannot be persisted.\nYou can"),
            Some("f".into())
        );
        assert_eq!(
            unnamed("Couldn't automatically determine type of variable `x`.\nPlease"),
            Some("x".into())
        );
        assert_eq!(unnamed("`y` of another kind"), None);
        assert!(borrowed(&[]).is_empty());
    }
}

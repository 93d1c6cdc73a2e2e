//! Variables whose type the engine could not name: the compiler tells the type, and the cell runs again.

use super::code::split_commands;
use super::evaluator::Engine;
use super::execution::Evaluation;
use super::input::Answers;
use super::prepared::PreparedCell;
use super::types::{
    Binding, Unkept, advice, answers, bindings, can_be_written, question, with_types,
};
use crate::build::FULL_PATHS;
use evcxr::{CompilationError, Error};

/// What an error of the engine says of types that it could not name.
#[derive(Debug, PartialEq)]
enum Untold {
    /// It has no name for the type of a variable.
    Of(String),
    /// Names of traits are not found.
    TraitObjects,
    /// Variables borrow from other values.
    Borrowed(Vec<String>),
}

/// A cell in which a type is to be named.
struct Cell<'a> {
    commands: &'a str,
    code: &'a str,
    bindings: Vec<Binding>,
}

impl Engine {
    /// Runs a cell again with types written out, if it failed because the engine could not name one. A
    /// type without a name is explained.
    pub(super) fn with_named_types(
        &mut self,
        mut result: Evaluation,
        cell: &PreparedCell,
        replies: &Answers<'_>,
    ) -> Evaluation {
        if untold(&result).is_none() {
            return result;
        }
        let (commands, code) = split_commands(&cell.code);
        let cell = Cell {
            commands,
            code,
            bindings: bindings(code),
        };
        let types = self.types_of(&cell, replies);
        let mut written: Vec<(String, String)> = Vec::new();
        while let Some(untold) = untold(&result) {
            let missing = |(name, kind): &&(String, String)| {
                untold.concerns(name, kind)
                    && can_be_written(kind)
                    && written.iter().all(|(other, _)| other != name)
            };
            let more: Vec<_> = types.iter().filter(missing).cloned().collect();
            if more.is_empty() {
                return self
                    .unkept(&untold, &cell, &types)
                    .map_or(result, |text| Err(text.into()));
            }
            written.extend(more);
            let code = with_types(cell.code, &cell.bindings, &written);
            result = self.evaluate(&format!("{}{code}", cell.commands), replies);
        }
        result
    }

    /// The types of a cell's variables, as the compiler prints them.
    fn types_of(&mut self, cell: &Cell, replies: &Answers<'_>) -> Vec<(String, String)> {
        let question = question(cell.code, &cell.bindings);
        self.set_full_paths(true);
        let result = self.evaluate(&format!("{}{question}", cell.commands), replies);
        self.set_full_paths(false);
        match result {
            Err(Error::CompilationErrors(errors)) => answers(&errors),
            _ => Vec::new(),
        }
    }

    fn set_full_paths(&mut self, on: bool) {
        let value = u8::from(on);
        // Without it, a type may have a name that cells cannot use.
        let _ = self
            .context
            .execute(&format!(":build_env {FULL_PATHS}={value}"));
    }

    /// Explains variables that cannot be kept; `None` if there is nothing to explain.
    fn unkept(&self, untold: &Untold, cell: &Cell, types: &[(String, String)]) -> Option<String> {
        let (names, why) = match untold {
            Untold::Of(name) => (std::slice::from_ref(name), Unkept::Unnamed),
            Untold::Borrowed(names) => (names.as_slice(), Unkept::Borrowed),
            Untold::TraitObjects => return None,
        };
        let explained = names.iter().filter_map(|name| {
            let binding = cell.bindings.iter().find(|binding| binding.name == *name)?;
            let kind = types.iter().find(|(other, _)| other == name);
            let advice = advice(binding, kind.map(|(_, kind)| kind.as_str()), why);
            let line = cell.commands.lines().count() + binding.line;
            Some(match self.memory.current()?.place(line) {
                Some(place) => format!("{advice}\n  at {place}"),
                None => advice,
            })
        });
        let text = explained.collect::<Vec<_>>().join("\n");
        (!text.is_empty()).then_some(text)
    }
}

impl Untold {
    /// True if a type written out may help.
    fn concerns(&self, name: &str, kind: &str) -> bool {
        match self {
            Untold::Of(variable) => variable == name || kind.contains("dyn "),
            Untold::TraitObjects => kind.contains("dyn "),
            Untold::Borrowed(_) => false,
        }
    }
}

fn untold(result: &Evaluation) -> Option<Untold> {
    match result {
        Err(Error::Message(message)) => untold_of(message),
        Err(Error::CompilationErrors(errors)) => untold_traits(errors),
        _ => None,
    }
}

/// The engine's messages, of which each names the variable first.
fn untold_of(message: &str) -> Option<Untold> {
    const MESSAGES: [&str; 4] = [
        "Couldn't automatically determine type of variable",
        "is a closure, which cannot be persisted",
        "which cannot be persisted",
        "but that's private",
    ];
    let is_untold = MESSAGES.iter().any(|part| message.contains(part));
    let name = message.split('`').nth(1).filter(|_| is_untold)?;
    Some(Untold::Of(name.to_owned()))
}

fn untold_traits(errors: &[CompilationError]) -> Option<Untold> {
    let borrowed: Vec<String> = errors
        .iter()
        .map(CompilationError::message)
        .filter(|message| message.contains("contains a reference with a non-static lifetime"))
        .filter_map(|message| Some(message.split('`').nth(1)?.to_owned()))
        .collect();
    if !borrowed.is_empty() {
        return Some(Untold::Borrowed(borrowed));
    }
    let is_about_store = |error: &CompilationError| is_about_store(error);
    (!errors.is_empty() && errors.iter().all(is_about_store)).then_some(Untold::TraitObjects)
}

/// True for an error in the engine's statement that stores a variable, or for the compiler's advice on
/// one, of which the engine keeps only the import that it suggests.
fn is_about_store(error: &CompilationError) -> bool {
    let stores = |span: &serde_json::Value| {
        let line = span["text"][0]["text"].as_str();
        line.is_some_and(|line| line.contains("put_variable::<"))
    };
    let spans = error.json["spans"].as_array();
    spans.is_some_and(|spans| spans.iter().any(stores))
        || (error.json["level"] == "help" && error.message().starts_with("consider importing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_messages_name_the_variable() {
        let of = |message: &str| untold(&Err(Error::Message(message.to_owned())));
        assert_eq!(
            of("The variable `f` is a closure, which cannot be persisted.\nYou can"),
            Some(Untold::Of("f".into()))
        );
        assert_eq!(
            of("Couldn't automatically determine type of variable `x`.\nPlease"),
            Some(Untold::Of("x".into()))
        );
        assert_eq!(of("`y` of another kind"), None);
        assert_eq!(untold(&Err(Error::CompilationErrors(Vec::new()))), None);
    }

    #[test]
    fn trait_objects_are_written_out() {
        let of = Untold::Of("a".into());
        assert!(of.concerns("a", "Vec<u8>") && of.concerns("b", "Box<dyn A>"));
        assert!(!of.concerns("b", "Vec<u8>"));
        assert!(!Untold::Borrowed(vec!["a".into()]).concerns("a", "Box<dyn A>"));
    }
}

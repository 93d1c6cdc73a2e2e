//! The compiler is asked for the types of variables, by a cell that does not compile.

use super::binding::Binding;
use evcxr::CompilationError;

const EXPECTED: &str = ": () = (";

/// A cell that lets the compiler tell the types of variables at the end of a cell. No variable has the
/// type `()` and is a tuple, so each is an error, and nothing runs.
pub(crate) fn question(code: &str, bindings: &[Binding]) -> String {
    let ask = |binding: &Binding| format!("let {0}{EXPECTED}{0},);\n", binding.name);
    let questions: String = bindings.iter().map(ask).collect();
    format!("{code}\n;{questions}")
}

/// The types that the compiler's errors tell, by variable; none if there are other errors, which may have
/// hidden a type.
pub(crate) fn answers(errors: &[CompilationError]) -> Vec<(String, String)> {
    if errors.iter().all(|error| asked(error).is_some()) {
        errors.iter().filter_map(answer).collect()
    } else {
        Vec::new()
    }
}

/// The part of a question before the type, if an error is about a question.
fn asked(error: &CompilationError) -> Option<&str> {
    let span = error.json["spans"].as_array()?;
    let primary = span.iter().find(|span| span["is_primary"] == true)?;
    let line = primary["text"][0]["text"].as_str()?;
    Some(line.split_once(EXPECTED)?.0)
}

fn answer(error: &CompilationError) -> Option<(String, String)> {
    let before = asked(error)?;
    let name = before.trim_start_matches([';', ' ']).strip_prefix("let ")?;
    let notes = error.json["children"].as_array()?.iter();
    let mut kinds = notes.filter_map(|note| found(note["message"].as_str()?));
    Some((name.to_owned(), kinds.next()?))
}

/// The type in a note such as "expected unit type `()`, found tuple `(i32,)`".
fn found(note: &str) -> Option<String> {
    let (_, tuple) = note.split_once("found tuple `(")?;
    let (kind, _) = tuple.rsplit_once(",)`")?;
    Some(kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::binding::bindings;
    use super::*;

    #[test]
    fn a_question_asks_for_each_variable() {
        let code = "let (a, b) = f();\ng()";
        assert_eq!(
            question(code, &bindings(code)),
            "let (a, b) = f();\ng()\n;let a: () = (a,);\nlet b: () = (b,);\n"
        );
    }

    #[test]
    fn a_note_has_the_type() {
        let note = "expected unit type `()`\n       found tuple `(Vec<(u8,)>,)`";
        assert_eq!(found(note).unwrap(), "Vec<(u8,)>");
        assert_eq!(found("expected unit type `()`"), None);
    }
}

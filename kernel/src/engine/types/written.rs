//! Types written into a cell.

use super::binding::Binding;

/// A type as the compiler prints it, with the types that its undecided numbers will have.
pub(super) fn with_numbers(kind: &str) -> String {
    kind.replace("{integer}", "i32").replace("{float}", "f64")
}

/// An unstable module by which the compiler names types of a stable one, and that one.
const MODULES: (&str, &str) = ("std::sync::mpmc::", "std::sync::mpsc::");

/// Macros that never return.
const DIVERGING: [&str; 4] = ["panic!", "todo!", "unimplemented!", "unreachable!"];

/// The type that a variable gets. One whose value is never there may have any.
pub(crate) fn type_of(binding: &Binding, kind: &str) -> String {
    let value = binding.value.as_deref().unwrap_or_default();
    let mut statements = value.rsplit(['{', ';']).map(str::trim);
    let last = statements.find(|text| !text.is_empty()).unwrap_or_default();
    let diverges = DIVERGING.iter().any(|start| last.starts_with(start));
    match kind {
        "!" => "()".to_owned(),
        "_" if diverges => "()".to_owned(),
        kind => kind.to_owned(),
    }
}

/// A type in Rust's syntax. What is kept borrows only from statics.
fn in_syntax(kind: &str) -> String {
    with_numbers(kind)
        .replace("'_", "'static")
        .replace(MODULES.0, MODULES.1)
}

/// True for a type that has a name. A closure, a function item, an `async` block and the type of an
/// `impl Trait` have none.
pub(crate) fn can_be_written(kind: &str) -> bool {
    let kind = in_syntax(kind);
    let has_name = kind != "!" && !kind.contains(['{', '…']) && !kind.contains("...");
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '\'';
    has_name
        && !kind
            .split(|c| !is_word(c))
            .any(|word| word == "impl" || word == "_")
}

/// The cell with types written out: in the variable's `let`, or by binding it once more behind that.
pub(crate) fn with_types(code: &str, bindings: &[Binding], types: &[(String, String)]) -> String {
    let mut texts: Vec<(usize, String)> = Vec::new();
    for binding in bindings {
        let Some((name, kind)) = types.iter().find(|(name, _)| *name == binding.name) else {
            continue;
        };
        if binding.typed && !kind.contains('\'') {
            continue;
        }
        let kind = in_syntax(kind);
        let mutable = if binding.mutable { "mut " } else { "" };
        texts.push(match binding.annotation {
            Some(place) => (place, format!(": {kind}")),
            None => (
                binding.end,
                format!(" let {mutable}{name}: {kind} = {name};"),
            ),
        });
    }
    texts.sort_by_key(|(end, _)| *end);
    let mut written = code.to_owned();
    for (end, text) in texts.iter().rev() {
        written.insert_str(*end, text);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::super::binding::bindings;
    use super::*;

    #[test]
    fn types_are_written_behind_the_let() {
        let code = "let (mut a, b) = f(); // two\ng(b)";
        let types = [("a".to_owned(), "Vec<{integer}>".to_owned())];
        assert_eq!(
            with_types(code, &bindings(code), &types),
            "let (mut a, b) = f(); let mut a: Vec<i32> = a; // two\ng(b)"
        );
    }

    #[test]
    fn some_types_have_no_name() {
        for kind in [
            "std::iter::Map<A, {closure@src/lib.rs:1:2: 3:4}>",
            "impl Fn()",
            "Box<impl Fn()>",
            "fn(i32) -> i32 {own}",
            "Vec<_>",
            "!",
        ] {
            assert!(!can_be_written(kind), "{kind}");
        }
        let diverging = bindings("let a = { f(); panic!() }; let b = c;");
        assert_eq!(type_of(&diverging[0], "_"), "()");
        assert_eq!(type_of(&diverging[1], "_"), "_");
        assert_eq!(type_of(&diverging[1], "!"), "()");
        let code = "let a: Cow<str> = b; let c: f32 = d;";
        let types = [("a", "Cow<'_, str>"), ("c", "f32")]
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        assert_eq!(
            with_types(code, &bindings(code), &types),
            "let a: Cow<str> = b; let a: Cow<'static, str> = a; let c: f32 = d;"
        );
        let types = [("a".to_owned(), "B<'_>".to_owned())];
        let code = "let a = b;";
        let written = with_types(code, &bindings(code), &types);
        assert_eq!(written, "let a: B<'static> = b;");
        let types = [("a".to_owned(), "std::sync::mpmc::RecvError".to_owned())];
        let written = with_types(code, &bindings(code), &types);
        assert_eq!(written, "let a: std::sync::mpsc::RecvError = b;");
        assert!(can_be_written("a::B<'_, Box<dyn a::C>>") && can_be_written("[{integer}; 3]"));
    }
}

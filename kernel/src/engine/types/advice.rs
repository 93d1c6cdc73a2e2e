//! What to write instead of a variable that no later cell can have.

use super::binding::Binding;
use super::written::with_numbers;

/// Why a variable cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unkept {
    /// It borrows from a value of the cell.
    Borrowed,
    /// Its type has no name that a cell can write.
    Unnamed,
}

/// Longest expression that is repeated in a message, in bytes.
const MAX_VALUE: usize = 60;

/// Explains that a variable cannot be kept, and says what to write. `kind` is its type as the compiler
/// prints it.
pub(crate) fn advice(binding: &Binding, kind: Option<&str>, why: Unkept) -> String {
    let name = &binding.name;
    let shown = kind.map(|kind| shortened(kind));
    let reason = match (why, &shown) {
        (Unkept::Borrowed, Some(kind)) => {
            format!(
                "`{name}` ({kind}) borrows from another value, and a borrow ends with its cell."
            )
        }
        (Unkept::Borrowed, None) => {
            format!("`{name}` borrows from another value, and a borrow ends with its cell.")
        }
        (Unkept::Unnamed, Some(kind)) if kind == "closure" => {
            format!("`{name}` is a closure: its type has no name, so later cells cannot have it.")
        }
        (Unkept::Unnamed, Some(kind)) => {
            format!(
                "`{name}` ({kind}) has a type without a name that cells can write, so later cells cannot have it."
            )
        }
        (Unkept::Unnamed, None) => {
            return format!("the type of `{name}` is not known. Write it: let {name}: TYPE = ...;");
        }
    };
    let way = if kind.is_some_and(is_iterator) {
        let value = short(binding.value.as_deref());
        format!("Collect its items: let {name}: Vec<_> = {value}.collect();")
    } else {
        way_out(binding, shown.as_deref().unwrap_or_default(), why)
    };
    format!(
        "{reason}\n{way} If only this cell needs it, put the lines that use it in braces: {{ ... }}"
    )
}

/// What to write.
fn way_out(binding: &Binding, kind: &str, why: Unkept) -> String {
    let name = &binding.name;
    let value = short(binding.value.as_deref());
    match kind {
        "closure" => {
            let parameters = binding.parameters.as_deref().unwrap_or("|...|");
            let list = parameters.trim_matches('|');
            return format!(
                "Write a function, fn {name}({list}) -> ... {{ ... }}, or box it: {}",
                boxed_closure(binding)
            );
        }
        "Box<closure>" => return format!("Write its type: {}", boxed_closure(binding)),
        _ => {}
    }
    if let Some(bound) = kind.strip_prefix("impl ") {
        return format!("Box it: let {name}: Box<dyn {bound}> = Box::new({value});");
    }
    match why {
        Unkept::Borrowed if kind.starts_with("&str") => {
            format!(
                "Copy it: let {name} = {}.to_string();",
                value.trim_start_matches('&')
            )
        }
        Unkept::Borrowed if kind.starts_with("&[") => {
            format!(
                "Copy it: let {name} = {}.to_vec();",
                value.trim_start_matches('&')
            )
        }
        Unkept::Borrowed => {
            "Copy what you need, for instance by `.clone()`, or borrow again in each cell.".into()
        }
        Unkept::Unnamed => format!(
            "Give it a type with a name, such as a box of a trait: let {name}: Box<dyn TRAIT> = Box::new({value});"
        ),
    }
}

/// A `let` that keeps a closure. The compiler finds what it returns.
fn boxed_closure(binding: &Binding) -> String {
    let name = &binding.name;
    let list = binding.parameters.as_deref().unwrap_or("|...|");
    let kind = |parameter: &str| {
        let kind = parameter.split_once(": ").map(|(_, kind)| kind.to_owned());
        kind.unwrap_or_else(|| "TYPE".to_owned())
    };
    let list = list.trim_matches('|');
    let kinds: Vec<String> = match list {
        "" => Vec::new(),
        _ => list.split(", ").map(kind).collect(),
    };
    let closure = short(binding.closure.as_deref());
    let closure = closure.trim_start_matches("move ");
    format!(
        "let {name}: Box<dyn Fn({}) -> _> = Box::new(move {closure});",
        kinds.join(", ")
    )
}

/// An expression for a message.
fn short(value: Option<&str>) -> &str {
    let value = value.filter(|value| value.len() <= MAX_VALUE && !value.contains('\n'));
    value.unwrap_or("...")
}

/// True for an iterator of the standard library, or the type of an `impl Iterator`.
fn is_iterator(kind: &str) -> bool {
    const MODULES: [&str; 3] = ["std::iter::", "std::slice::", "std::str::"];
    const NAMES: [&str; 5] = ["Drain", "Iter", "IterMut", "Keys", "Values"];
    let path = kind.split('<').next().unwrap_or_default();
    let name = path.rsplit("::").next().unwrap_or_default();
    MODULES.iter().any(|module| path.starts_with(module))
        || NAMES.contains(&name)
        || kind.starts_with("impl std::iter::Iterator")
}

/// A type without the paths of its names and the places of closures and `async` blocks.
fn shortened(kind: &str) -> String {
    let kind = with_numbers(kind);
    let mut short = String::new();
    let mut rest = kind.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        short += before;
        short += after.split('@').next().unwrap_or_default();
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    short += rest;
    let mut words = String::new();
    let mut word = String::new();
    let mut characters = short.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            ':' if characters.peek() == Some(&':') => {
                characters.next();
                word.clear();
            }
            c if c.is_alphanumeric() || c == '_' => word.push(c),
            c => {
                words += &std::mem::take(&mut word);
                words.push(c);
            }
        }
    }
    words + &word
}

#[cfg(test)]
mod tests {
    use super::super::binding::bindings;
    use super::*;

    fn told(code: &str, kind: &str, why: Unkept) -> String {
        advice(&bindings(code)[0], Some(kind), why)
    }

    #[test]
    fn an_iterator_is_collected() {
        let kind = "std::iter::Map<std::ops::Range<i32>, {closure@src/lib.rs:1:2: 3:4}>";
        assert_eq!(
            told("let it = (0..3).map(|n| n * 2);", kind, Unkept::Unnamed),
            "`it` (Map<Range<i32>, closure>) has a type without a name that cells can write, so later cells cannot have \
             it.\nCollect its items: let it: Vec<_> = (0..3).map(|n| n * 2).collect(); If only this cell needs it, put the \
             lines that use it in braces: { ... }"
        );
        let iter = told(
            "let it = v.iter();",
            "std::slice::Iter<'_, i32>",
            Unkept::Borrowed,
        );
        assert!(
            iter.contains("borrows") && iter.contains("v.iter().collect()"),
            "{iter}"
        );
    }

    #[test]
    fn a_closure_is_boxed() {
        let text = told(
            "let f = |x: f64, n: &str| x + 1.0;",
            "{closure@src/lib.rs:1:2: 3:4}",
            Unkept::Unnamed,
        );
        assert!(text.starts_with("`f` is a closure: "), "{text}");
        assert!(
            text.contains(
                "let f: Box<dyn Fn(f64, &str) -> _> = Box::new(move |x: f64, n: &str| x + 1.0);"
            ),
            "{text}"
        );
        assert!(text.contains("fn f(x: f64, n: &str) -> ..."), "{text}");
        let kind = "Box<{closure@src/lib.rs:1:2: 3:4}>";
        let text = told("let f = Box::new(|| 1);", kind, Unkept::Unnamed);
        let expected = "Write its type: let f: Box<dyn Fn() -> _> = Box::new(move || 1);";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn each_kind_of_type_has_its_way_out() {
        let kinds = [
            (
                "let a = f();",
                "impl std::fmt::Debug",
                Unkept::Unnamed,
                "let a: Box<dyn Debug> = Box::new(f());",
            ),
            (
                "let a = &s[..2];",
                "&str",
                Unkept::Borrowed,
                "let a = s[..2].to_string();",
            ),
            (
                "let a = m.lock();",
                "std::sync::MutexGuard<'_, u8>",
                Unkept::Borrowed,
                ".clone()",
            ),
        ];
        for (code, kind, why, expected) in kinds {
            let text = told(code, kind, why);
            assert!(text.contains(expected), "{text}");
        }
        let unknown = advice(&bindings("let a = f();")[0], None, Unkept::Unnamed);
        assert_eq!(
            unknown,
            "the type of `a` is not known. Write it: let a: TYPE = ...;"
        );
    }
}

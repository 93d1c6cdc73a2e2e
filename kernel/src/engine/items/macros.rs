//! Calls of `macro_rules!` macros that make items: the items take the place of the call, so that later
//! cells see them. The engine takes a call for an expression, whose items end with the cell.

use super::expansion::expand;
use crate::engine::code::{ParsedCell, on_as_many_lines, parse_cell};
use ra_ap_syntax::ast::{self, HasName};
use ra_ap_syntax::{AstNode, SyntaxKind, SyntaxNode};
use std::collections::HashMap;

/// Nested calls at most: the compiler's limit.
const DEPTH: usize = 128;

/// Calls of one cell that are expanded at most: a macro that calls itself twice has no end.
const CALLS: usize = 4096;

/// Rules of macros by name.
pub(in crate::engine) type Macros = HashMap<String, String>;

/// The name and the rules of a `macro_rules!` item.
pub(super) fn definition(item: &SyntaxNode) -> Option<(String, String)> {
    let item = ast::MacroRules::cast(item.clone())?;
    let name = item.name()?.syntax().text().to_string();
    Some((name, inside(&item.token_tree()?)?))
}

/// A cell's code with items in place of the calls that make them. `None` if it has no such call.
pub(in crate::engine) fn with_expansions(
    cell: &ParsedCell,
    code: &str,
    macros: &Macros,
) -> Option<String> {
    let mut expander = Expander {
        macros: macros.clone(),
        calls: CALLS,
    };
    let mut replacements = Vec::new();
    for statement in cell.statements() {
        expander.macros.extend(definition(&statement));
        let items = expander.items_of(&statement, DEPTH);
        if let Some(items) = items.filter(|items| !items.is_empty()) {
            replacements.push((cell.bytes(statement.text_range()), items));
        }
    }
    let mut changed = code.to_owned();
    for (range, items) in replacements.iter().rev() {
        let lines = on_as_many_lines(items, &code[range.clone()]);
        changed.replace_range(range.clone(), &lines);
    }
    (!replacements.is_empty()).then_some(changed)
}

/// Expands calls, also those that expansions contain.
struct Expander {
    macros: Macros,
    /// Calls that may follow.
    calls: usize,
}

impl Expander {
    /// The items that a statement makes if it calls a macro which makes nothing else.
    fn items_of(&mut self, statement: &SyntaxNode, depth: usize) -> Option<String> {
        let call = macro_call(statement)?;
        let rules = self.macros.get(&name(&call)?)?;
        self.calls = self.calls.checked_sub(1)?;
        let expansion = parse_cell(&expand(rules, &inside(&call.token_tree()?)?)?);
        if !expansion.is_valid() {
            return None;
        }
        let mut items = Vec::new();
        for statement in expansion.statements() {
            if is_item(&statement) {
                self.macros.extend(definition(&statement));
                items.push(statement.text().to_string());
            } else {
                items.push(self.items_of(&statement, depth.checked_sub(1)?)?);
            }
        }
        Some(items.join(" "))
    }
}

/// The macro call that a statement is.
fn macro_call(statement: &SyntaxNode) -> Option<ast::MacroCall> {
    let mut node = statement.clone();
    while matches!(node.kind(), SyntaxKind::EXPR_STMT | SyntaxKind::MACRO_EXPR) {
        node = node.first_child()?;
    }
    ast::MacroCall::cast(node)
}

/// The name of a called macro, if no path leads to it.
fn name(call: &ast::MacroCall) -> Option<String> {
    let path = call.path()?;
    let name = path.segment()?.name_ref()?.syntax().text().to_string();
    path.qualifier().is_none().then_some(name)
}

/// True for items, and for the macro of the standard library that stands for one.
fn is_item(statement: &SyntaxNode) -> bool {
    match macro_call(statement) {
        Some(call) => name(&call).is_some_and(|name| name == "thread_local"),
        None => ast::Item::can_cast(statement.kind()),
    }
}

/// The text between the brackets of a macro's rules or arguments.
fn inside(tree: &ast::TokenTree) -> Option<String> {
    let text = tree.syntax().text().to_string();
    text.get(1..text.len().checked_sub(1)?).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code of a cell after another that defines macros.
    fn expanded(macros: &str, code: &str) -> Option<String> {
        let known = parse_cell(macros)
            .statements()
            .filter_map(|item| definition(&item))
            .collect();
        with_expansions(&parse_cell(code), code, &known)
    }

    #[test]
    fn items_take_the_place_of_a_call() {
        let point = "macro_rules! point { ($name:ident) => { struct $name { x: f64 } } }";
        for call in [
            "point!(Pixel);",
            "point![Pixel];",
            "point! {Pixel}",
            "point!(Pixel)",
        ] {
            assert_eq!(
                expanded(point, call).as_deref(),
                Some("struct Pixel {x : f64}"),
                "{call}"
            );
        }
        let lines = "f();\npoint!(\n    Pixel\n);\ng(";
        assert_eq!(
            expanded(point, &format!("{lines}1)")).unwrap(),
            "f();\nstruct Pixel {x : f64}\n\n\ng(1)"
        );
        let two = "point!(A); point!(B); h()";
        assert_eq!(
            expanded(point, two).unwrap(),
            "struct A {x : f64} struct B {x : f64} h()"
        );
    }

    #[test]
    fn calls_that_make_more_than_items_stay() {
        let macros = "macro_rules! both { ($e:expr) => { fn f() {} g($e); } }
macro_rules! value { ($e:expr) => { $e } }
macro_rules! foreign { () => { struct A; other!(A); } }
macro_rules! nothing { () => {} }
macro_rules! endless { () => { endless!(); struct A; } }
macro_rules! double { ($($t:tt)*) => { double!($($t)* a); double!($($t)* b); } }
macro_rules! faulty { ($a) => {} }";
        for code in [
            "both!(1);",
            "value!(1)",
            "foreign!();",
            "nothing!();",
            "endless!();",
            "double!();",
            "faulty!(1);",
            "unknown!(A);",
            "value!(1, 2);",
            "crate::nothing!();",
            "let a = value!(1);",
            "value!(1).abs();",
        ] {
            assert_eq!(expanded(macros, code), None, "{code}");
        }
    }

    #[test]
    fn macros_of_the_cell_and_of_expansions_are_known() {
        let code = "macro_rules! outer { ($a:ident) => {
    macro_rules! inner { ($b:ident) => { fn $b() {} } }
    inner!($a);
    thread_local! { static N: u8 = 1; }
} }
outer!(f);
inner!(g);";
        let expanded = expanded("macro_rules! outer { () => {} }", code).unwrap();
        let (_, calls) = expanded.rsplit_once("} }\n").unwrap();
        assert_eq!(
            calls,
            "macro_rules ! inner {($b : ident) => {fn $b () {}}} fn f () {} thread_local ! {static N : u8 = 1 ;}\nfn g () {}"
        );
    }

    #[test]
    fn a_macro_that_takes_one_token_after_the_other_ends() {
        let macros = "macro_rules! each {
    () => {};
    ($name:ident $($rest:tt)*) => { struct $name; each!($($rest)*); };
}";
        assert_eq!(
            expanded(macros, "each!(A B C);").unwrap(),
            "struct A ; struct B ; struct C ; "
        );
    }
}

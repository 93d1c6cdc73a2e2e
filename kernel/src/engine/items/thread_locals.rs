//! `thread_local!`: its variables become statics, so that functions and later cells see them.

use crate::engine::code::{ParsedCell, on_as_many_lines};
use ra_ap_syntax::ast::{self, HasModuleItem, HasName};
use ra_ap_syntax::{AstNode, Edition, SourceFile, SyntaxNode};

/// A cell's code with statics in place of `thread_local!` statements. `None` if it has none.
pub(in crate::engine) fn with_statics(cell: &ParsedCell, code: &str) -> Option<String> {
    let calls: Vec<SyntaxNode> = cell
        .statements()
        .filter(|statement| replacement(statement).is_some())
        .collect();
    let mut changed = code.to_owned();
    for statement in calls.iter().rev() {
        let range = cell.bytes(statement.text_range());
        changed.replace_range(range, &replacement(statement)?);
    }
    (!calls.is_empty()).then_some(changed)
}

/// The statics of a `thread_local!` statement, on as many lines.
fn replacement(statement: &SyntaxNode) -> Option<String> {
    if ast::LetStmt::can_cast(statement.kind()) {
        return None;
    }
    let call = statement.descendants().find_map(ast::MacroCall::cast)?;
    let name = call.path()?.segment()?.name_ref()?.text().to_string();
    let starts_statement = call.syntax().text_range().start() == statement.text_range().start();
    if name != "thread_local" || !starts_statement {
        return None;
    }
    let arguments = call.token_tree()?.syntax().text().to_string();
    let inner = arguments.get(1..arguments.len() - 1)?.trim_end();
    let end = if inner.ends_with(';') { "" } else { ";" };
    let file = SourceFile::parse(&format!("{inner}{end}"), Edition::Edition2024);
    let variables = file.tree().items().map(|item| match item {
        ast::Item::Static(variable) => as_static(&variable),
        _ => None,
    });
    let statics: Option<Vec<String>> = variables.collect();
    let call = statement.text().to_string();
    Some(on_as_many_lines(&statics?.join(" "), &call))
}

/// A static that refers to a thread's variable.
fn as_static(variable: &ast::Static) -> Option<String> {
    let (name, kind) = (variable.name()?, variable.ty()?);
    let (name, kind) = (name.syntax().text(), kind.syntax().text());
    Some(format!(
        "static {name}: &::std::thread::LocalKey<{kind}> = {{ ::std::thread_local! {{ {} }} &{name} }};",
        variable.syntax().text()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::code::parse_cell;

    #[test]
    fn variables_of_threads_become_statics() {
        let code = "thread_local! {\n    static N: Cell<u8> = const { Cell::new(0) };\n}\nf()";
        let changed = with_statics(&parse_cell(code), code).unwrap();
        assert_eq!(
            changed,
            "static N: &::std::thread::LocalKey<Cell<u8>> = { ::std::thread_local! { static N: Cell<u8> = const { Cell::new(0) }; } &N };\n\n\nf()"
        );
        assert_eq!(with_statics(&parse_cell("f(1)"), "f(1)"), None);
        assert_eq!(with_statics(&parse_cell("g!(1);"), "g!(1);"), None);
    }
}

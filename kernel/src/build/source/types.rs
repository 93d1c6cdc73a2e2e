//! Variables whose type a cell has defined again.
//!
//! A type id tells a type by its path and the names of its fields, not by their types. A variable that
//! was stored under the old definition would be read as garbage under the new one. So the definitions
//! that a variable's type depends on are stored beside it and compared.

use super::edits::Edits;
use super::generated::{CellFunction, Stored};
use super::statement::mentions;
use ra_ap_syntax::ast::{self, HasModuleItem};
use ra_ap_syntax::{AstNode, SourceFile, SyntaxKind, SyntaxNode};
use std::collections::BTreeMap;

/// Definitions of types in a cell's source, by name.
pub(super) struct Types(BTreeMap<String, String>);

impl Types {
    /// The types that a source defines.
    pub(super) fn of(file: &SourceFile) -> Types {
        let definition = |item: ast::Item| {
            let name = item.syntax().children().find_map(ast::Name::cast)?;
            let text = definition(item.syntax());
            (!text.is_empty()).then(|| (name.text().to_string(), text))
        };
        let is_engines = |name: &str| name.starts_with("evcxr") || name.starts_with("Evcxr");
        let definitions = file.items().filter_map(definition);
        Types(definitions.filter(|(name, _)| !is_engines(name)).collect())
    }

    /// The definitions that a type depends on, as a text; empty if it depends on none.
    pub(super) fn behind(&self, kind: &str) -> String {
        let mut found: BTreeMap<&str, &str> = BTreeMap::new();
        let mut texts = vec![kind];
        while let Some(text) = texts.pop() {
            for (name, definition) in &self.0 {
                if mentions(text, name) && found.insert(name, definition).is_none() {
                    texts.push(definition);
                }
            }
        }
        found.into_values().collect::<Vec<_>>().join(" ")
    }

    /// Stores the definitions beside each variable that depends on some, and compares them.
    pub(super) fn guard(&self, cell: &CellFunction, edits: &mut Edits) {
        let guarded = |stored: &Stored| {
            let types = self.behind(&stored.kind);
            (!types.is_empty()).then_some(types)
        };
        let Some(checks) = cell.checks else { return };
        let mut calls = String::new();
        for (checked, types) in cell
            .taken
            .iter()
            .filter_map(|taken| Some((taken, guarded(taken)?)))
        {
            let call = format!(
                "evcxr_variable_store.check_types({:?}, {types:?});",
                checked.name
            );
            calls += &call;
        }
        let bound = cell.run.iter().flat_map(|run| &run.bound);
        for (put, types) in bound.filter_map(|put| Some((put, guarded(put)?))) {
            let call = format!("evcxr_variable_store.put_types({:?}, {types:?});", put.name);
            calls += &call;
        }
        if !calls.is_empty() {
            edits.insert(checks, calls);
        }
    }
}

/// The text that determines the layout of a type: its definition without attributes other than `repr`, or those
/// of all types in a module.
fn definition(item: &SyntaxNode) -> String {
    match item.kind() {
        SyntaxKind::STRUCT | SyntaxKind::ENUM | SyntaxKind::UNION | SyntaxKind::TYPE_ALIAS => {
            tokens(item)
        }
        SyntaxKind::MODULE => {
            let inner = item.descendants().skip(1);
            let types = inner.filter(|node| node.kind() != SyntaxKind::MODULE);
            types.map(|node| definition(&node)).collect()
        }
        _ => String::new(),
    }
}

fn tokens(node: &SyntaxNode) -> String {
    let tokens = node
        .descendants_with_tokens()
        .filter_map(|part| part.into_token());
    let is_relevant = |parent: &SyntaxNode| {
        let attribute = parent
            .ancestors()
            .find(|node| node.kind() == SyntaxKind::ATTR);
        attribute.is_none_or(|attribute| mentions(&attribute.text().to_string(), "repr"))
    };
    tokens
        .filter(|token| !token.kind().is_trivia())
        .filter(|token| token.parent().is_none_or(|parent| is_relevant(&parent)))
        .flat_map(|token| [token.text().to_owned(), " ".to_owned()])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ra_ap_syntax::Edition;

    fn types(source: &str) -> Types {
        Types::of(&SourceFile::parse(source, Edition::Edition2024).tree())
    }

    #[test]
    fn a_type_depends_on_the_definitions_behind_it() {
        let source = "#[derive(Clone)] /// doc\nstruct A { b: B }\nenum B { C }\nstruct D;\nfn f() {}\nmod m { pub struct E(u8); fn g() {} }";
        let types = types(source);
        assert_eq!(types.behind("Vec<A>"), "struct A { b : B }  enum B { C } ");
        assert_eq!(types.behind("m::E"), "pub struct E ( u8 ) ; ");
        assert_eq!(types.behind("Vec<i32>"), "");
        let edited = source
            .replace("derive(Clone)", "derive(Clone, Debug)")
            .replace("fn g() {}", "fn h() {}");
        for kind in ["A", "m::E"] {
            assert_eq!(self::types(&edited).behind(kind), types.behind(kind));
        }
        let edited = source.replace("C }", "C(u8) }");
        assert_ne!(self::types(&edited).behind("A"), types.behind("A"));
        let packed = source.replace("derive(Clone)", "repr(C)");
        assert_ne!(self::types(&packed).behind("A"), types.behind("A"));
    }
}

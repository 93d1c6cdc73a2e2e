//! Items of cells: functions, types, impls and statics, which later cells see.
//!
//! The engine keeps items by name and replaces one that a cell defines again. It has no name for an
//! `impl`, compiles statics into each cell, and does not see the items that a macro makes. All are
//! mended here, before the engine sees a cell.
//!
//! Uses `code` and the symbols of `build`. Offers [`Items`].

mod expansion;
mod impls;
mod macros;
mod statics;
mod thread_locals;

use super::code::{Insertions, ParsedCell};
use impls::{Impl, carrier, impls_of};
use macros::Macros;
use ra_ap_syntax::ast::{self, HasName};
use ra_ap_syntax::{AstNode, SyntaxNode};
use std::collections::{BTreeSet, HashMap};

pub(super) use impls::CARRIER;
pub(super) use macros::with_expansions;
pub(super) use thread_locals::with_statics;

/// The items of all cells that have run.
#[derive(Clone, Debug, Default)]
pub(super) struct Items {
    /// The cell that defined each name.
    cells: HashMap<String, u32>,
    impls: Vec<Impl>,
    macros: Macros,
    /// Symbols of all statics.
    statics: BTreeSet<String>,
    /// Number of impls so far.
    count: u32,
}

impl Items {
    /// The items after a cell, whose code is changed so that the engine replaces what the cell defines
    /// again. `cell_id` is the notebook's name of the cell, if the front end tells it.
    pub(super) fn after(
        &self,
        cell: &ParsedCell,
        number: u32,
        cell_id: Option<&str>,
        insertions: &mut Insertions,
    ) -> Items {
        let mut items = self.clone();
        if cell_id.is_some() {
            items.remove_impls(insertions, |block| block.cell_id.as_deref() == cell_id);
        }
        let statements: Vec<SyntaxNode> = cell.statements().collect();
        for name in statements.iter().filter_map(item_name) {
            items.redefine(&name, number, insertions);
        }
        items
            .macros
            .extend(statements.iter().filter_map(macros::definition));
        for (node, block) in impls_of(&statements, number) {
            items.replace_impls(&block, insertions);
            items.count += 1;
            let id = items.count;
            insertions.before(cell, node, &format!(" {}", carrier(id)));
            items.impls.push(block.with_id(id, cell_id));
        }
        let symbols = statics::name_statics(cell, &statements, number, insertions);
        items.statics.extend(symbols);
        items
    }

    /// Symbols of the statics, one a line.
    pub(super) fn static_symbols(&self) -> String {
        self.statics
            .iter()
            .map(|symbol| format!("{symbol}\n"))
            .collect()
    }

    /// Macros of the cells.
    pub(super) fn macros(&self) -> &Macros {
        &self.macros
    }

    /// The cell that defined a name.
    pub(super) fn cell_of(&self, name: &str) -> Option<u32> {
        self.cells.get(name).copied()
    }

    /// The cell that defined the impl behind a carrier.
    pub(super) fn cell_of_impl(&self, carrier_name: &str) -> Option<u32> {
        let id: u32 = carrier_name.strip_prefix(CARRIER)?.parse().ok()?;
        self.impls
            .iter()
            .find(|block| block.id == id)
            .map(|block| block.cell)
    }

    /// Removes an item that does not compile any more, by its name or its impl's carrier. Returns the
    /// line that makes the engine forget it.
    pub(super) fn set_aside(&mut self, name: &str) -> String {
        self.cells.remove(name);
        self.macros.remove(name);
        match name.strip_prefix(CARRIER).and_then(|id| id.parse().ok()) {
            Some(id) => {
                self.impls.retain(|block| block.id != id);
                carrier(id)
            }
            None => format!("#[cfg(any())] fn {name}() {{}}"),
        }
    }

    /// Records a name that a cell defines. If it is a type, the impls that its former cell gave it go:
    /// the new cell brings its own.
    fn redefine(&mut self, name: &str, number: u32, insertions: &mut Insertions) {
        self.macros.remove(name);
        let Some(former) = self.cells.insert(name.to_owned(), number) else {
            return;
        };
        self.remove_impls(insertions, |block| {
            block.cell == former && block.target == name
        });
    }

    fn remove_impls(&mut self, insertions: &mut Insertions, is_removed: impl Fn(&Impl) -> bool) {
        for block in self.impls.extract_if(.., |block| is_removed(block)) {
            insertions.line(carrier(block.id));
        }
    }

    /// Removes what a new impl replaces: the impl that it is most likely an edit of, and from others
    /// what it defines too.
    fn replace_impls(&mut self, new: &Impl, insertions: &mut Insertions) {
        let by_overlap = |block: &&Impl| (block.overlap(new), block.id);
        let edited = self
            .impls
            .iter()
            .max_by_key(by_overlap)
            .map(|block| block.id);
        let mut kept = Vec::new();
        for old in std::mem::take(&mut self.impls) {
            if old.overlap(new) == 0 {
                kept.push(old);
                continue;
            }
            let is_replaced = Some(old.id) == edited && old.is_form_of(new);
            match old.without(new).filter(|_| !is_replaced) {
                Some(rest) => {
                    insertions.line(carrier(rest.id));
                    rest.text().lines().for_each(|line| insertions.line(line));
                    kept.push(rest);
                }
                None => insertions.line(carrier(old.id)),
            }
        }
        self.impls = kept;
    }
}

/// The name of an item that the engine keeps by its name.
fn item_name(statement: &SyntaxNode) -> Option<String> {
    let name = match ast::Item::cast(statement.clone())? {
        ast::Item::Const(item) => item.name(),
        ast::Item::Enum(item) => item.name(),
        ast::Item::Fn(item) => item.name(),
        ast::Item::MacroRules(item) => item.name(),
        ast::Item::Module(item) => item.name(),
        ast::Item::Static(item) => item.name(),
        ast::Item::Struct(item) => item.name(),
        ast::Item::Trait(item) => item.name(),
        ast::Item::TypeAlias(item) => item.name(),
        ast::Item::Union(item) => item.name(),
        _ => None,
    };
    name.map(|name| name.syntax().text().to_string())
}

#[cfg(test)]
mod tests {
    use super::super::code::parse_cell;
    use super::*;

    /// Runs cells in turn; returns the code of the last one as the engine gets it.
    fn last(cells: &[&str]) -> String {
        let cells: Vec<_> = cells.iter().map(|code| (None, *code)).collect();
        last_with_ids(&cells)
    }

    fn last_with_ids(cells: &[(Option<&str>, &str)]) -> String {
        let mut items = Items::default();
        let mut last = String::new();
        for (at, (id, code)) in cells.iter().enumerate() {
            let mut insertions = Insertions::default();
            items = items.after(&parse_cell(code), at as u32 + 1, *id, &mut insertions);
            last = insertions.apply(code).0;
        }
        last
    }

    #[test]
    fn an_impl_replaces_the_one_that_defines_the_same() {
        let first = "impl A { fn f() {} fn g() {} }";
        assert_eq!(
            last(&[first]),
            format!(" type CandlebookImpl1 = ();\n{first}")
        );
        let all = last(&[first, first]);
        assert_eq!(
            all,
            format!("type CandlebookImpl1 = ();\n type CandlebookImpl2 = ();\n{first}")
        );
        let part = last(&[first, "impl A { fn f() { h() } }"]);
        assert!(
            part.starts_with("type CandlebookImpl1 = ();\nimpl A { fn g() {} }\n"),
            "{part}"
        );
        for edit in ["impl A { fn f() {} fn h() {} }", "impl A { fn f() {} }"] {
            let whole = last(&[first, edit]);
            assert!(whole.starts_with("type CandlebookImpl1 = ();\n"), "{whole}");
        }
        let other = last(&[first, "impl B { fn f() {} }"]);
        assert!(!other.contains("CandlebookImpl1 "), "{other}");
        let of_trait = last(&[
            "impl T for A { fn f() {} }",
            "impl  T for A { fn f() { g() } }",
        ]);
        assert!(
            of_trait.starts_with("type CandlebookImpl1 = ();\n"),
            "{of_trait}"
        );
    }

    #[test]
    fn a_cell_that_runs_again_replaces_its_impls() {
        let edited = [
            (Some("x"), "impl A { fn f() {} }"),
            (Some("x"), "impl A { fn g() {} }"),
        ];
        assert!(last_with_ids(&edited).starts_with("type CandlebookImpl1 = ();\n"));
        let second = [edited[0], (Some("y"), edited[1].1)];
        assert!(!last_with_ids(&second).contains("CandlebookImpl1 "));
    }

    #[test]
    fn a_type_defined_again_loses_the_impls_of_its_former_cell() {
        let cell = last(&[
            "struct A;\nimpl A { fn f() {} }",
            "impl A { fn g() {} }",
            "struct A;",
        ]);
        assert_eq!(cell, "type CandlebookImpl1 = ();\nstruct A;");
    }

    #[test]
    fn an_item_that_is_set_aside_is_replaced_by_nothing() {
        let mut items = Items::default();
        let code = "fn f() {}\nimpl A { fn g() {} }";
        items = items.after(&parse_cell(code), 3, None, &mut Insertions::default());
        assert_eq!(
            (items.cell_of("f"), items.cell_of_impl("CandlebookImpl1")),
            (Some(3), Some(3))
        );
        assert_eq!(items.set_aside("f"), "#[cfg(any())] fn f() {}");
        assert_eq!(
            items.set_aside("CandlebookImpl1"),
            "type CandlebookImpl1 = ();"
        );
        assert_eq!(
            (items.cell_of("f"), items.cell_of_impl("CandlebookImpl1")),
            (None, None)
        );
    }
}

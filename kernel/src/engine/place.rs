//! The place in the notebook of a line of compiled source.

use super::items::{CARRIER, Items};
use ra_ap_syntax::ast::{self, HasModuleItem};
use ra_ap_syntax::{AstNode, Edition, SourceFile, SyntaxNode};

/// A line of a cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CellPlace {
    pub(super) cell: u32,
    /// The line's number in the cell, from 1.
    pub(super) line: usize,
    pub(super) text: String,
}

impl std::fmt::Display for CellPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "cell {}, line {}: {}",
            self.cell,
            self.line,
            self.text.trim()
        )
    }
}

/// The source of a cell.
#[derive(Clone, Debug)]
pub(super) struct CellText {
    pub(super) cell: u32,
    /// The code that the user wrote.
    pub(super) code: String,
    /// The code that the engine got, with inserted lines above the first.
    pub(super) prepared: String,
    pub(super) inserted_lines: usize,
}

impl CellText {
    /// The place of a line, from 0, of the prepared code.
    pub(super) fn place(&self, prepared_line: usize) -> Option<CellPlace> {
        let at = prepared_line.checked_sub(self.inserted_lines)?;
        Some(CellPlace {
            cell: self.cell,
            line: at + 1,
            text: self.code.lines().nth(at)?.to_owned(),
        })
    }
}

/// A source file that the engine has written.
pub(super) struct CompiledSource {
    text: String,
    file: SourceFile,
}

/// An item in a compiled source.
#[derive(Debug, PartialEq)]
pub(super) struct CompiledItem {
    /// The name by which the engine keeps it.
    pub(super) name: String,
    /// The name for a message.
    pub(super) title: String,
    first_line: usize,
}

impl CompiledSource {
    pub(super) fn new(text: String) -> CompiledSource {
        let file = SourceFile::parse(&text, Edition::Edition2024).tree();
        CompiledSource { text, file }
    }

    /// The place of a line, from 1. `sources` are the cells so far; the last one was compiled.
    pub(super) fn place(
        &self,
        line: usize,
        sources: &[CellText],
        items: &Items,
    ) -> Option<CellPlace> {
        let Some(item) = self.item_at(line) else {
            return self.place_in_body(line, sources.last()?);
        };
        let cell = items
            .cell_of(&item.name)
            .or_else(|| items.cell_of_impl(&item.name))?;
        let source = sources.iter().rev().find(|source| source.cell == cell)?;
        let first = self.line(item.first_line)?;
        let at = source
            .prepared
            .lines()
            .position(|other| other.contains(first))?;
        source.place(at + line - item.first_line)
    }

    /// The item of a user that contains a line.
    pub(super) fn item_at(&self, line: usize) -> Option<CompiledItem> {
        let mut carrier = None;
        for item in self.file.items() {
            let name = name(item.syntax());
            if name
                .as_ref()
                .is_some_and(|name| name.starts_with("run_user_code_"))
            {
                return None;
            }
            let (first, last) = self.lines_of(item.syntax());
            if (first..=last).contains(&line) {
                return self.describe(&item, name.or(carrier), first);
            }
            carrier = name.filter(|name| name.starts_with(CARRIER));
        }
        None
    }

    fn describe(
        &self,
        item: &ast::Item,
        name: Option<String>,
        first_line: usize,
    ) -> Option<CompiledItem> {
        let title = match item {
            ast::Item::Impl(block) => {
                let head = block.syntax().text().to_string();
                head.split('{').next().unwrap_or_default().trim().to_owned()
            }
            _ => name.clone()?,
        };
        Some(CompiledItem {
            name: name?,
            title,
            first_line,
        })
    }

    /// First and last line of an item, without the attributes and blanks before it.
    fn lines_of(&self, node: &SyntaxNode) -> (usize, usize) {
        let range = node.text_range();
        let line = |byte: usize| 1 + self.text[..byte].matches('\n').count();
        (line(range.start().into()), line(range.end().into()))
    }

    fn line(&self, number: usize) -> Option<&str> {
        self.text.lines().nth(number.checked_sub(1)?).map(str::trim)
    }

    /// The place of a line among the statements of the current cell. They are on lines of their own,
    /// in the cell's order.
    fn place_in_body(&self, line: usize, current: &CellText) -> Option<CellPlace> {
        let code = &current.prepared;
        let start = self
            .text
            .lines()
            .position(|line| line.contains("catch_unwind("))?;
        let mut from = 0;
        for (at, text) in self.text.lines().enumerate().take(line).skip(start + 1) {
            let text = text.trim();
            let found = code[from..].find(text).filter(|_| !text.is_empty());
            if at + 1 == line {
                return current.place(code[..from + found?].matches('\n').count());
            }
            from += found.map_or(0, |found| found + text.len());
        }
        None
    }
}

fn name(item: &SyntaxNode) -> Option<String> {
    let name = item.children().find_map(ast::Name::cast)?;
    Some(name.text().to_string())
}

#[cfg(test)]
mod tests {
    use super::super::code::{Insertions, parse_cell};
    use super::*;

    const COMPILED: &str = r#"#![allow(unused_imports)]
type CandlebookImpl1 = ();
impl A {
    fn g() {}
}
fn f() {
    panic!()
}
pub extern "C" fn run_user_code_1() {
if evcxr_variable_store.is_null() {
}
match std::panic::catch_unwind(
  std::panic::AssertUnwindSafe(||{
let x = g()?;
x.h()?;
x.h()?;
})) {}
}
"#;

    #[test]
    fn lines_belong_to_cells() {
        let source = |cell, code: &str, prepared: &str| CellText {
            cell,
            code: code.to_owned(),
            prepared: prepared.to_owned(),
            inserted_lines: prepared.lines().count() - code.lines().count(),
        };
        let first = "// note\nfn f() {\n    panic!()\n}";
        let second = "impl A {\n    fn g() {}\n}";
        let third = "let x = g()?; x.h()?;\nfn k() {}\nx.h()?;";
        let mut items = Items::default();
        for (at, code) in [first, second].iter().enumerate() {
            items = items.after(
                &parse_cell(code),
                at as u32 + 1,
                None,
                &mut Insertions::default(),
            );
        }
        let sources = [
            source(1, first, first),
            source(2, second, &format!("type CandlebookImpl1 = ();\n{second}")),
            source(3, third, third),
        ];
        let compiled = CompiledSource::new(COMPILED.to_owned());
        let place = |line| {
            let place = compiled.place(line, &sources, &items);
            place.map(|place| place.to_string())
        };
        assert_eq!(place(7).unwrap(), "cell 1, line 3: panic!()");
        assert_eq!(place(4).unwrap(), "cell 2, line 2: fn g() {}");
        assert_eq!(place(14).unwrap(), "cell 3, line 1: let x = g()?; x.h()?;");
        assert_eq!(place(15).unwrap(), "cell 3, line 1: let x = g()?; x.h()?;");
        assert_eq!(place(16).unwrap(), "cell 3, line 3: x.h()?;");
        assert_eq!(place(2), None);
        assert_eq!(compiled.item_at(4).unwrap().title, "impl A");
    }
}

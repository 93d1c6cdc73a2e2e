//! The kernel's memory of the cells that have run.

use super::items::Items;
use super::place::{CellPlace, CellText, CompiledSource};
use crate::build::mentions;
use std::collections::{HashMap, HashSet};

/// The kernel's memory of the cells that have run.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) items: Items,
    sources: Vec<CellText>,
    /// Variables before the current cell.
    known: Vec<String>,
    /// The cell that moved each variable which is no more.
    moved: HashMap<String, u32>,
    /// The cell that failed before it defined each variable.
    undefined: HashMap<String, u32>,
    /// Variables whose type was defined again.
    outdated: HashSet<String>,
    /// Variables that the last cell has lost, but the engine still lists.
    lost: Vec<String>,
    /// The cell because of which each item was set aside.
    aside: HashMap<String, u32>,
}

impl Memory {
    /// Remembers the source of the cell that is about to run, and the variables before it.
    pub(super) fn remember(&mut self, source: CellText, known: Vec<String>) {
        self.known = known;
        if self
            .sources
            .last()
            .is_some_and(|last| last.cell == source.cell)
        {
            self.sources.pop();
        }
        self.sources.push(source);
    }

    /// Changes the code of the current cell that the engine gets, line by line.
    pub(super) fn prepare_current(&mut self, code: &str) {
        if let Some(source) = self.sources.last_mut() {
            source.prepared = code.to_owned();
        }
    }

    /// The current cell.
    pub(super) fn current(&self) -> Option<&CellText> {
        self.sources.last()
    }

    /// The place of a line of the last compiled source.
    pub(super) fn place(&self, compiled: &CompiledSource, line: usize) -> Option<CellPlace> {
        compiled.place(line, &self.sources, &self.items)
    }

    /// Records which variables are no more, by the names before and after a cell. It has moved those
    /// that it mentions, if it ran.
    pub(super) fn note_gone(&mut self, ran: bool, before: Vec<String>, after: &[String]) {
        let Some(source) = self.sources.last() else {
            return;
        };
        let (cell, code) = (source.cell, &source.code);
        self.moved.retain(|name, _| !after.contains(name));
        self.undefined.retain(|name, _| !after.contains(name));
        self.outdated.retain(|name| !after.contains(name));
        let gone = before.into_iter().filter(|name| !after.contains(name));
        let (moved, outdated): (Vec<_>, Vec<_>) =
            gone.partition(|name| ran && mentions(code, name));
        self.moved
            .extend(moved.into_iter().map(|name| (name, cell)));
        self.outdated.extend(outdated);
    }

    /// Records variables that the current cell has moved, or not yet defined, before it failed.
    pub(super) fn note_lost<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        let Some(cell) = self.current().map(|source| source.cell) else {
            return;
        };
        self.lost = names.map(str::to_owned).collect();
        for name in &self.lost {
            let was_known = self.known.contains(name);
            let lost = if was_known {
                &mut self.moved
            } else {
                &mut self.undefined
            };
            lost.insert(name.clone(), cell);
        }
    }

    /// True for a variable that the engine lists, but that is lost.
    pub(super) fn is_lost(&self, name: &str) -> bool {
        self.lost.iter().any(|lost| lost == name)
    }

    /// Forgets lost variables: the engine has compiled another cell, and noticed.
    pub(super) fn forget_lost(&mut self) {
        self.lost.clear();
    }

    /// True for a variable whose type was defined again.
    pub(super) fn is_outdated(&self, name: &str) -> bool {
        self.outdated.contains(name)
    }

    /// Forgets variables: their process has ended.
    pub(super) fn forget_variables(&mut self) {
        self.moved.clear();
        self.undefined.clear();
        self.outdated.clear();
    }

    /// The cell that moved a variable which is no more.
    pub(super) fn moved_by(&self, name: &str) -> Option<u32> {
        self.moved.get(name).copied()
    }

    /// The cell that failed before it defined a variable.
    pub(super) fn undefined_since(&self, name: &str) -> Option<u32> {
        self.undefined.get(name).copied()
    }

    /// Records items that were set aside because of a cell.
    pub(super) fn set_aside(&mut self, cell: u32, names: &[String]) {
        self.aside
            .retain(|name, _| self.items.cell_of(name).is_none());
        self.aside
            .extend(names.iter().map(|name| (name.clone(), cell)));
    }

    /// The cell because of which an item was set aside.
    pub(super) fn aside_since(&self, name: &str) -> Option<u32> {
        self.aside.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(cell: u32, code: &str, prepared: &str) -> CellText {
        CellText {
            cell,
            code: code.into(),
            prepared: prepared.into(),
            inserted_lines: 0,
        }
    }

    #[test]
    fn a_variable_is_moved_until_it_exists_again() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| name.to_string())
                .collect::<Vec<_>>()
        };
        let mut memory = Memory::default();
        memory.remember(source(4, "let c = a;", ""), names(&["a", "b", "d"]));
        memory.note_gone(true, names(&["a", "b", "d"]), &names(&["b", "c"]));
        assert_eq!(
            (memory.moved_by("a"), memory.moved_by("b")),
            (Some(4), None)
        );
        assert!(memory.is_outdated("d") && !memory.is_outdated("a"));
        memory.note_gone(true, names(&["b"]), &names(&["a", "b", "d"]));
        assert_eq!(
            (memory.moved_by("a"), memory.is_outdated("d")),
            (None, false)
        );
        memory.note_lost(["a", "z"].into_iter());
        assert_eq!(
            (memory.moved_by("a"), memory.undefined_since("a")),
            (Some(4), None)
        );
        assert_eq!(
            (memory.moved_by("z"), memory.undefined_since("z")),
            (None, Some(4))
        );
        memory.set_aside(7, &names(&["f"]));
        assert_eq!(memory.aside_since("f"), Some(7));
    }

    #[test]
    fn an_attempt_replaces_the_one_before() {
        let mut memory = Memory::default();
        for prepared in ["one", "two"] {
            memory.remember(source(3, "a", prepared), Vec::new());
        }
        assert_eq!(memory.sources.len(), 1);
        memory.prepare_current("two: u8");
        assert_eq!(memory.current().unwrap().prepared, "two: u8");
        memory.prepare_current("two");
        assert_eq!(memory.current().unwrap().prepared, "two");
    }
}

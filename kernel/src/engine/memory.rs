//! What the kernel remembers of the cells that have run.

use super::items::Items;
use super::place::{Compiled, Place, Source};
use std::collections::HashMap;

/// What the kernel remembers of the cells that have run.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) items: Items,
    sources: Vec<Source>,
    /// The cell that moved each variable which is no more.
    moved: HashMap<String, u32>,
    /// The cell because of which each item was set aside.
    aside: HashMap<String, u32>,
}

impl Memory {
    /// Remembers the source of the cell that is about to run.
    pub(super) fn remember(&mut self, source: Source) {
        if self
            .sources
            .last()
            .is_some_and(|last| last.cell == source.cell)
        {
            self.sources.pop();
        }
        self.sources.push(source);
    }

    /// The current cell.
    pub(super) fn current(&self) -> Option<&Source> {
        self.sources.last()
    }

    /// The place of a line of the last compiled source.
    pub(super) fn place(&self, compiled: &Compiled, line: usize) -> Option<Place> {
        compiled.place(line, &self.sources, &self.items)
    }

    /// Records which variables a cell has moved or lost, by the names before and after it.
    pub(super) fn note_moved(&mut self, cell: u32, before: Vec<String>, after: &[String]) {
        self.moved.retain(|name, _| !after.contains(name));
        let gone = before.into_iter().filter(|name| !after.contains(name));
        self.moved.extend(gone.map(|name| (name, cell)));
    }

    /// Forgets variables: their process has ended.
    pub(super) fn forget_variables(&mut self) {
        self.moved.clear();
    }

    /// The cell that moved a variable which is no more.
    pub(super) fn moved_by(&self, name: &str) -> Option<u32> {
        self.moved.get(name).copied()
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

    #[test]
    fn a_variable_is_moved_until_it_exists_again() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| name.to_string())
                .collect::<Vec<_>>()
        };
        let mut memory = Memory::default();
        memory.note_moved(4, names(&["a", "b"]), &names(&["b", "c"]));
        assert_eq!(
            (memory.moved_by("a"), memory.moved_by("b")),
            (Some(4), None)
        );
        memory.note_moved(5, names(&["b"]), &names(&["a", "b"]));
        assert_eq!(memory.moved_by("a"), None);
        memory.set_aside(7, &names(&["f"]));
        assert_eq!(memory.aside_since("f"), Some(7));
    }

    #[test]
    fn an_attempt_replaces_the_one_before() {
        let mut memory = Memory::default();
        for prepared in ["one", "two"] {
            memory.remember(Source {
                cell: 3,
                code: "a".into(),
                prepared: prepared.into(),
                inserted_lines: 0,
            });
        }
        assert_eq!(memory.sources.len(), 1);
        assert_eq!(memory.current().unwrap().prepared, "two");
    }
}

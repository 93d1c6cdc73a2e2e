//! Edits of source text.

use std::ops::Range;

/// Replacements of byte ranges, applied together.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.0.push((at..at, text.into()));
    }

    pub(super) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.0.push((range, text.into()));
    }

    /// Removes a range, except for its line breaks: what follows stays on its line.
    pub(super) fn blank(&mut self, source: &str, range: Range<usize>) {
        let breaks = line_breaks(&source[range.clone()]);
        self.replace(range, "\n".repeat(breaks));
    }

    pub(super) fn append(&mut self, other: Edits) {
        self.0.extend(other.0);
    }

    /// Applies the edits. Of two insertions at the same place, the one added first comes first. An
    /// edit inside a replaced range is dropped.
    pub(super) fn apply(mut self, source: &str) -> String {
        self.0.sort_by_key(|(range, _)| range.start);
        let mut text = String::with_capacity(source.len() * 2);
        let mut at = 0;
        for (range, replacement) in self.0 {
            if range.start < at {
                continue;
            }
            text.push_str(&source[at..range.start]);
            text.push_str(&replacement);
            at = range.end;
        }
        text + &source[at..]
    }
}

/// The number of line breaks in a text.
pub(super) fn line_breaks(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_apply_in_the_order_of_the_text() {
        let source = "let a = 1;\nlet b\n= 2;";
        let mut edits = Edits::default();
        edits.blank(source, 11..source.len());
        edits.insert(10, " one");
        edits.insert(10, " two");
        edits.insert(13, "lost");
        edits.replace(4..5, "c");
        assert_eq!(edits.apply(source), "let c = 1; one two\n\n");
    }
}

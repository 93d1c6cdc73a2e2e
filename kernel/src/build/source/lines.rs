//! Line numbers of the rewritten source and of the engine's.

use serde_json::Value;

/// Maps lines of the rewritten source to those of the source that the engine wrote.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LineMap {
    /// The first line that differs.
    first: usize,
    /// The engine's lines for the lines from `first` on.
    origins: Vec<usize>,
    /// The engine's line after which both sources agree again.
    last: usize,
}

impl LineMap {
    pub(super) fn new(first: usize, origins: Vec<usize>, last: usize) -> LineMap {
        LineMap {
            first,
            origins,
            last,
        }
    }

    /// The engine's line for a line of the rewritten source.
    pub(super) fn engine_line(&self, line: usize) -> usize {
        if self.origins.is_empty() || line < self.first {
            return line;
        }
        let at = line - self.first;
        match self.origins.get(at) {
            Some(origin) => *origin,
            None => self.last + 1 + at - self.origins.len(),
        }
    }

    /// Changes the line numbers in the compiler's message to the engine's.
    pub(super) fn translate(&self, message: &mut Value) {
        match message {
            Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    match (name.as_str(), value.as_u64()) {
                        ("line_start" | "line_end", Some(line)) => {
                            *value = self.engine_line(line as usize).into();
                        }
                        _ => self.translate(value),
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.translate(value)),
            _ => {}
        }
    }
}

/// The number, from 1, of the line that contains a byte.
pub(super) fn line_of(source: &str, byte: usize) -> usize {
    1 + super::edits::line_breaks(&source[..byte])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_of_the_rewritten_part_have_their_origin() {
        let lines = LineMap::new(5, vec![9, 7, 12], 12);
        let engine: Vec<usize> = (4..10).map(|line| lines.engine_line(line)).collect();
        assert_eq!(engine, [4, 9, 7, 12, 13, 14]);
        let mut message = json!({"spans": [{"line_start": 6, "line_end": 8, "column_start": 6}]});
        lines.translate(&mut message);
        assert_eq!(
            message,
            json!({"spans": [{"line_start": 7, "line_end": 13, "column_start": 6}]})
        );
        assert_eq!(LineMap::default().engine_line(8), 8);
        assert_eq!(line_of("a\nb\nc", 2), 2);
    }
}

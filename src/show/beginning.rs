//! The beginning of a long text, formatted no further than it is shown.

use std::fmt::{Arguments, Error, Result, Write};

/// Maximum length of a cell's value as text, in bytes.
pub(super) const MAX_BYTES: usize = 20_000;
/// End of an item in the `Debug` form of a sequence.
const ITEM_END: &str = ", ";
/// Maximum length of an incomplete item that is left out, in bytes. More than that is text.
const MAX_ITEM_BYTES: usize = 64;

/// Text that refuses what exceeds the limit, which ends formatting.
#[derive(Default)]
struct Beginning {
    text: String,
    full: bool,
}

impl Write for Beginning {
    fn write_str(&mut self, part: &str) -> Result {
        if self.full {
            return Err(Error);
        }
        let room = MAX_BYTES - self.text.len();
        self.full = part.len() > room;
        self.text.push_str(&part[..part.floor_char_boundary(room)]);
        if self.full { Err(Error) } else { Ok(()) }
    }
}

/// Formats a value. A text over the limit is cut, and its last line is `rest`.
pub(super) fn beginning(value: Arguments, rest: &str) -> String {
    let mut beginning = Beginning::default();
    // An error means that the text is full, or that a type cannot be formatted to its end.
    let _ = beginning.write_fmt(value);
    let text = beginning.text;
    if beginning.full {
        format!("{}\n... {rest}", whole_items(&text))
    } else {
        text
    }
}

/// The text without a last item that is incomplete: a part of a number would be another number.
fn whole_items(text: &str) -> &str {
    match text.rfind(ITEM_END) {
        Some(at) if text.len() - at <= MAX_ITEM_BYTES => &text[..at + 1],
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::fmt::{Debug, Formatter};

    #[test]
    fn a_text_within_the_limit_is_whole() {
        let text = "é".repeat(MAX_BYTES / 2);
        assert_eq!(beginning(format_args!("{text}"), "rest"), text);
    }

    #[test]
    fn a_long_sequence_ends_after_a_whole_item() {
        let numbers: Vec<u32> = (1_000_000..2_000_000).collect();
        let text = beginning(format_args!("{numbers:?}"), "1,000,000 values in all");
        let (items, rest) = text.split_once('\n').unwrap();
        assert_eq!(rest, "... 1,000,000 values in all");
        let items: Vec<&str> = items[1..].trim_end_matches(',').split(", ").collect();
        assert_eq!(items.first(), Some(&"1000000"));
        assert_eq!(items.len(), (MAX_BYTES - 1) / "1000000, ".len());
        assert!(items.iter().all(|item| item.len() == 7));
    }

    #[test]
    fn a_cut_is_between_characters() {
        let text = beginning(format_args!("x{}", "é".repeat(MAX_BYTES)), "rest");
        assert_eq!(
            text,
            format!("x{}\n... rest", "é".repeat(MAX_BYTES / 2 - 1))
        );
    }

    #[test]
    fn a_comma_in_a_text_is_not_its_end() {
        let text = beginning(format_args!("Hello, {}", "x".repeat(MAX_BYTES)), "rest");
        assert_eq!(text.len(), MAX_BYTES + "\n... rest".len());
    }

    #[test]
    fn formatting_stops_at_the_limit() {
        struct Counted<'a>(&'a Cell<usize>);
        impl Debug for Counted<'_> {
            fn fmt(&self, f: &mut Formatter) -> Result {
                self.0.set(self.0.get() + 1);
                f.write_str("12345678")
            }
        }
        let formatted = Cell::new(0);
        let nested: Vec<Vec<Counted>> = (0..100)
            .map(|_| (0..10_000).map(|_| Counted(&formatted)).collect())
            .collect();
        beginning(format_args!("{nested:?}"), "rest");
        assert_eq!(formatted.get(), MAX_BYTES / "12345678, ".len());
    }
}

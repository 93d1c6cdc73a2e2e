//! The lines by which the engine, the helper and the process that runs cells tell messages from
//! text.
//!
//! A trusted line carries the kernel's random token, so that text in a cell's output cannot pass for
//! one. The content of a value has none: any crate may print it by evcxr's public protocol.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Prefix of the engine's protocol lines.
pub(super) const PROTOCOL: &[u8] = b"EVCXR_";
/// First byte of trusted lines: a record separator, which is rare in text.
pub(super) const SEPARATOR: u8 = 0x1e;
/// Prefix of the helper's displays, before the token.
const DISPLAY: &[u8] = b"CANDLEBOOK ";
/// Line sent before a cell's code runs.
pub(super) const CELL_BEGINS: &str = "CELL_BEGINS";
/// Line that ends the engine's wait for a cell.
pub(super) const CELL_DONE: &str = "EVCXR_EXECUTION_COMPLETE";
/// Prefix of the helper's prompts.
pub(super) const INPUT_REQUEST: &[u8] = b"EVCXR_INPUT_REQUEST";
/// Line of a cell that waits for a line of its standard input.
pub(super) const INPUT_WAITS: &str = "INPUT_WAITS";
/// The engine's line for a cell that waits, with the prompt [`INPUT_WAITS`].
pub(super) const ASK_INPUT: &str = "EVCXR_INPUT_REQUEST:INPUT_WAITS";
/// Prefix of the engine's line with an answer, and the line that ends standard input.
pub(super) const INPUT_TEXT: &str = "INPUT ";
pub(super) const INPUT_END: &str = "INPUT_END";
/// Prefix of the helper's line about a value that cannot be shown, before the reason as JSON.
pub(super) const CANNOT_SHOW: &[u8] = b"CANNOT_SHOW ";
/// Prefix of the line that begins a value's content, and the line that ends it.
pub(super) const BEGIN_CONTENT: &[u8] = b"EVCXR_BEGIN_CONTENT ";
pub(super) const END_CONTENT: &[u8] = b"EVCXR_END_CONTENT";
/// Limit of the line that begins a value's content.
const MAX_OPEN_LINE: usize = 1 << 10;

/// A random token.
pub(super) fn new_token() -> String {
    let number = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", number(), number())
}

/// A trusted line, without its newline.
pub(super) fn trusted_line(token: &str, body: &str) -> String {
    format!("\u{1e}{token} {body}")
}

/// The start of unparsed output.
#[derive(Debug, PartialEq)]
pub(super) enum Start {
    /// This many bytes are text.
    Text(usize),
    /// The first bytes may become a message; wait for more.
    Incomplete,
    /// A message up to the end of this line, whose newline is at the offset.
    Message { kind: Kind, from: usize, end: usize },
}

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// A display of the helper, as JSON.
    Display,
    /// A trusted line of the engine, or one around a cell.
    Trusted,
    /// The line of evcxr's public protocol that begins a value's content.
    Open,
}

/// Analyzes unparsed output, which is not empty.
pub(super) fn start(bytes: &[u8], token: &str) -> Start {
    if bytes[0] == SEPARATOR {
        let rest = &bytes[1..];
        let (kind, prefix) = if matches(rest, DISPLAY) {
            (Kind::Display, [DISPLAY, token.as_bytes(), b" "].concat())
        } else {
            (Kind::Trusted, [token.as_bytes(), b" "].concat())
        };
        return match matches(rest, &prefix) {
            false => Start::Text(1),
            true => message(bytes, kind, 1 + prefix.len()),
        };
    }
    if matches(bytes, BEGIN_CONTENT) {
        return match message(bytes, Kind::Open, 0) {
            Start::Incomplete if bytes.len() > MAX_OPEN_LINE => Start::Text(1),
            start => start,
        };
    }
    let next = (1..bytes.len()).find(|&i| bytes[i] == SEPARATOR || matches(&bytes[i..], PROTOCOL));
    Start::Text(next.unwrap_or(bytes.len()))
}

/// A message if its line is complete. A trusted message inside an open line ends that line: the text
/// only looked like a message.
fn message(bytes: &[u8], kind: Kind, from: usize) -> Start {
    let ends = |byte: &u8| *byte == b'\n' || (kind == Kind::Open && *byte == SEPARATOR);
    match bytes.iter().skip(from).position(ends).map(|at| at + from) {
        Some(end) if bytes[end] == SEPARATOR => Start::Text(end),
        Some(end) => Start::Message { kind, from, end },
        None => Start::Incomplete,
    }
}

/// True if the bytes start with a prefix, or are the start of it.
pub(super) fn matches(bytes: &[u8], prefix: &[u8]) -> bool {
    let n = bytes.len().min(prefix.len());
    bytes[..n] == prefix[..n]
}

/// Removes the bytes up to the last complete UTF-8 character; a character that a pipe has split
/// remains.
pub(super) fn take_characters(bytes: &mut Vec<u8>) -> Vec<u8> {
    let end = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    bytes.drain(..end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_with_the_token_are_trusted() {
        fn kind(text: &str) -> Option<(Kind, &str)> {
            match start(text.as_bytes(), "t") {
                Start::Message { kind, from, end } => Some((kind, &text[from..end])),
                _ => None,
            }
        }
        assert_eq!(kind("\u{1e}t DONE\n"), Some((Kind::Trusted, "DONE")));
        assert_eq!(kind("\u{1e}CANDLEBOOK t {}\n"), Some((Kind::Display, "{}")));
        for text in ["\u{1e}DONE\n", "\u{1e}u DONE\n", "\u{1e}CANDLEBOOK {}\n"] {
            assert_eq!(start(text.as_bytes(), "t"), Start::Text(1), "{text:?}");
        }
        assert_eq!(kind("EVCXR_PANIC_NOTIFICATION\n"), None);
        assert_eq!(kind("EVCXR_INPUT_REQUEST:name\n"), None);
        let open = "EVCXR_BEGIN_CONTENT text/plain";
        assert_eq!(kind(&format!("{open}\n")), Some((Kind::Open, open)));
    }

    #[test]
    fn text_ends_where_a_message_may_start() {
        let start = |text: &str| start(text.as_bytes(), "t");
        assert_eq!(start("abc"), Start::Text(3));
        assert_eq!(start("abcEV"), Start::Text(3));
        assert_eq!(start("EVa\u{1e}"), Start::Text(3));
        assert_eq!(start("\u{1e}"), Start::Incomplete);
        assert_eq!(start("\u{1e}t "), Start::Incomplete);
        assert_eq!(start("EVCXR_BEGIN_CONTENT \u{1e}t DONE\n"), Start::Text(20));
        let endless = "EVCXR_BEGIN_CONTENT ".to_owned() + &"x".repeat(MAX_OPEN_LINE);
        assert_eq!(start(&endless), Start::Text(1));
    }

    #[test]
    fn tokens_differ() {
        assert_ne!(new_token(), new_token());
        assert_eq!(new_token().len(), 32);
    }

    #[test]
    fn a_split_character_waits_for_its_rest() {
        let mut bytes = "\u{2665}".as_bytes()[..2].to_vec();
        assert_eq!((take_characters(&mut bytes), bytes.len()), (vec![], 2));
        bytes.push("\u{2665}".as_bytes()[2]);
        assert_eq!(take_characters(&mut bytes), "\u{2665}".as_bytes());
    }
}

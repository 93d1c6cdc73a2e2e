//! The lines by which the engine, the helper and the process that runs cells tell messages from
//! text.

/// Prefix of the engine's protocol lines.
pub(super) const PROTOCOL: &[u8] = b"EVCXR_";
/// First byte of displays and of the lines around a cell: a record separator, which is rare in
/// text.
pub(super) const SEPARATOR: u8 = 0x1e;
/// Prefix of the helper's displays.
pub(super) const DISPLAY: &[u8] = b"\x1eCANDLEBOOK ";
/// Line sent before a cell's code runs.
pub(super) const CELL_BEGINS: &str = "\u{1e}CANDLEBOOK_CELL_BEGINS";
/// Line that ends the engine's wait for a cell. The separator distinguishes it from text without a
/// newline.
pub(super) const CELL_DONE: &str = "\u{1e}EVCXR_EXECUTION_COMPLETE";
/// Lines that report a panic and an error returned by `?`.
pub(super) const PANIC: &[u8] = b"EVCXR_PANIC_NOTIFICATION";
pub(super) const ERROR: &[u8] = b"EVCXR_ERROR_OCCURRED";
/// Prefix of the line that begins a value's content, and the line that ends it.
pub(super) const BEGIN_CONTENT: &[u8] = b"EVCXR_BEGIN_CONTENT";
pub(super) const END_CONTENT: &[u8] = b"EVCXR_END_CONTENT";

/// True for a line that the engine parses, apart from the end of a cell and its failures.
pub(super) fn is_protocol(line: &[u8]) -> bool {
    const PREFIXES: [&[u8]; 3] = [
        b"EVCXR_VARIABLE_CHANGED_TYPE:",
        b"EVCXR_BEGIN_CONTENT ",
        b"EVCXR_INPUT_REQUEST",
    ];
    PREFIXES.iter().any(|prefix| line.starts_with(prefix))
}

/// Offset of the first message, or of the first bytes that may become one.
pub(super) fn start_of_message(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|&i| bytes[i] == SEPARATOR || may_be_protocol(&bytes[i..]))
}

/// True if the bytes start with the protocol's prefix, or are the start of it.
pub(super) fn may_be_protocol(bytes: &[u8]) -> bool {
    let n = bytes.len().min(PROTOCOL.len());
    bytes[..n] == PROTOCOL[..n]
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
    fn a_message_may_start_at_any_prefix_of_the_protocol() {
        assert_eq!(start_of_message(b"abc"), None);
        assert_eq!(start_of_message(b"abcEV"), Some(3));
        assert_eq!(start_of_message(b"EVa\x1e"), Some(3));
    }

    #[test]
    fn a_split_character_waits_for_its_rest() {
        let mut bytes = "\u{2665}".as_bytes()[..2].to_vec();
        assert_eq!((take_characters(&mut bytes), bytes.len()), (vec![], 2));
        bytes.push("\u{2665}".as_bytes()[2]);
        assert_eq!(take_characters(&mut bytes), "\u{2665}".as_bytes());
    }
}

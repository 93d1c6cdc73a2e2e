//! Positions in a cell. Jupyter counts Unicode characters; the engine counts bytes.

/// Byte offset of a character.
pub(crate) fn byte_at(code: &str, characters: usize) -> usize {
    code.char_indices()
        .nth(characters)
        .map_or(code.len(), |(byte, _)| byte)
}

/// Number of characters before a byte offset.
pub(crate) fn characters_before(code: &str, byte: usize) -> usize {
    code[..byte.min(code.len())].chars().count()
}

/// Byte range of the identifier that contains an offset or ends at it.
pub(crate) fn word_at(code: &str, byte: usize) -> std::ops::Range<usize> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let start = code[..byte].rfind(|c| !in_word(c)).map_or(0, |i| {
        i + code[i..].chars().next().map_or(1, char::len_utf8)
    });
    let end = code[byte..]
        .find(|c| !in_word(c))
        .map_or(code.len(), |i| byte + i);
    start..end
}

/// The name in a help request: `?name`, `name?` or `:doc name`.
pub(crate) fn question(code: &str) -> Option<&str> {
    let code = code.trim();
    let name = code
        .strip_prefix('?')
        .or_else(|| code.strip_prefix(":doc "))
        .or_else(|| code.strip_suffix('?'))?
        .trim_matches('?')
        .trim();
    let is_path = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "_:.".contains(c));
    is_path.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_not_bytes() {
        assert_eq!((byte_at("aé🦀b", 3), characters_before("aé🦀b", 7)), (7, 3));
        assert_eq!(byte_at("ab", 9), 2);
        assert_eq!(word_at("let é_1 = x", 6), 4..8);
        assert_eq!(word_at("a.b", 1), 0..1);
    }

    #[test]
    fn help_requests_contain_a_name() {
        assert_eq!(question("?show"), Some("show"));
        assert_eq!(question(" Tensor::zeros? "), Some("Tensor::zeros"));
        assert_eq!(question(":doc Fit"), Some("Fit"));
        assert_eq!(question("f()?"), None);
        assert_eq!(question("?"), None);
    }
}

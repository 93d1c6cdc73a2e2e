//! Words of shell commands.

/// The word in single quotes, if a POSIX shell would read it as something else.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Splits options as a shell does, for programs that take a list: quotes join words.
///
/// # Errors
/// If a quote is not closed.
pub(super) fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    if let Some(quote) = quote {
        return Err(format!(
            "expected a closing {quote}, got the end of {text:?}"
        ));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_would_change_are_quoted() {
        assert_eq!(quoted("hidden=32"), "hidden=32");
        for (word, expected) in [
            ("", "''"),
            ("x=[1,2]", "'x=[1,2]'"),
            ("it's", "'it'\\''s'"),
            ("$(rm)", "'$(rm)'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }

    #[test]
    fn options_are_split_at_spaces_outside_of_quotes() {
        assert_eq!(
            words(" -p gpu  --comment='a b' \"\" ").unwrap(),
            ["-p", "gpu", "--comment=a b", ""]
        );
        assert_eq!(
            words("--comment='a").unwrap_err(),
            "expected a closing ', got the end of \"--comment='a\""
        );
    }
}

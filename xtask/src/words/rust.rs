//! A lexer for the comments and the string literals of Rust code.

use super::text::{Comment, Passage, grouped, without_code};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    LineComment,
    BlockComment,
    Text,
    Space,
    Code,
}

/// Comments and doc comments. Lines with the same marker that follow each other are one passage.
pub(crate) fn comments(source: &str) -> Vec<Passage> {
    let mut found = Vec::new();
    let mut own_line = true;
    for (kind, line, token) in tokens(source) {
        match kind {
            Kind::LineComment => {
                let marker = marker(token);
                let text = token[marker.len()..].to_owned();
                found.push(Comment {
                    line,
                    own_line,
                    marker,
                    text,
                });
            }
            Kind::BlockComment => {
                let inner = token
                    .trim_start_matches(['/', '*', '!'])
                    .trim_end_matches(['/', '*']);
                let lines: Vec<&str> = inner
                    .lines()
                    .map(|line| line.trim_start().trim_start_matches("* "))
                    .collect();
                found.push(Comment {
                    line,
                    own_line: false,
                    marker: "/*",
                    text: lines.join("\n"),
                });
            }
            Kind::Text | Kind::Space | Kind::Code => {}
        }
        own_line = match kind {
            Kind::Space => own_line || token.contains('\n'),
            _ => false,
        };
    }
    let mut passages = grouped(found);
    passages
        .iter_mut()
        .for_each(|passage| passage.text = without_code(&passage.text));
    passages
}

/// String literals of more than one word, up to the file's tests.
pub(crate) fn messages(source: &str) -> Vec<Passage> {
    let tested = source.find("#[cfg(test)]").unwrap_or(source.len());
    tokens(&source[..tested])
        .filter(|(kind, _, token)| *kind == Kind::Text && token.contains(' '))
        .map(|(_, line, token)| {
            let inner = token.trim_start_matches(['b', 'c', 'r', '#', '"']);
            let inner = inner.trim_end_matches(['#', '"']);
            // Each replacement keeps the number of lines.
            Passage {
                line,
                text: inner.replace("\\n", "  ").replace("\\\n", "\n"),
            }
        })
        .collect()
}

fn marker(token: &str) -> &'static str {
    match token {
        _ if token.starts_with("////") => "//",
        _ if token.starts_with("///") => "///",
        _ if token.starts_with("//!") => "//!",
        _ => "//",
    }
}

/// Every token with its line, which counts from 1.
fn tokens(source: &str) -> impl Iterator<Item = (Kind, usize, &str)> {
    let mut rest = source;
    let mut line = 1;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (kind, length) = token(rest);
        let (token, after) = rest.split_at(length);
        let start = line;
        line += token.matches('\n').count();
        rest = after;
        Some((kind, start, token))
    })
}

/// The kind and the length in bytes of the first token.
fn token(rest: &str) -> (Kind, usize) {
    if rest.starts_with("//") {
        return (Kind::LineComment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Kind::BlockComment, block_comment(rest));
    }
    if let Some(length) = string(rest) {
        return (Kind::Text, length);
    }
    let first = rest.chars().next().map_or(0, char::len_utf8);
    if rest.starts_with(char::is_whitespace) {
        return (Kind::Space, first);
    }
    if rest.starts_with('\'') {
        return (Kind::Code, character(rest));
    }
    let word = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    (Kind::Code, word.max(first))
}

/// The length of a block comment, which may hold others.
fn block_comment(rest: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        let (step, change) = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        at += step;
        depth += change;
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a string literal with its prefix, if the text begins with one.
fn string(rest: &str) -> Option<usize> {
    let raw = rest.trim_start_matches(['b', 'c']);
    let prefix = rest.len() - raw.len();
    if prefix > 1 {
        return None;
    }
    if let Some(raw) = raw.strip_prefix('r') {
        let quoted = raw.trim_start_matches('#');
        let hashes = &raw[..raw.len() - quoted.len()];
        let body = quoted.strip_prefix('"')?;
        let end = format!("\"{hashes}");
        let length = body.find(&end).map_or(body.len(), |at| at + end.len());
        return Some(rest.len() - body.len() + length);
    }
    let body = raw.strip_prefix('"')?;
    Some(prefix + 1 + quoted(body, '"'))
}

/// The length of a character literal, or of the quote of a lifetime.
fn character(rest: &str) -> usize {
    let body = &rest[1..];
    let mut characters = body.chars();
    let first = characters.next();
    if first == Some('\\') || characters.next() == Some('\'') {
        return 1 + quoted(body, '\'');
    }
    1
}

/// The length up to the closing quote, and with it.
fn quoted(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    body.len()
}

#[cfg(test)]
mod tests {
    use super::{comments, messages};

    fn texts(source: &str) -> Vec<(usize, String)> {
        comments(source)
            .into_iter()
            .map(|passage| (passage.line, passage.text))
            .collect()
    }

    #[test]
    fn lines_of_one_kind_are_one_comment() {
        let source =
            "//! The map.\n//! More.\n\n/// A doc.\n// A why.\nlet x = 1; // After.\n// Next.\n";
        let expected = [
            (1, " The map.\n More."),
            (4, " A doc."),
            (5, " A why."),
            (6, " After."),
            (7, " Next."),
        ];
        assert_eq!(
            texts(source),
            expected.map(|(line, text)| (line, text.to_owned()))
        );
    }

    #[test]
    fn strings_and_characters_are_no_comments() {
        let source = r####"let a = "// no"; let b = r#"" // no"#; let c = '"'; let d = b"\"// no";
fn f<'a>(x: &'a str) { let q = '\''; } // yes
let car = "http://no"; /* outer /* inner */ still */ let r = 1;"####;
        assert_eq!(
            texts(source),
            [
                (2, " yes".to_owned()),
                (3, "outer /* inner */ still ".to_owned())
            ]
        );
    }

    #[test]
    fn code_in_docs_is_left_out() {
        let source = "/// Adds.\n/// ```\n/// let so = many; // A sum.\n/// ```\n/// Uses `so many` and `None`.\nfn f() {}\n";
        assert_eq!(
            texts(source),
            [(1, " Adds.\n\nA sum.\n\n Uses _ and None.".to_owned())]
        );
    }

    #[test]
    fn messages_keep_their_lines() {
        let source = "let a = \"word\";\nlet b = \"two words \\\n    more\";\n#[cfg(test)]\nmod tests { \"not this\" }\n";
        let found: Vec<_> = messages(source)
            .into_iter()
            .map(|m| (m.line, m.text))
            .collect();
        assert_eq!(found, [(2, "two words \n    more".to_owned())]);
    }
}

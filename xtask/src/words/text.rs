//! Passages of prose: grouped comment lines, Markdown without its code, Python comments, notebooks.

/// A piece of prose. Its lines are those of the file, from `line` on.
pub(crate) struct Passage {
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Passage {
    /// The line of the file at a position in the text.
    pub(crate) fn line_at(&self, position: usize) -> usize {
        self.line + self.text[..position].matches('\n').count()
    }
}

/// A comment as it is in the file.
pub(crate) struct Comment {
    pub(crate) line: usize,
    /// No code precedes it on its line.
    pub(crate) own_line: bool,
    pub(crate) marker: &'static str,
    pub(crate) text: String,
}

/// Joins comments that are alone on consecutive lines and have the same marker.
pub(crate) fn grouped(comments: Vec<Comment>) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    let mut last: Option<(usize, &str)> = None;
    for comment in comments {
        let continues = comment.own_line && last == Some((comment.line, comment.marker));
        match passages.last_mut().filter(|_| continues) {
            Some(passage) => {
                passage.text.push('\n');
                passage.text.push_str(&comment.text);
            }
            None => passages.push(Passage {
                line: comment.line,
                text: comment.text,
            }),
        }
        last = comment
            .own_line
            .then_some((comment.line + 1, comment.marker));
    }
    passages
}

/// Markdown without its code: of blocks only the comments remain, of spans only single words.
pub(crate) fn without_code(markdown: &str) -> String {
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in markdown.split('\n') {
        let fence = line.trim_start().starts_with("```");
        lines.push(match (fence, fenced) {
            (true, _) => "",
            (false, true) => line.split_once("// ").map_or("", |(_, comment)| comment),
            (false, false) => line,
        });
        fenced ^= fence;
    }
    without_spans(&lines.join("\n"))
}

fn without_spans(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        out.push_str(before);
        // A span does not go beyond its paragraph.
        let Some((span, after)) = after
            .split_once('`')
            .filter(|(span, _)| !span.contains("\n\n"))
        else {
            rest = after;
            continue;
        };
        match span.chars().all(char::is_alphanumeric) {
            true => out.push_str(span),
            false => out.push('_'),
        }
        out.extend(span.chars().filter(|c| *c == '\n'));
        rest = after;
    }
    out + rest
}

/// Comments and docstrings of Python code.
pub(crate) fn python(source: &str) -> Vec<Passage> {
    let mut found = Vec::new();
    let mut rest = source;
    let (mut line, mut own_line, mut statement) = (1, true, true);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' => python_string(rest, first),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        let text = match first {
            '#' => Some(token[1..].to_owned()),
            '"' if own_line && statement && token.starts_with("\"\"\"") => {
                Some(token.trim_matches('"').to_owned())
            }
            _ => None,
        };
        if let Some(text) = text {
            let marker = if first == '#' { "#" } else { "\"\"\"" };
            found.push(Comment {
                line,
                own_line: own_line && first == '#',
                marker,
                text,
            });
        }
        if !first.is_whitespace() && first != '#' {
            // A docstring is the first statement of a file or a block.
            statement = first == ':';
        }
        own_line = if first == '\n' {
            true
        } else {
            own_line && first.is_whitespace()
        };
        line += token.matches('\n').count();
        rest = after;
    }
    grouped(found)
}

fn python_string(rest: &str, quote: char) -> usize {
    let triple = quote.to_string().repeat(3);
    let end = if rest.starts_with(&triple) {
        triple
    } else {
        quote.to_string()
    };
    let mut at = end.len();
    while at < rest.len() && !rest[at..].starts_with(&end) {
        let mut characters = rest[at..].chars();
        let escape = characters.next().filter(|c| *c == '\\');
        at += escape.map_or(0, char::len_utf8);
        at += rest[at..].chars().next().map_or(0, char::len_utf8);
    }
    (at + end.len()).min(rest.len())
}

/// The Markdown cells of a notebook, and the comments of its code cells.
///
/// # Errors
/// If the text is not a notebook.
pub(crate) fn notebook(json: &str) -> Result<Vec<Passage>, String> {
    let document: serde_json::Value =
        serde_json::from_str(json).map_err(|error| error.to_string())?;
    let cells = document["cells"]
        .as_array()
        .ok_or("expected a list of cells, got none")?;
    let mut passages = Vec::new();
    for cell in cells {
        let source = &cell["source"];
        let lines: Vec<&str> = match source.as_array() {
            Some(lines) => lines.iter().filter_map(|line| line.as_str()).collect(),
            None => source.as_str().into_iter().collect(),
        };
        let text = match cell["cell_type"].as_str() {
            Some("markdown") => lines.concat(),
            Some("code") => format!("```\n{}\n```", lines.concat()),
            _ => continue,
        };
        let first = lines
            .first()
            .map(|line| serde_json::Value::from(*line).to_string());
        let line = first.and_then(|first| json.find(&first)).unwrap_or(0);
        let line = json[..line].matches('\n').count() + 1;
        // A cell can be one line of the file: its lines must not move the count.
        passages.push(Passage {
            line,
            text: without_code(&text).replace('\n', " "),
        });
    }
    Ok(passages)
}

#[cfg(test)]
mod tests {
    use super::{Passage, notebook, python, without_code};

    fn pairs(passages: Vec<Passage>) -> Vec<(usize, String)> {
        passages
            .into_iter()
            .map(|passage| (passage.line, passage.text))
            .collect()
    }

    #[test]
    fn markdown_keeps_its_lines() {
        let text = "One `a b`\n```rust\nlet x = 1; // A sum.\n```\n`None` at `the\nend`.";
        assert_eq!(without_code(text), "One _\n\nA sum.\n\nNone at _\n.");
        assert_eq!(without_code("A ` alone"), "A  alone");
    }

    #[test]
    fn python_has_comments_and_docstrings() {
        let source = "\"\"\"Doc.\"\"\"\nx = '# no' # yes\n# one\n# two\ndef f():\n    \"\"\"F's.\n    doc\"\"\"\n    g(\"\"\"# no\"\"\", \"\\\"# no\")\nY = \"\"\"\nno\"\"\"\n";
        let expected = [
            (1, "Doc."),
            (2, " yes"),
            (3, " one\n two"),
            (6, "F's.\n    doc"),
        ];
        assert_eq!(
            pairs(python(source)),
            expected.map(|(line, text)| (line, text.to_owned()))
        );
    }

    #[test]
    fn notebooks_have_markdown_and_comments() {
        let json = "{\"cells\": [\n{\"cell_type\": \"markdown\", \"source\": [\n\"# A\\n\",\n\"tour\"]},\n{\"cell_type\": \"code\", \"source\": \"x // y\"}]}";
        let expected = [(3, "# A tour".to_owned()), (5, " y ".to_owned())];
        assert_eq!(pairs(notebook(json).unwrap()), expected);
        assert!(notebook("{}").is_err());
    }
}

//! Text of doc comments, as a reader of a notebook needs it.

/// The docs without the lines that doc tests hide and without links into the crate.
pub(super) fn readable(docs: &str) -> String {
    let mut in_code = false;
    let mut lines = Vec::new();
    for line in docs.lines() {
        if line.trim_start().starts_with("```") {
            lines.push(if in_code { "```" } else { "```rust" }.to_owned());
            in_code = !in_code;
        } else if !in_code {
            lines.push(without_links(line));
        } else if !is_hidden(line) {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n").trim().to_owned()
}

/// True for a line of a doc test that rustdoc hides.
pub(super) fn is_hidden(line: &str) -> bool {
    let line = line.trim();
    line == "#" || line.starts_with("# ")
}

/// Replaces links to items by their text. Links to the web, and brackets of intervals such as
/// [0, 1], stay.
fn without_links(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, text, after)) = next_link(rest) {
        out += before;
        out += text;
        rest = after;
    }
    out + rest
}

/// The text before the next link to an item, its own text, and the text after it.
fn next_link(text: &str) -> Option<(&str, &str, &str)> {
    let starts = text.match_indices('[').map(|(start, _)| start);
    starts.into_iter().find_map(|start| {
        let inner = &text[start + 1..];
        let (label, after) = inner.split_once(']')?;
        let target = after.strip_prefix('(').and_then(split_target);
        match target {
            Some((target, _)) if target.starts_with("http") => None,
            Some((_, after)) => Some((&text[..start], label, after)),
            None if label.starts_with('`') && label.ends_with('`') => {
                Some((&text[..start], label, after))
            }
            None => None,
        }
    })
}

/// The target of a link, and the text after its parenthesis. Targets such as `crate::f()` have
/// parentheses of their own.
fn split_target(text: &str) -> Option<(&str, &str)> {
    let mut open = 0;
    let (end, _) = text.char_indices().find(|&(_, c)| match c {
        '(' => {
            open += 1;
            false
        }
        ')' if open == 0 => true,
        ')' => {
            open -= 1;
            false
        }
        _ => false,
    })?;
    Some((&text[..end], &text[end + 1..]))
}

/// The first sentence, on one line.
pub(super) fn summary(docs: &str) -> String {
    let paragraph: Vec<&str> = docs
        .lines()
        .skip_while(|line| line.trim().is_empty())
        .take_while(|line| !line.trim().is_empty())
        .map(str::trim)
        .collect();
    let paragraph = without_links(&paragraph.join(" "));
    match sentence_end(&paragraph) {
        Some(end) => paragraph[..end].to_owned(),
        None => paragraph,
    }
}

/// The end of the first sentence: a period before a capital letter. Periods of abbreviations and
/// numbers are none.
fn sentence_end(text: &str) -> Option<usize> {
    let mut periods = text.match_indices(". ").map(|(at, _)| at);
    periods
        .find(|at| {
            let next = text[at + 2..].chars().next();
            next.is_some_and(|c| c.is_uppercase() || c == '`') && !text[..*at].ends_with("al")
        })
        .map(|at| at + 1)
}

/// The default of a setting, and its docs without that sentence: settings end with "Defaults to 10."
pub(super) fn split_default(docs: &str) -> (Option<String>, String) {
    const WORDS: &str = "Defaults to ";
    let text = docs
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" ")
        .trim()
        .to_owned();
    let text = without_links(&text);
    let Some((before, rest)) = text.split_once(WORDS) else {
        return (None, text);
    };
    let (default, after) = match rest.split_once(". ") {
        Some((default, after)) => (default, after),
        None => (rest.trim_end_matches('.'), ""),
    };
    let meaning = format!("{} {after}", before.trim_end());
    (Some(default.to_owned()), meaning.trim().to_owned())
}

/// The docs before the first heading, and the rest.
pub(super) fn split_headings(docs: &str) -> (&str, &str) {
    let start = if docs.starts_with("# ") {
        Some(0)
    } else {
        docs.find("\n# ").map(|at| at + 1)
    };
    match start {
        Some(start) => (docs[..start].trim_end(), &docs[start..]),
        None => (docs, ""),
    }
}

/// Markdown with headings that are no larger than those of lists of names.
pub(super) fn with_small_headings(markdown: &str) -> String {
    let mut in_code = false;
    let mut lines = Vec::new();
    for line in markdown.lines() {
        in_code ^= line.starts_with("```");
        match line.strip_prefix("# ") {
            Some(title) if !in_code => lines.push(format!("**{title}**\n")),
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

/// Markdown as plain text: headings without marks, code indented.
pub(super) fn plain(markdown: &str) -> String {
    let mut in_code = false;
    let mut lines = Vec::new();
    for line in markdown.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            lines.push(format!("    {line}"));
        } else {
            lines.push(line.trim_start_matches(['#', ' ']).to_owned());
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_lines_and_links_into_the_crate_are_removed() {
        let docs = "Uses [`Fit`] and [the `loss`](crate::Loss), in [0, 1].\n\n```no_run\n# use a;\nlet a = [1, 2];\n#\n#[test]\n```";
        assert_eq!(
            readable(docs),
            "Uses `Fit` and the `loss`, in [0, 1].\n\n```rust\nlet a = [1, 2];\n#[test]\n```"
        );
        let function = "A [`Gaussian`](crate::layer::Gaussian()) layer (the last one).";
        assert_eq!(readable(function), "A `Gaussian` layer (the last one).");
        let web = "See [the book](https://doc.rust-lang.org/book).";
        assert_eq!(readable(web), web);
        assert_eq!(
            plain("# Examples\n```rust\nlet a = 1;\n```"),
            "Examples\n    let a = 1;"
        );
    }

    #[test]
    fn headings_are_bold_lines_and_code_stays() {
        let text = "# Errors\nNone.\n```rust\n# a\n```";
        assert_eq!(
            with_small_headings(text),
            "**Errors**\n\nNone.\n```rust\n# a\n```"
        );
    }

    #[test]
    fn a_summary_is_the_first_sentence() {
        assert_eq!(summary("Trains the\nmodel. It stops."), "Trains the model.");
        assert_eq!(
            summary("As Vincent et al. 2008 say"),
            "As Vincent et al. 2008 say"
        );
        assert_eq!(
            summary("Uses 0.5 of [`Fit`].\n\nMore."),
            "Uses 0.5 of `Fit`."
        );
    }

    #[test]
    fn the_default_of_a_setting_is_found_in_its_docs() {
        let split = |docs: &str| split_default(docs);
        assert_eq!(
            split("Step size. Defaults to 0.001."),
            (Some("0.001".into()), "Step size.".into())
        );
        assert_eq!(
            split("Minutes. Defaults to\n10. Must be positive."),
            (Some("10".into()), "Minutes. Must be positive.".into())
        );
        assert_eq!(split("Wall time."), (None, "Wall time.".into()));
    }

    #[test]
    fn headings_end_the_description() {
        assert_eq!(split_headings("a\n\n# Errors\nb"), ("a", "# Errors\nb"));
        assert_eq!(split_headings("a"), ("a", ""));
    }
}

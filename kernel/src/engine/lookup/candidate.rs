//! A name that completion offers.

use super::analyzer::Completion;

/// A name that completion offers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    /// The text to insert: a name, without arguments that would have to be deleted.
    pub(crate) text: String,
    /// The kind in Jupyter's words: `function`, `instance`, `class`, `module`, `keyword`.
    pub(crate) kind: &'static str,
    /// The arguments of a function, in parentheses.
    pub(crate) arguments: String,
}

impl Candidate {
    /// The name in a completion of rust-analyzer; `None` for snippets and for names that the engine
    /// generates.
    pub(super) fn new(found: &Completion) -> Option<Candidate> {
        let name = leading_name(&found.code);
        let rest = &found.code[name.len()..];
        let is_generated =
            name.to_lowercase().starts_with("evcxr") || name.starts_with("candlebook_");
        // A snippet inserts other text than its name; a struct is offered without its fields too.
        let is_snippet = name != leading_name(&found.label)
            || (rest.starts_with(" {") && found.kind != "keyword");
        if name.is_empty() || is_generated || is_snippet {
            return None;
        }
        let macro_mark = if rest.starts_with('!') { "!" } else { "" };
        let arguments = if rest.starts_with('(') {
            rest.split(';').next()
        } else {
            None
        };
        Some(Candidate {
            text: format!("{name}{macro_mark}"),
            kind: found.kind,
            arguments: arguments
                .unwrap_or_default()
                .replace("()", "_")
                .replace("(_)", "(..)"),
        })
    }

    /// A command.
    pub(super) fn command(name: &str) -> Candidate {
        Candidate {
            text: name.into(),
            kind: "magic",
            arguments: String::new(),
        }
    }

    /// The rest of a struct literal.
    pub(super) fn defaults(text: &str) -> Candidate {
        Candidate {
            text: text.into(),
            kind: "keyword",
            arguments: String::new(),
        }
    }

    /// True for a field or variable, as opposed to a function.
    pub(super) fn is_value(&self) -> bool {
        self.kind == "instance"
    }
}

/// The identifier at the start of a text, which may be a raw one or the number of a field.
fn leading_name(text: &str) -> &str {
    let body = text.strip_prefix("r#").unwrap_or(text);
    let prefix = text.len() - body.len();
    let end = body
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(body.len());
    &text[..prefix + end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_is_inserted() {
        let candidate = |code: &str, label: &str| {
            let found = Completion {
                code: code.into(),
                label: label.into(),
                kind: "function",
            };
            Candidate::new(&found).map(|candidate| (candidate.text, candidate.arguments))
        };
        let one = |text: &str, arguments: &str| Some((text.to_owned(), arguments.to_owned()));
        assert_eq!(
            candidate("fit(&data, fit)", "fit(…)"),
            one("fit", "(&data, fit)")
        );
        assert_eq!(candidate("println!()", "println!(…)"), one("println!", ""));
        assert_eq!(candidate("show::", "show::"), one("show", ""));
        assert_eq!(candidate("epochs", "epochs"), one("epochs", ""));
        assert_eq!(candidate("Linear(())", "Linear(…)"), one("Linear", "(..)"));
        assert_eq!(candidate("evcxr_display()", "evcxr_display()"), None);
        assert_eq!(candidate("EvcxrUserCodeError", "EvcxrUserCodeError"), None);
        assert_eq!(candidate("eprintln!(\"\")", "pd"), None);
        assert_eq!(candidate("Fit { epochs: () }", "Fit {…}"), None);
    }
}

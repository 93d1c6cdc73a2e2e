//! Questions of lookups to the engine's rust-analyzer.

use evcxr::CommandContext;

/// Completions as rust-analyzer gives them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Completions {
    pub(super) items: Vec<Completion>,
    /// The bytes of the cell that a completion replaces.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A completion as rust-analyzer gives it.
#[derive(Clone, Debug)]
pub(crate) struct Completion {
    /// The text to insert, with names for the arguments.
    pub(super) code: String,
    /// The text for the list.
    pub(super) label: String,
    /// The kind in Jupyter's words.
    pub(super) kind: &'static str,
}

/// Answers questions about a cell that follows the cells that have run.
pub(crate) trait Analyzer {
    /// Completions at a byte offset.
    fn completions(&mut self, code: &str, byte: usize) -> Option<Completions>;
    /// The description of the name that ends at a byte offset, as text and as HTML.
    fn hover(&mut self, code: &str, end: usize) -> Option<(String, String)>;

    /// The type of an expression, the bytes `start..end` of a cell.
    fn type_of(&mut self, code: &str, start: usize, end: usize) -> Option<String> {
        const NAME: &str = "candlebook_value";
        let expression = &code[start..end];
        // The expression may be in a macro, whose arguments have no types yet.
        let line = code[..start].rfind(['\n', ';']).map_or(0, |at| at + 1);
        [start, line, 0].into_iter().find_map(|start| {
            let before = &code[..start];
            let code = format!("{before}{{ let {NAME} = {expression}; {NAME}");
            let (text, _) = self.hover(&code, code.len())?;
            let mut types = text.lines().filter_map(|line| variable_type(line, NAME));
            types.next().map(str::to_owned)
        })
    }
}

/// The type in the description of a variable: `let mut x: u8`.
pub(super) fn variable_type<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let line = line.strip_prefix("let ").unwrap_or(line);
    let line = line.strip_prefix("mut ").unwrap_or(line);
    Some(line.strip_prefix(name)?.strip_prefix(": ")?.trim())
}

impl Analyzer for CommandContext {
    fn completions(&mut self, code: &str, byte: usize) -> Option<Completions> {
        let found = CommandContext::completions(self, code, byte).ok()?;
        let items = found.completions.into_iter().map(|item| Completion {
            code: item.code,
            label: item.label,
            kind: item.kind,
        });
        Some(Completions {
            items: items.collect(),
            start: found.start_offset,
            end: found.end_offset,
        })
    }

    fn hover(&mut self, code: &str, end: usize) -> Option<(String, String)> {
        let (text, html) = self.hover_at(code, end).ok()?;
        (text != "No documentation found").then_some((text, html))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Hovers(Vec<String>);

    impl Analyzer for Hovers {
        fn completions(&mut self, _: &str, _: usize) -> Option<Completions> {
            None
        }

        fn hover(&mut self, code: &str, end: usize) -> Option<(String, String)> {
            self.0.push(code[..end].to_owned());
            Some(("let candlebook_value: Vec<u8>".into(), String::new()))
        }
    }

    #[test]
    fn the_type_of_an_expression_is_that_of_a_variable() {
        let mut hovers = Hovers(Vec::new());
        assert_eq!(hovers.type_of("f(a.b()", 2, 7).as_deref(), Some("Vec<u8>"));
        assert_eq!(
            hovers.0,
            ["f({ let candlebook_value = a.b(); candlebook_value"]
        );
    }
}

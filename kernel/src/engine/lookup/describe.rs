//! The description of a name: `?name`, and the front end's tooltip.

use super::super::code::word_at;
use super::super::reference::Page;
use super::analyzer::{Analyzer, variable_type};
use super::sources::helper;
use serde_json::{Map, Value, json};

/// A description, by MIME type.
pub(crate) struct Description {
    text: String,
    markdown: Option<String>,
    html: Option<String>,
}

/// Describes the name that ends at a byte offset.
///
/// rust-analyzer says what the name means, so that a variable or an item of the cells comes before an
/// item of the helper of the same name. The helper's own items have pages.
pub(crate) fn describe(analyzer: &mut dyn Analyzer, code: &str, end: usize) -> Option<Description> {
    let word = &code[word_at(code, end)];
    let Some((text, html)) = hover(analyzer, code, end) else {
        // A name of the helper that needs its module, such as `train::Event`.
        let is_alone = !code[..word_at(code, end).start].ends_with(['.', ':']);
        let page = helper().importable(word).filter(|_| is_alone)?;
        return Some(page.into());
    };
    let (path, body) = split_path(&text);
    if let Some(path) = path.filter(|path| path.split("::").next() == Some("candlebook")) {
        let owner = path.rsplit("::").next().unwrap_or(path);
        // A private item has no page.
        if let Some(page) = helper().page(owner, word) {
            return Some(page.into());
        }
    }
    if path.is_none()
        && let Some(page) = variable_page(body, word)
    {
        return Some(page.into());
    }
    // The cells' own items are in a crate that the engine generates.
    let own = path.is_some_and(|path| path.split("::").next() == Some("ctx"));
    let text = without_hidden_lines(if own { body } else { &text });
    let html = Some(if own {
        without_first_block(&html)
    } else {
        html
    });
    Some(Description {
        text,
        markdown: None,
        html,
    })
}

/// The description of the name that ends at a byte offset. After a dot, a name without parentheses
/// is a private field's before it is a method's, so the method is looked up too.
fn hover(analyzer: &mut dyn Analyzer, code: &str, end: usize) -> Option<(String, String)> {
    let found = analyzer.hover(code, end);
    let start = word_at(code, end).start;
    let is_usable = |(text, _): &(String, String)| {
        let (_, body) = split_path(text);
        body.starts_with("pub ") || body.contains("fn ")
    };
    if !code[..start].ends_with('.') || found.as_ref().is_some_and(is_usable) {
        return found;
    }
    let call = format!("{}(", &code[..end]);
    analyzer.hover(&call, call.len()).or(found)
}

/// HTML without its first block of code, the name of the generated crate.
fn without_first_block(html: &str) -> String {
    const END: &str = "</pre>";
    match html.split_once(END) {
        Some((_, rest)) if html.starts_with("<pre>") => rest.trim_start().to_owned(),
        _ => html.to_owned(),
    }
}

impl Description {
    /// The content by MIME type.
    pub(crate) fn content(self) -> Map<String, Value> {
        let texts = [
            ("text/plain", Some(self.text)),
            ("text/markdown", self.markdown),
            ("text/html", self.html),
        ];
        let given = texts
            .into_iter()
            .filter_map(|(mime, text)| Some((mime.to_owned(), json!(text?))));
        given.collect()
    }
}

impl From<Page> for Description {
    fn from(page: Page) -> Description {
        Description {
            text: page.text.trim_end().to_owned(),
            markdown: Some(page.markdown),
            html: None,
        }
    }
}

/// The path in a description's first line, if it has one, and the rest.
fn split_path(text: &str) -> (Option<&str>, &str) {
    match text.split_once("\n\n") {
        Some((path, body)) if !path.contains(char::is_whitespace) => (Some(path), body),
        _ => (None, text),
    }
}

/// The page of a variable: its type, and what that is.
fn variable_page(text: &str, word: &str) -> Option<Page> {
    let declared = text.lines().next()?;
    let type_name = variable_type(declared, word)?;
    let mut page = Page::default();
    page.code(declared);
    let base = type_name
        .trim_start_matches('&')
        .split('<')
        .next()
        .unwrap_or(type_name);
    if let Some(about) = helper().about(base) {
        page.prose(&about);
        page.prose(&format!("`?{base}` shows its methods."));
    }
    Some(page)
}

/// The text without the lines that doc tests hide.
fn without_hidden_lines(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("# ") && *line != "#");
    let text = lines.collect::<Vec<_>>().join("\n");
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::analyzer::Completions;
    use super::*;

    struct Hover(&'static str);

    impl Analyzer for Hover {
        fn completions(&mut self, _: &str, _: usize) -> Option<Completions> {
            None
        }

        fn hover(&mut self, _: &str, _: usize) -> Option<(String, String)> {
            Some((self.0.to_owned(), String::new()))
        }
    }

    fn text(hover: &'static str, code: &str) -> String {
        describe(&mut Hover(hover), code, code.len()).unwrap().text
    }

    #[test]
    fn settings_are_listed_with_type_default_and_meaning() {
        let page = text("candlebook::train::fit\n\npub struct Fit {", "Fit");
        let learning_rate =
            "learning_rate: f64, default 0.001\n        Step size of the optimizer.";
        assert!(page.contains(learning_rate), "{page}");
        assert!(!page.contains("# use"), "{page}");
    }

    #[test]
    fn methods_are_listed_by_group_without_private_ones() {
        let page = text(
            "candlebook::model::autoencoder\n\npub struct Autoencoder {",
            "Autoencoder",
        );
        for line in [
            "Training\n",
            ".fit(data, fit)",
            "Autoencoder::load(path)",
            "Views of a trained model\n",
        ] {
            assert!(page.contains(line), "{line}: {page}");
        }
        assert!(
            !page.contains("run_layers") && !page.contains("plan:"),
            "{page}"
        );
    }

    #[test]
    fn a_method_a_variant_and_a_function_have_pages() {
        let fit = text(
            "candlebook::train::autoencoder::Autoencoder\n\npub fn fit",
            "ae.fit",
        );
        assert!(fit.starts_with("fn fit(&mut self, data: &Dataset, fit: &Fit) -> Result<History>"));
        let linear = text("candlebook::layer::layer::Layer\n\nLinear(usize)", "Linear");
        assert!(linear.starts_with("Layer::Linear(usize)"), "{linear}");
        assert!(text("candlebook::show::display\n\npub fn show", "show").contains("fn show(value"));
    }

    #[test]
    fn variables_and_own_items_are_described() {
        let ae = text("mut ae: Autoencoder", "ae");
        assert!(
            ae.starts_with("mut ae: Autoencoder\n\nAn autoencoder"),
            "{ae}"
        );
        assert_eq!(
            text("ctx\n\nfn double(x: f64) -> f64\n\n\nDoubles.", "double"),
            "fn double(x: f64) -> f64\n\n\nDoubles."
        );
        assert_eq!(
            text("a::B\n\nfn f()\n# use a;\nf();", "f"),
            "a::B\n\nfn f()\nf();"
        );
    }
}

//! Text in markup languages: HTML, SVG, Markdown, LaTeX and JSON.

use crate::error::{Error, Result};
use crate::show::content::Content;

/// Renders HTML. Front ends run its scripts only in trusted notebooks.
///
/// # Examples
/// ```
/// candlebook::show::page::html("<b>Hi there!</b>");
/// ```
pub fn html(html: impl Into<String>) -> Content {
    let html = html.into();
    Content::text(without_tags(&html)).html(html)
}

/// Renders an SVG drawing.
///
/// # Errors
/// If the text has no `<svg`.
///
/// # Examples
/// ```
/// candlebook::show::page::svg("<svg width='20' height='20'><circle cx='10' cy='10' r='8'/></svg>")?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn svg(drawing: impl Into<String>) -> Result<Content> {
    let drawing = drawing.into();
    if !drawing.contains("<svg") {
        let start: String = drawing.chars().take(40).collect();
        return Err(Error::setting(
            "svg",
            "a drawing that starts with <svg",
            format!("{start:?}"),
            "To show a file, use Image::open(path)",
        ));
    }
    Ok(Content::text("SVG drawing").with("image/svg+xml", drawing))
}

/// Renders Markdown.
///
/// # Examples
/// ```
/// candlebook::show::page::markdown("A **bold** claim");
/// ```
pub fn markdown(text: impl Into<String>) -> Content {
    let text = text.into();
    Content::text(text.clone()).with("text/markdown", text)
}

/// Renders a LaTeX formula, with or without dollar signs around it.
///
/// # Examples
/// ```
/// candlebook::show::page::latex(r"\frac{1}{n} \sum_i (x_i - \hat x_i)^2");
/// ```
pub fn latex(formula: impl Into<String>) -> Content {
    let formula = formula.into();
    let inner = formula.trim().trim_matches('$').trim().to_owned();
    Content::text(formula).with("text/latex", format!("$$ {inner} $$"))
}

/// Renders a value as JSON, which JupyterLab shows as a collapsible tree.
///
/// # Errors
/// If the value has no JSON form, such as a map with non-string keys.
///
/// # Examples
/// ```
/// candlebook::show::page::json(&vec![1, 2, 3])?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn json(value: &impl serde::Serialize) -> Result<Content> {
    let value = serde_json::to_value(value).map_err(|error| {
        Error::setting(
            "json",
            "a value with a JSON form",
            error,
            "Use strings as keys of maps",
        )
    })?;
    let text = serde_json::to_string_pretty(&value).unwrap_or_else(|_| value.to_string());
    Ok(Content::text(text).with("application/json", value))
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

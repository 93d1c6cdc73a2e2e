//! Declarations of functions on one line.

use super::item::Function;
use ra_ap_syntax::ast::{self, HasName, HasVisibility};
use ra_ap_syntax::{AstNode, SyntaxKind, SyntaxNode};

/// True for an item that other crates can use: `pub` without a restriction.
pub(super) fn is_public(item: &impl HasVisibility) -> bool {
    item.visibility()
        .is_some_and(|visibility| visibility.syntax().text() == "pub")
}

/// A function with its docs, found in a file.
pub(super) fn function(declared: &ast::Fn, docs: String, file: &str) -> Option<Function> {
    let parameters = declared.param_list();
    let takes_self = parameters
        .as_ref()
        .is_some_and(|list| list.self_param().is_some());
    let arguments = parameters.iter().flat_map(|list| list.params());
    let arguments = arguments.filter_map(|parameter| Some(name_of_pattern(&parameter.pat()?)));
    Some(Function {
        name: declared.name()?.text().to_string(),
        signature: signature(declared)?,
        arguments: arguments.collect(),
        takes_self,
        docs,
        file: file.to_owned(),
    })
}

fn name_of_pattern(pattern: &ast::Pat) -> String {
    match pattern {
        ast::Pat::IdentPat(name) => name
            .name()
            .map_or_else(|| "_".into(), |name| name.text().to_string()),
        other => other.syntax().text().to_string(),
    }
}

/// The declaration from `fn` to the body, on one line.
fn signature(declared: &ast::Fn) -> Option<String> {
    let start = declared.fn_token()?.text_range().start();
    let whole = declared.syntax();
    let end = declared.body().map_or(whole.text_range().end(), |body| {
        body.syntax().text_range().start()
    });
    let offset = whole.text_range().start();
    let text = whole.text().slice(start - offset..end - offset).to_string();
    Some(on_one_line(text.trim_end_matches(';')))
}

/// The text of a node on one line, without comments.
pub(super) fn node_on_one_line(node: &SyntaxNode) -> String {
    let tokens = node.descendants_with_tokens();
    let tokens = tokens.filter_map(|element| element.into_token());
    let code = tokens.filter(|token| token.kind() != SyntaxKind::COMMENT);
    on_one_line(
        &code
            .map(|token| token.text().to_owned())
            .collect::<String>(),
    )
}

/// Text on one line, without the spaces and the comma that rustfmt puts into a broken list.
pub(super) fn on_one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace("( ", "(")
        .replace(", )", ")")
        .replace(", }", " }")
        .replace(" )", ")")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ra_ap_syntax::ast::HasModuleItem;
    use ra_ap_syntax::{Edition, SourceFile};

    #[test]
    fn a_signature_is_one_line_without_the_body() {
        let text =
            "pub fn fit(\n    &mut self,\n    mut data: &Dataset,\n) -> Result<()> {\n    f()\n}";
        let tree = SourceFile::parse(text, Edition::Edition2024).tree();
        let Some(ast::Item::Fn(declared)) = tree.items().next() else {
            panic!("no function");
        };
        assert!(is_public(&declared));
        let found = function(&declared, String::new(), "a.rs").unwrap();
        assert_eq!(
            found.signature,
            "fn fit(&mut self, mut data: &Dataset) -> Result<()>"
        );
        assert_eq!(
            (found.arguments, found.takes_self),
            (vec!["data".into()], true)
        );
    }
}

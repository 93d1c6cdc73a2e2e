//! Statics that exist once.
//!
//! The engine compiles a cell's items into every later cell, so that a static would exist once per
//! cell. The kernel gives each static a symbol of its own (see `engine::items`). The first cell defines
//! and exports the symbol; later cells refer to it.

use super::edits::{Edits, line_breaks};
use super::generated::bytes;
use crate::build::environment::SHIM_FOLDER;
use ra_ap_syntax::ast::{self, HasAttrs, HasName, HasVisibility};
use ra_ap_syntax::{AstNode, SyntaxKind, SyntaxNode};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Prefix of the symbols of cells' statics.
pub(crate) const STATIC_SYMBOL: &str = "candlebook_static_";

/// The file of a session that lists the symbols which the running process has loaded, one a line.
pub(crate) fn statics_file(session: &Path) -> PathBuf {
    session.join(SHIM_FOLDER).join("statics")
}

/// The file of a session with the source of the last cell as the engine wrote it. Its lines are those
/// of errors at run time.
pub(crate) fn engine_source_file(session: &Path) -> PathBuf {
    session.join(SHIM_FOLDER).join("cell.rs")
}

/// Replaces statics that a loaded cell defines by references to them.
pub(super) fn refer_to_loaded(
    text: &str,
    source: &SyntaxNode,
    loaded: &HashSet<String>,
    edits: &mut Edits,
) {
    for item in source.descendants().filter_map(ast::Static::cast) {
        let Some(symbol) = symbol(&item).filter(|symbol| loaded.contains(symbol)) else {
            continue;
        };
        if let Some(reference) = reference(&item, &symbol) {
            let range = bytes(item.syntax());
            let breaks = line_breaks(&text[range.clone()]);
            edits.replace(range, reference + &"\n".repeat(breaks));
        }
    }
}

/// The symbol that the kernel gave to a static.
fn symbol(item: &ast::Static) -> Option<String> {
    item.attrs().find_map(|attribute| {
        let text = attribute.syntax().text().to_string();
        let (_, symbol) = text.split_once("export_name = \"")?;
        let symbol = symbol.split_once('"')?.0;
        symbol.starts_with(STATIC_SYMBOL).then(|| symbol.to_owned())
    })
}

fn reference(item: &ast::Static, symbol: &str) -> Option<String> {
    let name = item.name()?.syntax().text().to_string();
    let kind = with_lifetimes(item.ty()?.syntax()).replace('\n', " ");
    let visibility = item.visibility();
    let visibility = visibility.map(|visibility| visibility.syntax().text().to_string());
    let qualifier = if item.mut_token().is_some() {
        "unsafe static mut"
    } else {
        "safe static"
    };
    Some(format!(
        "#[allow(improper_ctypes)] unsafe extern \"C\" {{ #[link_name = \"{symbol}\"] {} {qualifier} {name}: {kind}; }}",
        visibility.unwrap_or_default()
    ))
}

/// The text of a type in which references have the lifetime that a static gives them.
fn with_lifetimes(kind: &SyntaxNode) -> String {
    let text = kind.text().to_string();
    let start = bytes(kind).start;
    let mut edits = Edits::default();
    for reference in kind.descendants().filter_map(ast::RefType::cast) {
        let of_function = reference.syntax().ancestors().any(|node| {
            matches!(
                node.kind(),
                SyntaxKind::PARAM_LIST | SyntaxKind::PARENTHESIZED_ARG_LIST | SyntaxKind::RET_TYPE
            )
        });
        if let (None, false, Some(sign)) =
            (reference.lifetime(), of_function, reference.amp_token())
        {
            edits.insert(usize::from(sign.text_range().end()) - start, "'static ");
        }
    }
    edits.apply(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ra_ap_syntax::{Edition, SourceFile};

    fn rewritten(source: &str) -> String {
        let loaded = ["candlebook_static_1_N".to_owned()].into();
        let mut edits = Edits::default();
        let file = SourceFile::parse(source, Edition::Edition2024).tree();
        refer_to_loaded(source, file.syntax(), &loaded, &mut edits);
        edits.apply(source)
    }

    #[test]
    fn a_loaded_static_becomes_a_reference() {
        let source =
            "#[unsafe(export_name = \"candlebook_static_1_N\")] pub static N: u8 =\n3;\nfn f() {}";
        assert_eq!(
            rewritten(source),
            "#[allow(improper_ctypes)] unsafe extern \"C\" { #[link_name = \"candlebook_static_1_N\"] pub safe static N: u8; }\n\nfn f() {}"
        );
        for same in [source.replace("1_N", "2_N"), "static N: u8 = 3;".to_owned()] {
            assert_eq!(rewritten(&same), same);
        }
    }
}

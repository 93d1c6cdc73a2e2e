//! The order of modules, as the `mod` lines of a file give it.

use crate::source::Tree;

/// A line `mod name;`.
#[derive(Debug)]
pub struct Declared {
    pub name: String,
    /// Plain `pub`, not `pub(crate)`.
    pub public: bool,
    pub test: bool,
}

pub fn declared(file: &syn::File) -> Vec<Declared> {
    let modules = file.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) if module.content.is_none() => Some(module),
        _ => None,
    });
    modules
        .map(|module| Declared {
            name: module.ident.to_string(),
            public: matches!(module.vis, syn::Visibility::Public(_)),
            test: module.attrs.iter().any(is_test),
        })
        .collect()
}

fn is_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<syn::Path>()
            .is_ok_and(|path| path.is_ident("test"))
}

/// The modules of the crate's root, from the one that uses nothing to the one that may use all.
pub fn root_order(tree: &Tree) -> Vec<&str> {
    tree.sources.get(&[][..]).map_or_else(Vec::new, |root| {
        root.declared
            .iter()
            .map(|line| line.name.as_str())
            .collect()
    })
}

//! Every path that a file writes: in `use` lines with their groups, in code, in attributes and in macros.

use crate::tokens::{Token, flat};
use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A path as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Used {
    pub segments: Vec<String>,
    pub line: usize,
    /// Modules inside the file that hold the path.
    pub inner: Vec<String>,
}

/// A leaf of a `use` line. A glob's last segment is `*`.
#[derive(Clone, Debug)]
pub struct Imported {
    pub used: Used,
    /// The name it has from then on.
    pub name: String,
    /// It has a `pub` of any kind and is at the top level of the file.
    pub reexport: bool,
}

#[derive(Default)]
struct Collector {
    inner: Vec<String>,
    imports: Vec<Imported>,
    paths: Vec<Used>,
    depth: usize,
}

pub fn imports(file: &syn::File) -> Vec<Imported> {
    collect(file).imports
}

pub fn paths(file: &syn::File) -> Vec<Used> {
    collect(file).paths
}

fn collect(file: &syn::File) -> Collector {
    let mut collector = Collector::default();
    collector.visit_file(file);
    collector
}

impl Collector {
    fn import(&mut self, tree: &syn::UseTree, before: &[String], reexport: bool) {
        let line = tree.span().start().line;
        let mut leaf = |segments: Vec<String>, name: String| {
            let used = Used {
                segments,
                line,
                inner: self.inner.clone(),
            };
            self.imports.push(Imported {
                used,
                name,
                reexport,
            });
        };
        match tree {
            syn::UseTree::Path(path) => {
                self.import(&path.tree, &with(before, path.ident.to_string()), reexport)
            }
            syn::UseTree::Group(group) => group
                .items
                .iter()
                .for_each(|item| self.import(item, before, reexport)),
            syn::UseTree::Glob(_) => leaf(with(before, "*".into()), "*".into()),
            syn::UseTree::Name(name) if name.ident == "self" => {
                leaf(before.to_vec(), before.last().cloned().unwrap_or_default());
            }
            syn::UseTree::Name(name) => {
                leaf(with(before, name.ident.to_string()), name.ident.to_string())
            }
            syn::UseTree::Rename(rename) => {
                let itself = rename.ident == "self";
                let segments = if itself {
                    before.to_vec()
                } else {
                    with(before, rename.ident.to_string())
                };
                leaf(segments, rename.rename.to_string());
            }
        }
    }

    fn tokens(&mut self, tokens: &TokenStream) {
        let found = in_tokens(&flat(tokens.clone()));
        self.paths.extend(found.into_iter().map(|used| Used {
            inner: self.inner.clone(),
            ..used
        }));
    }
}

impl<'a> Visit<'a> for Collector {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        self.inner.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.inner.pop();
    }

    fn visit_block(&mut self, block: &'a syn::Block) {
        self.depth += 1;
        visit::visit_block(self, block);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        if item.leading_colon.is_none() {
            let private = matches!(item.vis, syn::Visibility::Inherited);
            let top = self.inner.is_empty() && self.depth == 0;
            self.import(&item.tree, &[], top && !private);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect();
            let line = path.span().start().line;
            self.paths.push(Used {
                segments,
                line,
                inner: self.inner.clone(),
            });
        }
        visit::visit_path(self, path);
    }

    // `pub(super)` and `pub(in path)` limit, they use nothing.
    fn visit_vis_restricted(&mut self, _: &'a syn::VisRestricted) {}

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        self.visit_path(&call.path);
        self.tokens(&call.tokens);
    }

    fn visit_attribute(&mut self, attribute: &'a syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(&list.tokens);
        }
    }
}

fn with(before: &[String], last: String) -> Vec<String> {
    let mut all = before.to_vec();
    all.push(last);
    all
}

/// The paths in tokens that are not parsed, which is what macros are given.
pub fn in_tokens(tokens: &[Token]) -> Vec<Used> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let continues = at >= 2 && tokens[at - 1].is(":") && tokens[at - 2].is(":");
        if is_name(&tokens[at]) && !continues && double_colon(tokens, at + 1) {
            read(tokens, at, &[], &mut found);
        }
    }
    found
}

/// Reads the path at `at`, which may branch in braces; returns the index after it.
fn read(tokens: &[Token], mut at: usize, before: &[String], found: &mut Vec<Used>) -> usize {
    let mut segments = before.to_vec();
    let line = tokens.get(at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        if token.is("{") && !segments.is_empty() {
            return read_group(tokens, at + 1, &segments, found);
        }
        if !is_name(token) && !token.is("*") {
            break;
        }
        if !token.is("self") || segments.is_empty() {
            segments.push(token.text.clone());
        }
        at += 1;
        if !double_colon(tokens, at) {
            break;
        }
        at += 2;
    }
    found.push(Used {
        segments,
        line,
        inner: Vec::new(),
    });
    at
}

fn read_group(tokens: &[Token], mut at: usize, before: &[String], found: &mut Vec<Used>) -> usize {
    while let Some(token) = tokens.get(at) {
        if token.is("}") {
            return at + 1;
        }
        let next = if token.is(",") {
            at + 1
        } else {
            read(tokens, at, before, found)
        };
        at = next.max(at + 1);
        // `as name` gives nothing to use.
        if tokens.get(at).is_some_and(|token| token.is("as")) {
            at += 2;
        }
    }
    at
}

fn is_name(token: &Token) -> bool {
    token.kind == crate::tokens::Kind::Word && !token.is("as")
}

fn double_colon(tokens: &[Token], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| token.is(":"))
        && tokens.get(at + 1).is_some_and(|token| token.is(":"))
}

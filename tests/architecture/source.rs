//! The files of a crate, parsed: from the tree on disk, or from text for planted violations.

use crate::order::{Declared, declared};
use crate::paths::{Imported, Used, imports, paths};
use crate::tokens::{Token, flat, without_tests};
use proc_macro2::TokenStream;
use std::collections::BTreeMap;
use std::path::Path;
use syn::visit::Visit;

/// The path of a module from the crate's root: `["data", "photo", "frame"]`. The root's is empty.
pub type Module = Vec<String>;

/// A source file, without its tests.
pub struct SourceFile {
    /// Path below `src/`, with slashes.
    pub file: String,
    /// `mod name;` lines in their order, those of tests included.
    pub declared: Vec<Declared>,
    pub imports: Vec<Imported>,
    pub paths: Vec<Used>,
    pub tokens: Vec<Token>,
    pub items: Vec<String>,
    /// Names of macros that `#[macro_export]` puts into the crate's root.
    pub exported_macros: Vec<String>,
    pub has_inline_tests: bool,
    /// The file has code that a test could run.
    pub has_functions: bool,
}

impl SourceFile {
    pub fn parse(file: &str, text: &str) -> Result<SourceFile, String> {
        let at = |error: &dyn std::fmt::Display| format!("{file}: does not parse: {error}");
        let all: TokenStream = text.parse().map_err(|error| at(&error))?;
        let stripped = without_tests(all.clone());
        let tokens = flat(stripped.clone());
        let whole: syn::File = syn::parse2(all.clone()).map_err(|error| at(&error))?;
        let syntax: syn::File = syn::parse2(stripped).map_err(|error| at(&error))?;
        let every = flat(all);
        let is_test =
            |window: &[Token]| window[0].is("[") && window[1].is("test") && window[2].is("]");
        Ok(SourceFile {
            file: file.to_owned(),
            declared: declared(&whole),
            imports: imports(&syntax),
            paths: paths(&syntax),
            tokens,
            items: syntax.items.iter().filter_map(item_name).collect(),
            exported_macros: syntax.items.iter().filter_map(exported_macro).collect(),
            has_functions: has_bodies(&syntax),
            has_inline_tests: every.windows(3).any(is_test),
        })
    }
}

/// Finds the bodies of functions, and macros that may write some.
#[derive(Default)]
struct Bodies {
    found: bool,
}

impl<'a> Visit<'a> for Bodies {
    fn visit_block(&mut self, _: &'a syn::Block) {
        self.found = true;
    }

    fn visit_item_macro(&mut self, item: &'a syn::ItemMacro) {
        self.found |= item.ident.is_some();
    }
}

fn has_bodies(file: &syn::File) -> bool {
    let mut bodies = Bodies::default();
    bodies.visit_file(file);
    bodies.found
}

fn item_name(item: &syn::Item) -> Option<String> {
    let name = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Union(item) => &item.ident,
        syn::Item::Macro(item) => item.ident.as_ref()?,
        _ => return None,
    };
    Some(name.to_string())
}

fn exported_macro(item: &syn::Item) -> Option<String> {
    let syn::Item::Macro(item) = item else {
        return None;
    };
    let exported = item
        .attrs
        .iter()
        .any(|attribute| attribute.path().is_ident("macro_export"));
    item.ident
        .as_ref()
        .filter(|_| exported)
        .map(ToString::to_string)
}

/// All files of a crate by the module each of them is.
pub struct Tree {
    /// `src/` or `kernel/src/`: begins the path of a file in messages.
    pub prefix: String,
    /// `lib.rs` or `main.rs`.
    pub root: String,
    pub sources: BTreeMap<Module, SourceFile>,
}

impl Tree {
    /// Parses files given as (path below the prefix, text), and leaves out those that are tests.
    pub fn parse<'a>(
        prefix: &str,
        root: &str,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Tree, String> {
        let mut sources = BTreeMap::new();
        for (file, text) in files {
            let source =
                SourceFile::parse(file, text).map_err(|error| format!("{prefix}{error}"))?;
            if sources.insert(module_of(file, root), source).is_some() {
                return Err(format!(
                    "{prefix}{file}: a second file of the same module; use `name/mod.rs`"
                ));
            }
        }
        let mut tree = Tree {
            prefix: prefix.to_owned(),
            root: root.to_owned(),
            sources,
        };
        let tests: Vec<Module> = tree
            .sources
            .keys()
            .filter(|module| tree.declaration(module).is_some_and(|line| line.test))
            .cloned()
            .collect();
        tree.sources
            .retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
        Ok(tree)
    }

    /// Parses every `.rs` file below `prefix` in the repository.
    pub fn walk(repository: &Path, prefix: &str, root: &str) -> Result<Tree, String> {
        let mut files = Vec::new();
        walk(&repository.join(prefix), "", &mut files)
            .map_err(|error| format!("{prefix}: {error}"))?;
        Tree::parse(
            prefix,
            root,
            files
                .iter()
                .map(|(file, text)| (file.as_str(), text.as_str())),
        )
    }

    /// Is the module a folder (or the root), with its face in `mod.rs`?
    pub fn is_folder(&self, module: &[String]) -> bool {
        module.is_empty()
            || self
                .sources
                .get(module)
                .is_some_and(|source| source.file.ends_with("/mod.rs"))
    }

    /// The `mod` line of a module in its parent's file.
    pub fn declaration(&self, module: &[String]) -> Option<&Declared> {
        let (name, parent) = module.split_last()?;
        self.sources
            .get(parent)?
            .declared
            .iter()
            .find(|line| line.name == *name)
    }

    /// The folders that hold files, the root left out: `["data"]`, `["data", "photo"]`.
    pub fn folders(&self) -> Vec<Module> {
        self.sources
            .keys()
            .filter(|module| !module.is_empty() && self.is_folder(module))
            .cloned()
            .collect()
    }

    pub fn path(&self, module: &[String]) -> String {
        let file = self
            .sources
            .get(module)
            .map_or_else(|| module.join("/"), |source| source.file.clone());
        format!("{}{file}", self.prefix)
    }
}

fn module_of(file: &str, root: &str) -> Module {
    if file == root {
        return Module::new();
    }
    let name = file.trim_end_matches(".rs");
    name.strip_suffix("/mod")
        .unwrap_or(name)
        .split('/')
        .map(str::to_owned)
        .collect()
}

fn walk(folder: &Path, below: &str, files: &mut Vec<(String, String)>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &format!("{name}/"), files)?;
        } else if name.ends_with(".rs") {
            files.push((name, std::fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}

//! Sizes of the code: tokens of functions, tuple parameters, lines of files, documented functions.
//!
//! `tests/` and modules under `#[cfg(test)]` do not count.

use crate::sources::{self, TextFile};
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::BTreeMap;
use std::path::Path;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, FnArg, Signature, Type, Visibility};

const FOLDERS: [&str; 3] = ["src", "kernel/src", "xtask/src"];
/// The folder of the library, whose public functions have docs.
const LIBRARY: &str = "src/";
const MAX_TOKENS: usize = 450;
const GOOD_LINES: usize = 200;
const MAX_LINES: usize = 400;

/// Prints the counts.
///
/// # Errors
/// If a file cannot be read, or is not Rust.
pub(crate) fn print(root: &Path) -> Result<(), String> {
    let mut sizes = Sizes::default();
    for file in sources::read(root, &FOLDERS, "rs")? {
        sizes.add(&file)?;
    }
    sizes.print();
    Ok(())
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Function {
    tokens: usize,
    name: String,
    path: String,
}

#[derive(Default)]
struct Sizes {
    functions: Vec<Function>,
    /// Function and file of each parameter that is a tuple.
    tuples: Vec<String>,
    /// Lines and path of each file.
    files: Vec<(usize, String)>,
    public: usize,
    documented: usize,
}

impl Sizes {
    fn add(&mut self, file: &TextFile) -> Result<(), String> {
        let parsed =
            syn::parse_file(&file.text).map_err(|error| format!("{}: {error}", file.path))?;
        let mut reader = Reader {
            sizes: self,
            path: &file.path,
            owner: String::new(),
            tested: 0,
        };
        reader.visit_file(&parsed);
        let lines = file.text.lines().count() - reader.tested;
        self.files.push((lines, file.path.clone()));
        Ok(())
    }

    fn print(&mut self) {
        self.print_functions();
        println!("tuple parameters: {}", self.tuples.len());
        self.tuples.iter().for_each(|tuple| println!("  {tuple}"));
        self.print_files();
        let percent = 100.0 * self.documented as f64 / self.public.max(1) as f64;
        let (documented, public) = (self.documented, self.public);
        println!(
            "public functions of {LIBRARY} with docs: {documented} of {public} ({percent:.0} %)"
        );
    }

    fn print_functions(&mut self) {
        self.functions.sort_by(|a, b| b.cmp(a));
        let tokens: Vec<usize> = self.functions.iter().rev().map(|f| f.tokens).collect();
        let (median, p90) = (percentile(&tokens, 50), percentile(&tokens, 90));
        let max = percentile(&tokens, 100);
        println!(
            "functions: {}; tokens: median {median}, p90 {p90}, max {max}",
            tokens.len()
        );
        let long = tokens.iter().filter(|tokens| **tokens > MAX_TOKENS).count();
        println!("functions over {MAX_TOKENS} tokens: {long}");
        for function in &self.functions[..long] {
            println!(
                "  {} {} ({})",
                function.tokens, function.name, function.path
            );
        }
    }

    fn print_files(&mut self) {
        self.files.sort_by(|a, b| b.cmp(a));
        let over = |limit| {
            self.files
                .iter()
                .filter(|(lines, _)| *lines > limit)
                .count()
        };
        let max = self.files.first().map_or(0, |(lines, _)| *lines);
        let (good, long) = (over(GOOD_LINES), over(MAX_LINES));
        println!(
            "files: {}; over {GOOD_LINES} lines: {good}, over {MAX_LINES}: {long}, max {max}",
            self.files.len()
        );
        for (lines, path) in &self.files[..long] {
            println!("  {lines} {path}");
        }
        println!("files in each folder:");
        for (folder, files) in self.folders() {
            println!("  {files:3} {folder}");
        }
    }

    fn folders(&self) -> BTreeMap<&str, usize> {
        let mut folders = BTreeMap::new();
        for (_, path) in &self.files {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            *folders.entry(folder).or_insert(0) += 1;
        }
        folders
    }
}

/// The value below which this share of sorted values lies; 0 if there are none.
fn percentile(sorted: &[usize], percent: usize) -> usize {
    let at = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(at).copied().unwrap_or(0)
}

/// Reads one file.
struct Reader<'a> {
    sizes: &'a mut Sizes,
    path: &'a str,
    /// The type or trait around a function, with `::` after it.
    owner: String,
    /// Lines of test modules.
    tested: usize,
}

impl Reader<'_> {
    fn function(&mut self, signature: &Signature, block: Option<&syn::Block>) {
        let name = format!("{}{}", self.owner, signature.ident);
        for argument in &signature.inputs {
            if let FnArg::Typed(argument) = argument
                && is_tuple(&argument.ty)
            {
                let argument = argument.pat.to_token_stream();
                self.sizes
                    .tuples
                    .push(format!("{name}: {argument} ({})", self.path));
            }
        }
        if let Some(block) = block {
            let tokens = count(signature.to_token_stream()) + count(block.to_token_stream());
            self.sizes.functions.push(Function {
                tokens,
                name,
                path: self.path.to_owned(),
            });
        }
    }

    fn public(&mut self, visibility: &Visibility, attributes: &[Attribute]) {
        if matches!(visibility, Visibility::Public(_)) && self.path.starts_with(LIBRARY) {
            self.sizes.public += 1;
            let documented = attributes
                .iter()
                .any(|attribute| attribute.path().is_ident("doc"));
            self.sizes.documented += usize::from(documented);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if is_test(&module.attrs) {
            let (first, last) = (module.span().start().line, module.span().end().line);
            self.tested += last + 1 - first;
        } else {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if is_test(&item.attrs) {
            return;
        }
        let name = match &*item.self_ty {
            Type::Path(path) => path
                .path
                .segments
                .last()
                .map(|segment| segment.ident.to_string()),
            _ => None,
        };
        let owner = name.map_or_else(String::new, |name| format!("{name}::"));
        let outer = std::mem::replace(&mut self.owner, owner);
        visit::visit_item_impl(self, item);
        self.owner = outer;
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let outer = std::mem::replace(&mut self.owner, format!("{}::", item.ident));
        for inner in &item.items {
            if let syn::TraitItem::Fn(function) = inner {
                self.public(&item.vis, &function.attrs);
            }
        }
        visit::visit_item_trait(self, item);
        self.owner = outer;
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if is_test(&item.attrs) {
            return;
        }
        self.public(&item.vis, &item.attrs);
        self.function(&item.sig, Some(&item.block));
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if is_test(&item.attrs) {
            return;
        }
        self.public(&item.vis, &item.attrs);
        self.function(&item.sig, Some(&item.block));
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.function(&item.sig, item.default.as_ref());
        visit::visit_trait_item_fn(self, item);
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    })
}

/// A tuple of two or more, or a reference to one.
fn is_tuple(ty: &Type) -> bool {
    match ty {
        Type::Tuple(tuple) => tuple.elems.len() >= 2,
        Type::Reference(reference) => is_tuple(&reference.elem),
        Type::Paren(inner) => is_tuple(&inner.elem),
        _ => false,
    }
}

/// Words, literals, operators and brackets: `::` is one token, a pair of brackets two.
fn count(tokens: TokenStream) -> usize {
    let counts = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) => {
            let brackets = if group.delimiter() == Delimiter::None {
                0
            } else {
                2
            };
            brackets + count(group.stream())
        }
        TokenTree::Punct(punct) => usize::from(punct.spacing() == Spacing::Alone),
        TokenTree::Ident(_) | TokenTree::Literal(_) => 1,
    });
    counts.sum()
}

#[cfg(test)]
mod tests {
    use super::{Sizes, count, percentile};
    use crate::sources::TextFile;

    fn sizes(text: &str) -> Sizes {
        let mut sizes = Sizes::default();
        let file = TextFile {
            path: "src/room/a.rs".to_owned(),
            text: text.to_owned(),
        };
        sizes.add(&file).unwrap();
        sizes
    }

    #[test]
    fn tokens_are_words_operators_and_brackets() {
        // a :: b ( x , 1 ) + y [ i ]
        assert_eq!(count("a::b(x, 1) + y[i]".parse().unwrap()), 13);
        assert_eq!(count("// none\n".parse().unwrap()), 0);
    }

    #[test]
    fn percentiles_of_sorted_values() {
        let sorted: Vec<usize> = (1..=11).collect();
        let found = [50, 90, 100].map(|percent| percentile(&sorted, percent));
        assert_eq!(found, [6, 10, 11]);
        assert_eq!(percentile(&[], 50), 0);
    }

    #[test]
    fn functions_of_types_traits_and_files_count() {
        let text = "fn a() {}\nimpl T { fn b(&self) { 1 } }\ntrait U { fn c(); fn d() {} }\n\
                    #[cfg(test)]\nmod tests {\n    fn e() {}\n}\n";
        let sizes = sizes(text);
        let found: Vec<_> = sizes
            .functions
            .iter()
            .map(|f| (f.tokens, f.name.as_str()))
            .collect();
        // fn a ( ) { }
        assert_eq!(found, [(6, "a"), (9, "T::b"), (6, "U::d")]);
        assert_eq!(sizes.files, [(3, "src/room/a.rs".to_owned())]);
        assert_eq!(
            sizes.folders().into_iter().collect::<Vec<_>>(),
            [("src/room", 1)]
        );
    }

    #[test]
    fn tuples_of_two_count_as_parameters() {
        let text =
            "fn a(x: (u8, u8), y: &(u8, u8), z: (), list: &[(u8, u8)]) { |p: (u8, u8)| p; }\n";
        let tuples = sizes(text).tuples;
        assert_eq!(tuples, ["a: x (src/room/a.rs)", "a: y (src/room/a.rs)"]);
    }

    #[test]
    fn public_functions_have_docs_or_not() {
        let text = "/// Doc.\npub fn a() {}\npub fn b() {}\npub(crate) fn c() {}\n\
                    pub trait T { /** Doc. */ fn d(); fn e(); }\n";
        let sizes = sizes(text);
        assert_eq!((sizes.documented, sizes.public), (2, 4));
    }
}

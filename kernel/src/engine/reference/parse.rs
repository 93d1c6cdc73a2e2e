//! The items of a source file.

use super::item::{Field, Function, Module, TypeItem, TypeKind};
use super::signature::{function, is_public, node_on_one_line};
use ra_ap_syntax::ast::{self, HasDocComments, HasModuleItem, HasName};
use ra_ap_syntax::{AstNode, AstToken, Edition, SourceFile};
use std::collections::{HashMap, HashSet};

/// The name under which slices are listed.
pub(crate) const SLICE: &str = "slice";

/// The declarations of a crate's files, by name.
#[derive(Default)]
pub(super) struct Items {
    pub(super) types: HashMap<String, TypeItem>,
    pub(super) functions: HashMap<String, Function>,
    /// The modules that are folders or files, by their last name.
    pub(super) modules: HashMap<String, Module>,
    /// The place of each module among those that its parent declares.
    pub(super) ranks: HashMap<String, usize>,
    /// The modules of the crate's root that export a name.
    homes: HashMap<String, Vec<String>>,
    /// The public modules of the crate's root.
    public_modules: HashSet<String>,
}

impl Items {
    /// Adds the items of a file; `path` is relative to the crate's `src`.
    pub(super) fn add_file(&mut self, path: &str, text: &str) {
        let tree = SourceFile::parse(text, Edition::Edition2024).tree();
        let names = tree.items().flat_map(|item| exported_names(&item));
        let module = Module {
            docs: module_docs(text),
            names: names.collect(),
        };
        for (rank, item) in tree.items().enumerate() {
            self.add_item(path, &item);
            if let ast::Item::Module(module) = &item
                && let Some(name) = module.name()
            {
                self.ranks.insert(name.text().to_string(), rank);
                if path == "lib.rs" && is_public(module) {
                    self.public_modules.insert(name.text().to_string());
                }
            }
        }
        if let Some(top) = top_module(path) {
            for name in &module.names {
                let homes = self.homes.entry(name.clone()).or_default();
                homes.push(top.to_owned());
            }
        }
        if let Some(name) = module_name(path) {
            self.modules.insert(name.to_owned(), module);
        }
    }

    /// The public module of the crate's root that exports a name.
    pub(super) fn home(&self, name: &str) -> Option<&str> {
        let mut homes = self.homes.get(name)?.iter();
        let home = homes.find(|home| self.public_modules.contains(*home));
        home.map(String::as_str)
    }

    fn add_item(&mut self, path: &str, item: &ast::Item) {
        match item {
            ast::Item::Struct(item) if is_public(item) => {
                let fields = item.field_list();
                self.declare(item, TypeKind::Struct, |found| {
                    if let Some(ast::FieldList::RecordFieldList(list)) = fields {
                        list.fields().for_each(|field| add_field(found, &field));
                    }
                });
            }
            ast::Item::Enum(item) if is_public(item) => {
                let variants = item.variant_list();
                self.declare(item, TypeKind::Enum, |found| {
                    let variants = variants.iter().flat_map(|list| list.variants());
                    found.fields.extend(variants.filter_map(|it| variant(&it)));
                });
            }
            ast::Item::Trait(item) if is_public(item) => {
                let members = item.assoc_item_list();
                self.declare(item, TypeKind::Trait, |found| {
                    let members = members.iter().flat_map(|list| list.assoc_items());
                    let methods = members.filter_map(|member| method(&member, path));
                    found.methods.extend(methods);
                });
            }
            ast::Item::Fn(item) if is_public(item) => {
                if let Some(found) = function(item, docs(item), path) {
                    self.functions.insert(found.name.clone(), found);
                }
            }
            ast::Item::Impl(item) if item.trait_().is_none() => self.add_methods(path, item),
            _ => {}
        }
    }

    fn declare<T: HasName + HasDocComments>(
        &mut self,
        item: &T,
        kind: TypeKind,
        add_members: impl FnOnce(&mut TypeItem),
    ) {
        if let Some(name) = item.name() {
            let found = self.types.entry(name.text().to_string()).or_default();
            found.declaration = Some((kind, docs(item)));
            add_members(found);
        }
    }

    fn add_methods(&mut self, path: &str, item: &ast::Impl) {
        let Some(name) = item
            .self_ty()
            .and_then(|of| base_name(&node_on_one_line(of.syntax())))
        else {
            return;
        };
        let found = self.types.entry(name).or_default();
        let members = item.assoc_item_list();
        for member in members.iter().flat_map(|list| list.assoc_items()) {
            let ast::AssocItem::Fn(declared) = &member else {
                continue;
            };
            match method(&member, path) {
                Some(method) if is_public(declared) => found.methods.push(method),
                Some(method) => {
                    found.private.insert(method.name);
                }
                None => {}
            }
        }
    }
}

/// The last name of a type's path, without references and generic arguments; [`SLICE`] for a slice,
/// `None` for tuples and other types without a name.
pub(crate) fn base_name(type_name: &str) -> Option<String> {
    let plain = type_name.trim_start_matches(['&', ' ']);
    let plain = plain.strip_prefix("mut ").unwrap_or(plain);
    if plain.starts_with('[') {
        return Some(SLICE.into());
    }
    let path = plain.split(['<', ' ']).next()?;
    let name = path.rsplit("::").next()?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then(|| name.to_owned())
}

fn method(member: &ast::AssocItem, path: &str) -> Option<Function> {
    match member {
        ast::AssocItem::Fn(declared) => function(declared, docs(declared), path),
        _ => None,
    }
}

fn add_field(found: &mut TypeItem, field: &ast::RecordField) {
    let (Some(name), Some(of)) = (field.name(), field.ty()) else {
        return;
    };
    let name = name.text().to_string();
    if is_public(field) {
        found.fields.push(Field {
            name,
            type_name: node_on_one_line(of.syntax()),
            docs: docs(field),
        });
    } else {
        found.private.insert(name);
    }
}

fn variant(variant: &ast::Variant) -> Option<Field> {
    let fields = variant.field_list();
    Some(Field {
        name: variant.name()?.text().to_string(),
        type_name: fields.map_or_else(String::new, |list| variant_fields(&list)),
        docs: docs(variant),
    })
}

/// The fields of a variant, as they follow its name.
fn variant_fields(list: &ast::FieldList) -> String {
    let text = node_on_one_line(list.syntax());
    match list {
        ast::FieldList::RecordFieldList(_) => format!(" {text}"),
        ast::FieldList::TupleFieldList(_) => text,
    }
}

/// The outer doc comments of an item.
fn docs(item: &impl HasDocComments) -> String {
    let lines = item.doc_comments().filter_map(|comment| {
        let text = comment.text().strip_prefix("///")?;
        Some(text.strip_prefix(' ').unwrap_or(text).to_owned())
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The doc comment at the start of a file.
fn module_docs(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let lines = lines.map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// The last name of a file's module; `None` for the crate's root.
fn module_name(path: &str) -> Option<&str> {
    let name = module_path(path)?.rsplit('/').next()?;
    (name != "lib").then_some(name)
}

/// The module of a file if it is in the crate's root: `train` for `train/mod.rs`.
fn top_module(path: &str) -> Option<&str> {
    module_path(path).filter(|path| !path.contains('/'))
}

/// The module of a file: `optim/schedule` for `optim/schedule/mod.rs`.
fn module_path(path: &str) -> Option<&str> {
    let path = path.strip_suffix(".rs")?;
    Some(path.strip_suffix("/mod").unwrap_or(path))
}

/// The public names that an item adds to its module.
fn exported_names(item: &ast::Item) -> Vec<String> {
    let name = |item: &dyn Fn() -> Option<ast::Name>, public: bool| {
        let name = item().filter(|_| public);
        name.map(|name| name.text().to_string())
            .into_iter()
            .collect()
    };
    match item {
        ast::Item::Use(import) if is_public(import) => {
            let mut names = Vec::new();
            import
                .use_tree()
                .iter()
                .for_each(|tree| add_names(tree, &mut names));
            names
        }
        ast::Item::Fn(item) => name(&|| item.name(), is_public(item)),
        ast::Item::Struct(item) => name(&|| item.name(), is_public(item)),
        ast::Item::Enum(item) => name(&|| item.name(), is_public(item)),
        ast::Item::Trait(item) => name(&|| item.name(), is_public(item)),
        _ => Vec::new(),
    }
}

fn add_names(tree: &ast::UseTree, names: &mut Vec<String>) {
    if let Some(list) = tree.use_tree_list() {
        list.use_trees().for_each(|tree| add_names(&tree, names));
    } else if tree.rename().is_none()
        && let Some(name) = tree.path().and_then(|path| path.segment()?.name_ref())
    {
        names.push(name.text().to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
//! Models: what learns.
pub use a::{B, c as _};
/// A model.
pub struct Model {
    /// Size. Defaults to 3.
    pub size: usize,
    secret: u8,
}
impl Model {
    /// Makes one.
    pub fn new(size: usize) -> Self { todo!() }
    pub(crate) fn inner(&self) {}
    fn check(&self) {}
}
impl Drop for Model { fn drop(&mut self) {} }
/// Kinds.
pub enum Kind { /** One. */ One, Two(usize) }
fn hidden() {}
/// Shows.
pub fn show(model: &Model) {}
";

    #[test]
    fn a_file_declares_public_items_with_docs() {
        let mut items = Items::default();
        items.add_file("model/mod.rs", TEXT);
        let model = &items.types["Model"];
        assert_eq!(
            model.declaration,
            Some((TypeKind::Struct, "A model.".into()))
        );
        assert_eq!(model.fields[0].name, "size");
        assert_eq!(model.fields[0].docs, "Size. Defaults to 3.");
        let methods: Vec<&str> = model.methods.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(methods, ["new"]);
        let private = ["secret", "inner", "check"].map(str::to_owned);
        assert_eq!(model.private, private.into());
        assert_eq!(items.types["Kind"].fields[1].type_name, "(usize)");
        assert_eq!(items.functions.keys().collect::<Vec<_>>(), ["show"]);
        assert_eq!(
            items.home("Kind"),
            None,
            "the root does not say that the module is public"
        );
        items.add_file("lib.rs", "pub mod model;");
        assert_eq!(items.home("Kind"), Some("model"));
        let module = &items.modules["model"];
        assert_eq!(module.docs, "Models: what learns.");
        assert_eq!(module.names, ["B", "Model", "Kind", "show"]);
    }

    #[test]
    fn types_are_found_behind_references_and_arguments() {
        assert_eq!(base_name("&mut a::Vec<u8>").as_deref(), Some("Vec"));
        assert_eq!(base_name("(u8, u8)"), None);
        assert_eq!(base_name("&[u8]").as_deref(), Some(SLICE));
    }
}

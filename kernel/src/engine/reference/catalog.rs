//! The reference of a crate: finds the page of a name.

use super::item::TypeKind;
use super::page::{Page, field_page, function_page, module_page, type_page};
use super::parse::{Items, base_name};

/// The public interface of a crate.
pub(crate) struct Reference {
    items: Items,
}

impl Reference {
    /// Reads the files of a crate, each with its path relative to `src`.
    pub(crate) fn read<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Reference {
        let mut items = Items::default();
        for (path, text) in files {
            items.add_file(path, text);
        }
        Reference { items }
    }

    /// The page of `name`: a member of the type `owner`, or an item of the module `owner`.
    pub(crate) fn page(&self, owner: &str, name: &str) -> Option<Page> {
        if self.declares(owner) {
            self.member_page(owner, name)
        } else {
            self.item_page(name)
        }
    }

    /// The page of a name that is not in the prelude, with the path that a cell writes.
    pub(crate) fn importable(&self, name: &str) -> Option<Page> {
        let home = self.items.home(name)?;
        let mut page = self.item_page(name)?;
        page.prose(&format!("In a cell: `{home}::{name}`."));
        Some(page)
    }

    fn member_page(&self, owner: &str, name: &str) -> Option<Page> {
        let found = self.items.types.get(owner)?;
        let method = found.methods.iter().find(|method| method.name == name);
        if let Some(method) = method {
            return Some(function_page(method, Some(owner)));
        }
        let field = found.fields.iter().find(|field| field.name == name)?;
        let kind = found.declaration.as_ref().map(|(kind, _)| *kind);
        Some(field_page(owner, field, kind.unwrap_or(TypeKind::Struct)))
    }

    fn item_page(&self, name: &str) -> Option<Page> {
        let items = &self.items;
        let found = items.types.get(name);
        found
            .and_then(|found| type_page(name, found, items))
            .or_else(|| Some(function_page(items.functions.get(name)?, None)))
            .or_else(|| Some(module_page(name, items.modules.get(name)?, items)))
    }

    /// The first sentence about a type.
    pub(crate) fn about(&self, type_name: &str) -> Option<String> {
        let found = self.items.types.get(&base_name(type_name)?)?;
        let (_, docs) = found.declaration.as_ref()?;
        Some(super::docs::summary(docs))
    }

    /// True if a module exports a name.
    pub(crate) fn exports(&self, module: &str, name: &str) -> bool {
        let found = self.items.modules.get(module);
        found.is_some_and(|module| module.names.iter().any(|found| found == name))
    }

    /// True if the crate declares the type, in public or not.
    pub(crate) fn declares(&self, type_name: &str) -> bool {
        self.items.types.contains_key(type_name)
    }

    /// True for a field or method of a type that cells cannot use.
    pub(crate) fn is_private(&self, type_name: &str, member: &str) -> bool {
        let found = self.items.types.get(type_name);
        found.is_some_and(|found| found.private.contains(member))
            && !self.has_method(type_name, member)
            && !self.has_field(type_name, member)
    }

    /// True for a public method of a type.
    pub(crate) fn has_method(&self, type_name: &str, method: &str) -> bool {
        let found = self.items.types.get(type_name);
        found.is_some_and(|found| found.methods.iter().any(|found| found.name == method))
    }

    /// True for a public field of a type.
    pub(crate) fn has_field(&self, type_name: &str, field: &str) -> bool {
        let found = self.items.types.get(type_name);
        found.is_some_and(|found| found.fields.iter().any(|found| found.name == field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
/// A model. It learns.
pub struct Model { /** Size. */ pub size: usize, secret: u8 }
impl Model {
    /// Makes one.
    pub fn new() -> Self { todo!() }
    fn check(&self) {}
    pub fn secret(&self) {}
}
/// Shows.
pub fn show() {}
pub use a::Other;
";

    #[test]
    fn names_are_found_by_their_owner() {
        let reference = Reference::read([("model.rs", TEXT)].into_iter());
        let text = |owner: &str, name: &str| reference.page(owner, name).map(|page| page.text);
        assert!(text("model", "Model").unwrap().starts_with("struct Model"));
        assert!(
            text("Model", "new")
                .unwrap()
                .starts_with("fn new() -> Self")
        );
        assert!(text("Model", "size").unwrap().starts_with("size: usize"));
        assert!(text("model", "show").unwrap().starts_with("fn show()"));
        assert_eq!(text("Model", "check"), None);
        // A member of a type is no free item.
        assert_eq!(text("Model", "show"), None);
    }

    #[test]
    fn members_are_public_or_private() {
        let reference = Reference::read([("model.rs", TEXT)].into_iter());
        assert!(reference.is_private("Model", "check") && reference.declares("Model"));
        // A public method of the same name.
        assert!(
            !reference.is_private("Model", "secret") && reference.has_method("Model", "secret")
        );
        assert!(reference.has_field("Model", "size") && !reference.has_field("Model", "secret"));
        assert!(reference.exports("model", "Other") && !reference.exports("model", "a"));
        assert_eq!(reference.about("&Model").as_deref(), Some("A model."));
    }
}

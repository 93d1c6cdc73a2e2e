//! Pages of the reference, as plain text and as Markdown.

use super::docs::{plain, readable, split_default, split_headings, summary, with_small_headings};
use super::group::group;
use super::item::{Field, Function, Module, TypeItem, TypeKind};
use super::parse::Items;

/// A page for `?name` and for the front end's tooltip.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Page {
    pub(crate) text: String,
    pub(crate) markdown: String,
}

impl Page {
    /// Adds a line of code.
    pub(crate) fn code(&mut self, code: &str) {
        self.text += &format!("{code}\n\n");
        self.markdown += &format!("```rust\n{code}\n```\n\n");
    }

    /// Adds Markdown.
    pub(crate) fn prose(&mut self, markdown: &str) {
        if !markdown.is_empty() {
            self.text += &format!("{}\n\n", plain(markdown));
            self.markdown += &format!("{}\n\n", with_small_headings(markdown));
        }
    }

    /// Adds a heading with a list of names, each with one line.
    pub(crate) fn list(&mut self, title: &str, rows: &[(String, String)]) {
        if rows.is_empty() {
            return;
        }
        let longest = rows.iter().map(|(name, _)| name.chars().count()).max();
        let width = longest.unwrap_or(0).min(MAX_NAME);
        self.text += &format!("{title}\n");
        self.markdown += &format!("**{title}**\n\n");
        for (name, line) in rows {
            let row = format!("    {name:width$}  {line}");
            self.text += &format!("{}\n", row.trim_end());
            let line = if line.is_empty() {
                String::new()
            } else {
                format!(": {line}")
            };
            self.markdown += &format!("- `{name}`{line}\n");
        }
        self.text += "\n";
        self.markdown += "\n";
    }
}

/// Width of the column of names in plain text; longer names break it.
const MAX_NAME: usize = 36;

/// The page of a function or method; `owner` is the method's type.
pub(super) fn function_page(function: &Function, owner: Option<&str>) -> Page {
    let mut page = Page::default();
    page.code(&function.signature);
    if let Some(owner) = owner {
        let call = call(function, owner);
        page.prose(&format!("A method of `{owner}`: `{call}`"));
    }
    page.prose(&readable(&function.docs));
    page
}

/// A method as it is called.
fn call(function: &Function, owner: &str) -> String {
    let arguments = function.arguments.join(", ");
    let head = if function.takes_self {
        String::from(".")
    } else {
        format!("{owner}::")
    };
    format!("{head}{}({arguments})", function.name)
}

/// The page of a type: description, settings or variants, methods by group, examples.
pub(super) fn type_page(name: &str, item: &TypeItem, items: &Items) -> Option<Page> {
    let (kind, docs) = item.declaration.as_ref()?;
    let docs = readable(docs);
    let (description, rest) = split_headings(&docs);
    let mut page = Page::default();
    page.code(&format!("{} {name}", keyword(*kind)));
    page.prose(description);
    match kind {
        TypeKind::Enum => page.list("Variants", &rows(&item.fields, "")),
        _ => add_fields(&mut page, &item.fields),
    }
    for group in group(&item.methods, items) {
        let methods = group.methods.iter();
        let rows: Vec<_> = methods
            .map(|method| (call(method, name), summary(&method.docs)))
            .collect();
        page.list(&group.title, &rows);
    }
    page.prose(rest);
    if let Some(method) = item.methods.first() {
        page.prose(&format!(
            "`?{name}::{}` shows one method in full.",
            method.name
        ));
    }
    Some(page)
}

fn keyword(kind: TypeKind) -> &'static str {
    match kind {
        TypeKind::Struct => "struct",
        TypeKind::Enum => "enum",
        TypeKind::Trait => "trait",
    }
}

/// Names with their types, each with one line.
fn rows(fields: &[Field], separator: &str) -> Vec<(String, String)> {
    let row = |field: &Field| {
        let name = format!("{}{separator}{}", field.name, field.type_name);
        (name, summary(&field.docs))
    };
    fields.iter().map(row).collect()
}

/// The fields: settings with type, default and meaning if a default is documented, values
/// otherwise.
fn add_fields(page: &mut Page, fields: &[Field]) {
    let is_setting = |field: &Field| split_default(&field.docs).0.is_some();
    if !fields.iter().any(is_setting) {
        page.list("Fields", &rows(fields, ": "));
        return;
    }
    page.text += "Settings\n";
    page.markdown += "| setting | type | default | meaning |\n| --- | --- | --- | --- |\n";
    for Field {
        name,
        type_name,
        docs,
    } in fields
    {
        let (default, meaning) = split_default(docs);
        let default = default.unwrap_or_default();
        let shown = if default.is_empty() {
            String::new()
        } else {
            format!(", default {default}")
        };
        page.text += &format!("    {name}: {type_name}{shown}\n        {meaning}\n");
        let cell = |text: &str| text.replace('|', "\\|");
        let (default, meaning) = (cell(&default), cell(&meaning));
        page.markdown += &format!("| `{name}` | `{type_name}` | {default} | {meaning} |\n");
    }
    page.text += "\n";
    page.markdown += "\n";
}

/// The page of a field or variant.
pub(super) fn field_page(owner: &str, field: &Field, kind: TypeKind) -> Page {
    let mut page = Page::default();
    match kind {
        TypeKind::Enum => page.code(&format!("{owner}::{}{}", field.name, field.type_name)),
        _ => page.code(&format!("{}: {}", field.name, field.type_name)),
    }
    page.prose(&readable(&field.docs));
    page
}

/// The page of a module: each name that it exports, with one line.
pub(super) fn module_page(name: &str, module: &Module, items: &Items) -> Page {
    let mut page = Page::default();
    page.code(&format!("mod {name}"));
    let docs = readable(&module.docs);
    page.prose(&summary(&docs));
    let row = |found: &String| {
        let function = items.functions.get(found);
        let docs = function.map(|function| &function.docs).or_else(|| {
            let declared = items.types.get(found)?.declaration.as_ref();
            declared.map(|(_, docs)| docs)
        })?;
        let arguments = function.map(|function| format!("({})", function.arguments.join(", ")));
        let call = format!("{name}::{found}{}", arguments.unwrap_or_default());
        Some((call, summary(docs)))
    };
    let rows: Vec<_> = module.names.iter().filter_map(row).collect();
    page.list("Names", &rows);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_a_table_and_values_a_list() {
        let field = |docs: &str| Field {
            name: "size".into(),
            type_name: "usize".into(),
            docs: docs.into(),
        };
        let mut page = Page::default();
        add_fields(&mut page, &[field("Sides a|b. Defaults to 3.")]);
        let row = "| `size` | `usize` | 3 | Sides a\\|b. |";
        assert!(page.markdown.contains(row), "{}", page.markdown);
        let line = "size: usize, default 3\n        Sides a|b.\n";
        assert!(page.text.contains(line), "{}", page.text);
        let mut page = Page::default();
        add_fields(&mut page, &[field("Sides.")]);
        assert_eq!(page.text, "Fields\n    size: usize  Sides.\n\n");
        assert_eq!(page.markdown, "**Fields**\n\n- `size: usize`: Sides.\n\n");
    }

    #[test]
    fn a_module_lists_the_names_that_it_exports() {
        let mut items = Items::default();
        items.add_file("show/mod.rs", "//! Rendering.\npub use display::show;");
        items.add_file(
            "show/display.rs",
            "/// Shows a value.\npub fn show(value: u8) {}",
        );
        let page = module_page("show", &items.modules["show"], &items);
        let expected = "mod show\n\nRendering.\n\nNames\n    show::show(value)  Shows a value.";
        assert_eq!(page.text.trim_end(), expected);
    }
}

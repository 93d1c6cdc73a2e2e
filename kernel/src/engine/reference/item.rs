//! Items of a crate, as its reference lists them.

use std::collections::HashSet;

/// The kind of a type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum TypeKind {
    Struct,
    Enum,
    Trait,
}

/// A public field of a struct, or a variant of an enum.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    /// The field's type, or the variant's fields.
    pub(super) type_name: String,
    pub(super) docs: String,
}

/// A public function or method.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Function {
    pub(super) name: String,
    /// Its declaration on one line, from `fn`.
    pub(super) signature: String,
    /// The names of its arguments.
    pub(super) arguments: Vec<String>,
    pub(super) takes_self: bool,
    pub(super) docs: String,
    /// The source file, relative to the crate's `src`.
    pub(super) file: String,
}

/// A type with its members.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TypeItem {
    /// The kind and docs; `None` if only methods of the type were found.
    pub(super) declaration: Option<(TypeKind, String)>,
    pub(super) fields: Vec<Field>,
    pub(super) methods: Vec<Function>,
    /// Fields and methods that cells cannot use.
    pub(super) private: HashSet<String>,
}

/// A module: its docs, and the names that it exports in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Module {
    pub(super) docs: String,
    pub(super) names: Vec<String>,
}

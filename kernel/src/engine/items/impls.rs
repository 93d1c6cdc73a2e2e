//! Impls, which have no name.

use ra_ap_syntax::ast::{self, HasName};
use ra_ap_syntax::{AstNode, SyntaxKind, SyntaxNode};

/// Prefix of the names under which the engine keeps impls: it attaches an impl to the named item before
/// it.
pub(in crate::engine) const CARRIER: &str = "CandlebookImpl";

/// The item that carries an impl.
pub(super) fn carrier(id: u32) -> String {
    format!("type {CARRIER}{id} = ();")
}

/// An `impl` of a cell.
#[derive(Clone, Debug)]
pub(super) struct Impl {
    /// Number of the carrier.
    pub(super) id: u32,
    /// The number of the cell that defined it.
    pub(super) cell: u32,
    /// The notebook's name of that cell, where the front end tells it.
    pub(super) cell_id: Option<String>,
    /// The text before the members.
    head: String,
    /// The head without spaces and comments, by which impls are compared.
    key: String,
    is_of_trait: bool,
    /// Name of the type.
    pub(super) target: String,
    pub(super) members: Vec<Member>,
}

/// A method, constant or type of an impl.
#[derive(Clone, Debug)]
pub(super) struct Member {
    name: String,
    text: String,
}

/// The impls among a cell's statements, each with its node.
pub(super) fn impls_of(statements: &[SyntaxNode], cell: u32) -> Vec<(&SyntaxNode, Impl)> {
    let read = |node| {
        Some((
            node,
            read(&ast::Impl::cast(SyntaxNode::clone(node))?, cell)?,
        ))
    };
    statements.iter().filter_map(read).collect()
}

fn read(block: &ast::Impl, cell: u32) -> Option<Impl> {
    let list = block.assoc_item_list()?;
    let before: Vec<_> = block
        .syntax()
        .children_with_tokens()
        .take_while(|part| part.kind() != SyntaxKind::ASSOC_ITEM_LIST)
        .collect();
    let head = before.iter().map(ToString::to_string).collect();
    let is_header = |kind: SyntaxKind| kind != SyntaxKind::ATTR && !kind.is_trivia();
    let key = before
        .iter()
        .filter(|part| is_header(part.kind()))
        .flat_map(|part| match part {
            ra_ap_syntax::NodeOrToken::Node(node) => tokens(node),
            ra_ap_syntax::NodeOrToken::Token(token) => vec![token.text().to_owned()],
        });
    Some(Impl {
        id: 0,
        cell,
        cell_id: None,
        head,
        key: key.collect::<Vec<_>>().join(" "),
        is_of_trait: block.trait_().is_some(),
        target: target(block).unwrap_or_default(),
        members: list.assoc_items().map(|item| member(&item)).collect(),
    })
}

fn tokens(node: &SyntaxNode) -> Vec<String> {
    let tokens = node
        .descendants_with_tokens()
        .filter_map(|part| part.into_token());
    tokens
        .filter(|token| !token.kind().is_trivia())
        .map(|token| token.text().to_owned())
        .collect()
}

/// The name of the type that an impl is for.
fn target(block: &ast::Impl) -> Option<String> {
    match block.self_ty()? {
        ast::Type::PathType(path) => Some(path.path()?.segment()?.name_ref()?.text().to_string()),
        _ => None,
    }
}

fn member(item: &ast::AssocItem) -> Member {
    let name = match item {
        ast::AssocItem::Const(item) => item.name(),
        ast::AssocItem::Fn(item) => item.name(),
        ast::AssocItem::TypeAlias(item) => item.name(),
        ast::AssocItem::MacroCall(_) => None,
    };
    let text = item.syntax().text().to_string();
    Member {
        name: name.map_or_else(|| text.clone(), |name| name.text().to_string()),
        text,
    }
}

impl Impl {
    pub(super) fn with_id(self, id: u32, cell_id: Option<&str>) -> Impl {
        let cell_id = cell_id.map(str::to_owned);
        Impl {
            id,
            cell_id,
            ..self
        }
    }

    /// The number of members that another impl of the same type defines too; for impls of a trait,
    /// `usize::MAX`.
    pub(super) fn overlap(&self, other: &Impl) -> usize {
        if self.key != other.key {
            return 0;
        }
        if self.is_of_trait {
            return usize::MAX;
        }
        let shared = self.members.iter().filter(|member| other.defines(member));
        shared.count()
    }

    fn defines(&self, member: &Member) -> bool {
        self.members.iter().any(|own| own.name == member.name)
    }

    /// True if this may be an earlier form of a new impl, which replaces it as a whole: the new one has
    /// more members, or only lacks some. One that changes a few of many members corrects these alone.
    pub(super) fn is_form_of(&self, new: &Impl) -> bool {
        let has_more = new.members.iter().any(|member| !self.defines(member));
        let is_same = |member: &Member| {
            let mut own = self.members.iter();
            own.any(|own| own.name == member.name && own.text == member.text)
        };
        self.is_of_trait || has_more || new.members.iter().all(is_same)
    }

    /// The impl without the members that a new one defines; `None` if nothing remains.
    pub(super) fn without(&self, new: &Impl) -> Option<Impl> {
        let mut rest = self.clone();
        rest.members.retain(|member| !new.defines(member));
        let is_empty = rest.members.is_empty();
        (!is_empty).then_some(rest)
    }

    /// The source.
    pub(super) fn text(&self) -> String {
        let members: Vec<&str> = self
            .members
            .iter()
            .map(|member| member.text.as_str())
            .collect();
        format!("{}{{ {} }}", self.head, members.join(" "))
    }
}

//! Token streams without tests and documentation, and the flat list that the word rules read.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A token of the flat list. Groups appear as their two delimiters.
#[derive(Clone, Debug)]
pub struct Token {
    pub text: String,
    pub line: usize,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Word,
    Literal,
    Mark,
}

impl Token {
    pub fn is(&self, text: &str) -> bool {
        self.text == text && self.kind != Kind::Literal
    }
}

/// Removes doc comments and every item under `#[cfg(test)]` or `#[test]`.
pub fn without_tests(tokens: TokenStream) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < trees.len() {
        let attributes = attributes_at(&trees, at);
        let next = attributes.last().map_or(at, |last| last.end);
        let tests = |inner| {
            attributes
                .iter()
                .any(|one| one.inner == inner && one.is_test(&trees))
        };
        let (test_file, test_item) = (tests(true), tests(false));
        if test_file {
            return TokenStream::new();
        }
        for attribute in attributes
            .iter()
            .filter(|one| !one.is_doc(&trees) && (one.inner || !test_item))
        {
            kept.extend(trees[attribute.start..attribute.end].iter().cloned());
        }
        if test_item {
            at = item_end(&trees, next);
            continue;
        }
        if let Some(tree) = trees.get(next) {
            kept.push(inside(tree.clone()));
        }
        at = next + 1;
    }
    kept.into_iter().collect()
}

fn inside(tree: TokenTree) -> TokenTree {
    let TokenTree::Group(group) = tree else {
        return tree;
    };
    let mut stripped = Group::new(group.delimiter(), without_tests(group.stream()));
    stripped.set_span(group.span());
    TokenTree::Group(stripped)
}

/// The place of `#[...]` or `#![...]` in a list of token trees.
struct Attribute {
    start: usize,
    end: usize,
    inner: bool,
}

impl Attribute {
    fn content(&self, trees: &[TokenTree]) -> Vec<Token> {
        match &trees[self.end - 1] {
            TokenTree::Group(group) => flat(group.stream()),
            _ => Vec::new(),
        }
    }

    fn is_doc(&self, trees: &[TokenTree]) -> bool {
        self.content(trees)
            .first()
            .is_some_and(|token| token.is("doc"))
    }

    fn is_test(&self, trees: &[TokenTree]) -> bool {
        let content = self.content(trees);
        let has = |word| content.iter().any(|token| token.is(word));
        match content.first() {
            Some(first) if first.is("cfg") => has("test") && !has("not") && !has("any"),
            Some(first) => first.is("test") && content.len() == 1,
            None => false,
        }
    }
}

fn attributes_at(trees: &[TokenTree], mut at: usize) -> Vec<Attribute> {
    let mut found = Vec::new();
    while is_mark(trees.get(at), '#') {
        let inner = is_mark(trees.get(at + 1), '!');
        let end = at + if inner { 3 } else { 2 };
        match trees.get(end - 1) {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
                found.push(Attribute {
                    start: at,
                    end,
                    inner,
                });
                at = end;
            }
            _ => break,
        }
    }
    found
}

fn is_mark(tree: Option<&TokenTree>, mark: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

/// The index after an item: after its `;`, or after its braces if it is of a kind that ends there.
fn item_end(trees: &[TokenTree], start: usize) -> usize {
    let mut ends_in_semicolon = false;
    for (at, tree) in trees.iter().enumerate().skip(start) {
        match tree {
            TokenTree::Ident(word) => match word.to_string().as_str() {
                "use" | "const" | "static" | "let" | "type" => ends_in_semicolon = true,
                "fn" | "mod" | "impl" => ends_in_semicolon = false,
                _ => {}
            },
            TokenTree::Punct(punct) if punct.as_char() == ';' => return at + 1,
            TokenTree::Group(group)
                if group.delimiter() == Delimiter::Brace && !ends_in_semicolon =>
            {
                return at + 1;
            }
            _ => {}
        }
    }
    trees.len()
}

/// All tokens of a stream in reading order.
pub fn flat(tokens: TokenStream) -> Vec<Token> {
    let mut list = Vec::new();
    push_flat(tokens, &mut list);
    list
}

fn push_flat(tokens: TokenStream, list: &mut Vec<Token>) {
    for tree in tokens {
        let line = tree.span().start().line;
        let mut push = |text: String, line, kind| list.push(Token { text, line, kind });
        match tree {
            TokenTree::Ident(word) => push(word.to_string(), line, Kind::Word),
            TokenTree::Literal(literal) => push(literal.to_string(), line, Kind::Literal),
            TokenTree::Punct(punct) => push(punct.as_char().to_string(), line, Kind::Mark),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                push(open.into(), line, Kind::Mark);
                push_flat(group.stream(), list);
                list.push(Token {
                    text: close.into(),
                    line: group.span_close().start().line,
                    kind: Kind::Mark,
                });
            }
        }
    }
}

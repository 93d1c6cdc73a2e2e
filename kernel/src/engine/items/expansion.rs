//! The expansion of one call of a `macro_rules!` macro, as text on one line.

use ra_ap_mbe::{DeclarativeMacro, DelimiterKind, MacroCallStyle};
use ra_ap_span::{
    EditionedFileId, FileId, ROOT_ERASED_FILE_AST_ID, Span, SpanAnchor, SyntaxContext, TextRange,
};
use ra_ap_syntax::Edition;
use ra_ap_syntax_bridge::parse_to_token_tree;
use ra_ap_tt::iter::{TtElement, TtIter};
use ra_ap_tt::{Leaf, LitKind, Literal, Punct, Spacing};

const EDITION: Edition = Edition::Edition2024;

/// The path to the crate of a macro, which for macros of cells is the cells' crate.
const MACRO_CRATE: &str = "$crate";

/// Expands a call of the macro with these rules. `None` if no rule matches.
pub(super) fn expand(rules: &str, arguments: &str) -> Option<String> {
    // Tokens of the rules and of the call never touch: their anchors differ.
    let (definition, call) = (anchor(0), anchor(1));
    let context = SyntaxContext::root(EDITION);
    let rules = parse_to_token_tree(EDITION, definition, context, rules)?;
    let arguments = parse_to_token_tree(EDITION, call, context, arguments)?;
    let rules = DeclarativeMacro::parse_macro_rules(&rules, |_| EDITION);
    if rules.err().is_some() {
        return None;
    }
    let site = Span {
        range: TextRange::default(),
        anchor: call,
        ctx: context,
    };
    let database = salsa::DatabaseImpl::default();
    let result = rules.expand(&database, &arguments, |_| (), MacroCallStyle::FnLike, site);
    let (tokens, _) = result.result().ok()?;
    let mut text = String::new();
    write_tokens(&mut text, tokens.view().strip_invisible().iter());
    Some(text)
}

fn anchor(file: u32) -> SpanAnchor {
    SpanAnchor {
        file_id: EditionedFileId::new(FileId::from_raw(file), EDITION),
        ast_id: ROOT_ERASED_FILE_AST_ID,
    }
}

/// Writes tokens with a space between those that the source did not join.
fn write_tokens(text: &mut String, tokens: TtIter<'_>) {
    let mut last: Option<Leaf> = None;
    for (at, token) in tokens.enumerate() {
        let is_joined = last.is_some_and(|last| joins(&last, &token));
        if at > 0 && !is_joined {
            text.push(' ');
        }
        last = match token {
            TtElement::Leaf(leaf) => {
                write_leaf(text, &leaf);
                Some(leaf)
            }
            TtElement::Subtree(subtree, inner) => {
                let (open, close) = delimiters(subtree.delimiter.kind);
                text.push_str(open);
                write_tokens(text, inner);
                text.push_str(close);
                None
            }
        };
    }
}

/// True for the parts of one token: `::`, `'a`, `$name`.
fn joins(last: &Leaf, next: &TtElement<'_>) -> bool {
    match (last, next) {
        (
            Leaf::Punct(Punct {
                char: '\'' | '$', ..
            }),
            _,
        ) => true,
        (Leaf::Punct(last), TtElement::Leaf(Leaf::Punct(next))) => {
            last.spacing == Spacing::Joint
                && last.span.anchor == next.span.anchor
                && last.span.range.end() == next.span.range.start()
        }
        _ => false,
    }
}

fn write_leaf(text: &mut String, leaf: &Leaf) {
    match leaf {
        Leaf::Ident(name) if name.sym.as_str() == MACRO_CRATE => text.push_str("crate"),
        Leaf::Literal(literal) => text.push_str(&on_one_line(literal)),
        _ => text.push_str(&leaf.to_string()),
    }
}

fn delimiters(kind: DelimiterKind) -> (&'static str, &'static str) {
    match kind {
        DelimiterKind::Parenthesis => ("(", ")"),
        DelimiterKind::Brace => ("{", "}"),
        DelimiterKind::Bracket => ("[", "]"),
        DelimiterKind::Invisible => ("", ""),
    }
}

/// A literal in which escapes take the place of line breaks. Raw strings, which have no escapes, keep
/// them.
fn on_one_line(literal: &Literal) -> String {
    let text = literal.to_string();
    let has_escapes = matches!(
        literal.kind,
        LitKind::Str | LitKind::ByteStr | LitKind::CStr
    );
    if !has_escapes || !text.contains('\n') {
        return text;
    }
    let mut line = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['\\', '\n']) {
        let (before, from) = rest.split_at(at);
        line.push_str(before);
        rest = match from.strip_prefix("\\\n") {
            Some(after) => after.trim_start_matches([' ', '\t', '\n', '\r']),
            None if from.starts_with('\n') => {
                line.push_str("\\n");
                &from[1..]
            }
            None => {
                let escape = from.chars().take(2).map(char::len_utf8).sum();
                line.push_str(&from[..escape]);
                &from[escape..]
            }
        };
    }
    line + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stay_apart_and_whole() {
        let all = "($($t:tt)*) => { $($t)* }";
        for (code, written) in [
            ("&'static str", "& 'static str"),
            (
                "f<'a>() -> ::b::C<D<E>>",
                "f < 'a > () -> :: b :: C < D < E >>",
            ),
            ("r#type..=1.5e3f64", "r#type ..= 1.5e3f64"),
            (r#""a\"b\n" 'c' b'\'' b"d""#, r#""a\"b\n" 'c' b'\'' b"d""#),
            (r##"r#"e"f"# c"g""##, r##"r#"e"f"# c"g""##),
            ("!b && a.0.1 <<= - -1", "! b && a . 0.1 <<= - - 1"),
            ("/// says \"no\"", r#"# [doc = " says \"no\""]"#),
        ] {
            assert_eq!(expand(all, code).as_deref(), Some(written));
        }
    }

    #[test]
    fn a_parameter_does_not_join_the_token_before_it() {
        let rule = "($t:ty, $e:expr, $i:ident) => { a:$t=$e; $crate::$i::b }";
        let written = "a : :: c :: D = (1 + 2) ; crate :: e :: b";
        assert_eq!(expand(rule, "::c::D, 1 + 2, e").as_deref(), Some(written));
        assert_eq!(expand(rule, "1"), None);
    }

    #[test]
    fn strings_stay_on_one_line() {
        let string = "() => { \"a\nb\\\n   c\\\\\nd\" }";
        assert_eq!(expand(string, "").as_deref(), Some(r#""a\nbc\\\nd""#));
    }
}

//! `vec!` of many literals.

use ra_ap_syntax::{Edition, SyntaxKind};
use std::ops::Range;

/// Number of tokens from which a macro's input is long.
const LONG: usize = 2_000;
/// Number of tokens that other macros may get.
const MAX_TOKENS: usize = 20_000;

/// Replaces `vec![1, 2, ...]` with many elements by `[1, 2, ...].to_vec()`, which is the same without
/// a macro, or by `Vec::from` if the elements are no literals.
///
/// The engine expands a cell's macros to infer the types of its variables, in a time that grows with
/// the square of their input: 20,000 numbers take 13 s. A constant array takes 0.3 s.
///
/// # Errors
/// If another macro has an input of that kind: Stop could not end the expansion.
pub(crate) fn with_arrays(code: &str) -> Result<Option<String>, String> {
    let lexed = ra_ap_parser::LexedStr::new(Edition::Edition2024, code);
    if lexed.len() < LONG {
        return Ok(None);
    }
    let tokens: Vec<usize> = (0..lexed.len())
        .filter(|&i| !matches!(lexed.kind(i), SyntaxKind::WHITESPACE | SyntaxKind::COMMENT))
        .collect();
    let mut changes: Vec<(Range<usize>, &str)> = Vec::new();
    let mut next = 0;
    while let Some(call) = MacroCall::find(&lexed, &tokens[next..]) {
        let inner = &tokens[next + call.inner.start..next + call.inner.end];
        let is_list = call.name == "vec" && !repeats(&lexed, inner);
        if inner.len() > LONG && is_list {
            let start = lexed.text_start(tokens[next + call.start]);
            let open = lexed.text_start(tokens[next + call.inner.start - 1]);
            let close = lexed.text_start(tokens[next + call.inner.end]);
            let (head, tail) = if inner.iter().all(|&i| is_literal(lexed.kind(i))) {
                ("[", "].to_vec()")
            } else {
                ("std::vec::Vec::from([", "])")
            };
            changes.push((close..close + 1, tail));
            changes.push((start..open + 1, head));
        } else if inner.len() > MAX_TOKENS && call.name != "macro_rules" {
            return Err(format!(
                "expected at most {MAX_TOKENS} tokens in a macro call, got {} in {}!. Put the \
                 values into an array, or read them from a file",
                inner.len(),
                call.name
            ));
        }
        // Calls inside this one are part of its input.
        next += call.inner.end + 1;
    }
    changes.sort_by_key(|(range, _)| range.start);
    let mut changed = code.to_owned();
    for (range, text) in changes.iter().rev() {
        changed.replace_range(range.clone(), text);
    }
    Ok((!changes.is_empty()).then_some(changed))
}

/// True for a token of a list of literals.
fn is_literal(kind: SyntaxKind) -> bool {
    kind.is_literal()
        || matches!(
            kind,
            SyntaxKind::MINUS | SyntaxKind::COMMA | SyntaxKind::TRUE_KW | SyntaxKind::FALSE_KW
        )
}

/// True for a cell with more values than the optimizer takes in seconds.
pub(crate) fn has_many_values(code: &str) -> bool {
    code.bytes().filter(|&byte| byte == b',').count() > LONG
}

/// True for `vec![value; count]`.
fn repeats(lexed: &ra_ap_parser::LexedStr<'_>, inner: &[usize]) -> bool {
    let mut depth = 0usize;
    inner.iter().any(|&i| {
        match lexed.kind(i) {
            SyntaxKind::L_PAREN | SyntaxKind::L_BRACK | SyntaxKind::L_CURLY => depth += 1,
            SyntaxKind::R_PAREN | SyntaxKind::R_BRACK | SyntaxKind::R_CURLY => {
                depth = depth.saturating_sub(1);
            }
            SyntaxKind::SEMICOLON => return depth == 0,
            _ => {}
        }
        false
    })
}

/// A macro call in a list of tokens, as indices into that list.
struct MacroCall {
    name: String,
    start: usize,
    /// The tokens between the brackets.
    inner: Range<usize>,
}

impl MacroCall {
    /// The first call `name![...]`, with any kind of bracket.
    fn find(lexed: &ra_ap_parser::LexedStr<'_>, tokens: &[usize]) -> Option<MacroCall> {
        let kind = |at: usize| tokens.get(at).map(|&i| lexed.kind(i));
        let opens = |at: usize| {
            matches!(
                kind(at),
                Some(SyntaxKind::L_PAREN | SyntaxKind::L_BRACK | SyntaxKind::L_CURLY)
            )
        };
        let start = (0..tokens.len()).find(|&at| {
            kind(at) == Some(SyntaxKind::IDENT)
                && kind(at + 1) == Some(SyntaxKind::BANG)
                && opens(at + 2)
        })?;
        let mut depth = 0usize;
        let close = (start + 2..tokens.len()).find(|&at| {
            match kind(at) {
                Some(SyntaxKind::L_PAREN | SyntaxKind::L_BRACK | SyntaxKind::L_CURLY) => depth += 1,
                Some(SyntaxKind::R_PAREN | SyntaxKind::R_BRACK | SyntaxKind::R_CURLY) => depth -= 1,
                _ => {}
            }
            depth == 0
        })?;
        Some(MacroCall {
            name: lexed.text(tokens[start]).to_owned(),
            start,
            inner: start + 3..close,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_vec_becomes_an_array_and_keeps_its_lines() {
        let numbers = "1,\n ".repeat(3000);
        let code = format!("let a = vec![1];\nlet v = vec![{numbers}2];\nv.len()");
        let changed = with_arrays(&code).unwrap().unwrap();
        let expected = format!("let a = vec![1];\nlet v = [{numbers}2].to_vec();\nv.len()");
        assert_eq!(changed, expected);
        let nested = format!("f(vec![{}])", "vec![1, 2], ".repeat(1000));
        let changed = with_arrays(&nested).unwrap().unwrap();
        assert!(
            changed.starts_with("f(std::vec::Vec::from([vec![1, 2], "),
            "{changed:.80}"
        );
        assert!(changed.ends_with("vec![1, 2], ]))"));
    }

    #[test]
    fn short_cells_and_repetitions_stay_and_other_macros_have_a_limit() {
        assert_eq!(with_arrays("vec![1, 2]"), Ok(None));
        assert!(has_many_values(&"1,".repeat(3000)) && !has_many_values("1, 2"));
        let inner = "1 + ".repeat(2000) + "1";
        assert_eq!(with_arrays(&format!("vec![{inner}; 3]")), Ok(None));
        let json = format!("json!([{}])", "1, ".repeat(20_000));
        let error = with_arrays(&json).unwrap_err();
        assert!(error.contains("at most 20000 tokens"), "{error}");
        assert!(error.contains("in json!"), "{error}");
    }
}

//! Habits from Python notebooks, answered by one line.

use super::super::code::{Known, parse_cell, top_lines, unknown_names};
use super::python::{function, is_program, magic, module, statement};
use ra_ap_syntax::ast::{self, HasArgList};
use ra_ap_syntax::{AstNode, SyntaxNode};

/// A line that says what to write instead; `None` for Rust, correct or not.
pub(super) fn habit(code: &str, known: Known) -> Option<String> {
    let (_, start) = top_lines(code, known);
    let code = &code[start..];
    if code.trim().is_empty() {
        return None;
    }
    let cell = parse_cell(code);
    if cell.is_valid() {
        in_rust(code.trim(), &cell.syntax.syntax_node(), known)
    } else {
        let mut lines = code.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.find_map(in_line)
    }
}

/// The hint on a line of a cell that does not parse.
fn in_line(line: &str) -> Option<String> {
    if let Some(rest) = line.strip_prefix('%') {
        let name = rest
            .trim_start_matches('%')
            .split_whitespace()
            .next()
            .unwrap_or_default();
        return Some(format!("`%{name}` is IPython's. {}", magic(name)));
    }
    if line.starts_with('#') && !line.starts_with("#[") && !line.starts_with("#!") {
        return Some(format!(
            "`#` begins a comment in Python. Here: //{}",
            line.trim_start_matches('#')
        ));
    }
    let word = line
        .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
        .next()?;
    let rest = &line[word.len()..];
    match word {
        "import" | "from" if rest.starts_with(' ') => Some(import(line, rest)),
        "type" | "print" if rest.starts_with('(') => {
            let argument = rest[1..].split(')').next().unwrap_or_default();
            let here = function(word, argument)?;
            Some(format!("`{word}(..)` is Python's. Here: {here}"))
        }
        word if is_program(word) && rest.starts_with(' ') => Some(program(word, line)),
        "def" | "class" | "del" | "assert" | "raise" | "print" | "global" | "nonlocal" | "not"
            if rest.starts_with(' ') =>
        {
            python_statement(word)
        }
        _ if line.ends_with(':') => python_statement(word),
        _ if line.contains("lambda ") => python_statement("lambda"),
        _ if starts_text(line, 'f') => Some(
            "`f\"..\"` is Python's. Here: format!(\"{x}\"), or println!(\"{x}\") to print".into(),
        ),
        _ => None,
    }
}

fn python_statement(word: &str) -> Option<String> {
    let here = statement(word)?;
    Some(format!("`{word}` is written as in Python. Here: {here}"))
}

fn import(line: &str, rest: &str) -> String {
    let name = rest
        .trim()
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .next();
    let word = if line.starts_with("from") {
        "from .. import"
    } else {
        "import"
    };
    let here = name.and_then(module).unwrap_or(
        "Here: use std::collections::HashMap; `:dep rand = \"0.9\"` on the cell's first line adds a crate",
    );
    format!("`{word}` is Python's. {here}")
}

fn program(word: &str, line: &str) -> String {
    let crates = match word {
        "pip" | "pip3" | "conda" => "; `:dep rand = \"0.9\"` adds a Rust crate",
        "cd" => "; std::env::set_current_dir(\"folder\")? changes the cells' folder",
        _ => "",
    };
    format!("`{word}` is a program. A line that begins with ! runs it: !{line}{crates}")
}

/// True for a string literal with a prefix that Rust does not have.
fn starts_text(line: &str, prefix: char) -> bool {
    let marks = [format!("{prefix}\""), format!("{prefix}'")];
    marks.iter().any(|mark| {
        let before = line.find(mark).map(|at| line[..at].chars().next_back());
        before.is_some_and(|before| before.is_none_or(|c| !(c.is_alphanumeric() || c == '_')))
    })
}

/// The hint on a cell that parses but uses names of Python.
fn in_rust(code: &str, root: &SyntaxNode, known: Known) -> Option<String> {
    if code == "None" {
        return Some(
            "`None` alone has no type, so it cannot be shown. Here: None::<f64>; a cell that ends with ; shows nothing".into(),
        );
    }
    let unknown = unknown_names(root, known);
    let first = unknown.first()?;
    if is_program(first)
        && code.starts_with(first.as_str())
        && !code[first.len()..].starts_with(['.', '(', '='])
    {
        return Some(program(first, code.lines().next().unwrap_or(code)));
    }
    unknown.iter().find_map(|name| match name.as_str() {
        "True" | "False" => Some(format!(
            "`{name}` is Python's. Here: {}",
            name.to_lowercase()
        )),
        "quit" | "exit" if code == name => {
            function(name, "").map(|here| format!("`{name}` is not needed here: {here}"))
        }
        name => call(root, name).or_else(|| used_module(root, name)),
    })
}

/// The hint on a call of one of Python's functions.
fn call(root: &SyntaxNode, name: &str) -> Option<String> {
    let mut calls = root.descendants().filter_map(ast::CallExpr::cast);
    let call = calls.find(|call| {
        call.expr()
            .is_some_and(|callee| callee.syntax().text() == name)
    })?;
    let arguments = call.arg_list()?.syntax().text().to_string();
    let argument = arguments
        .trim_start_matches('(')
        .strip_suffix(')')
        .unwrap_or(&arguments);
    let here = function(name, argument.trim())?;
    Some(format!("`{name}(..)` is Python's. Here: {here}"))
}

/// The hint on a module that is used like a variable, as in `np.zeros(3)`.
fn used_module(root: &SyntaxNode, name: &str) -> Option<String> {
    let mut receivers = root
        .descendants()
        .filter_map(ast::MethodCallExpr::cast)
        .filter_map(|call| call.receiver());
    let is_used = receivers.any(|receiver| receiver.syntax().text() == name);
    let here = module(name).filter(|_| is_used)?;
    Some(format!("`{name}` is a module of Python. {here}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(code: &str) -> Option<String> {
        habit(code, &|name| ["x", "v"].contains(&name))
    }

    #[test]
    fn habits_of_python_have_one_line() {
        for (code, words) in [
            ("%time f(1)", "Instant::now()"),
            ("%%timeit\nf(1)", "`%timeit` is IPython's"),
            ("%matplotlib inline", "Plot::new()"),
            ("%unknown", ":help"),
            ("import numpy as np", "Tensor::new"),
            ("from torch import nn", "`from .. import`"),
            ("import re", "use std::"),
            ("# load\nimport numpy as np", "// load"),
            ("print(x)", "println!(\"{x:?}\")"),
            ("let a = len(v);", "v.len()"),
            ("print(\"a\", x)", "println!"),
            ("def f():\n    return 1", "fn double"),
            ("for i in range(10):\n    print(i)", "for i in 0..10 {"),
            ("if x > 1:\n    x", "if x > 0 {"),
            ("pip install numpy", "!pip install numpy; `:dep"),
            ("ls", "!ls"),
            ("ls -l", "!ls -l"),
            ("git status", "!git status"),
            ("None", "None::<f64>"),
            ("let a = True;", "Here: true"),
            ("np.zeros(3)", "`np` is a module of Python"),
            ("f\"{x}\"", "format!"),
            ("quit", "Kernel menu"),
            ("type(x)", ":type x"),
            ("map(lambda a: a, v)", "|x| x + 1"),
        ] {
            let hint = hint(code).unwrap_or_default();
            assert!(
                hint.contains(words) && !hint.contains('\n'),
                "{code:?}: {hint}"
            );
        }
    }

    #[test]
    fn rust_has_no_hint() {
        for code in [
            "x",
            "println!(\"{x}\")",
            "fn print(x: u8) {}\nprint(1)",
            "let len = |v: &[u8]| v.len(); len(&v)",
            "let a = None::<u8>;",
            "use std::fs::File;",
            "let = 3;",
            "undefined",
            "undefined(x)",
            "#[derive(Debug)]\nstruct A;",
            "x\n    % 3",
            "!ls",
            "// %time",
            "",
        ] {
            assert_eq!(hint(code), None, "{code:?}");
        }
    }
}

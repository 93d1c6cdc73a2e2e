//! The points of a sweep: every combination of the values of its parameters.

use crate::engine::{check_depth, parse_cell};
use crate::notebook::Parameter;
use anyhow::{Result, bail};
use ra_ap_syntax::AstNode;
use ra_ap_syntax::ast::{self, HasArgList};
use std::collections::HashSet;

/// Maximum number of points: above it, a mistake is likelier than the intention.
const MAX_POINTS: usize = 10_000;

/// A parameter and its values, Rust expressions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(super) name: String,
    pub(super) values: Vec<String>,
}

impl Axis {
    /// Parses NAME=VALUE,VALUE.
    ///
    /// # Errors
    /// If the text has no `=`, a value is not a Rust expression, or two are equal.
    pub(crate) fn parse(text: &str) -> Result<Axis, String> {
        let (name, values) = text
            .split_once('=')
            .ok_or("expected NAME=VALUE,VALUE, such as hidden=32,64")?;
        let values = split(values).ok_or_else(|| {
            format!("expected Rust values separated by commas, such as 32,64, got {values:?}")
        })?;
        let mut seen = HashSet::new();
        if let Some(twice) = values.iter().find(|value| !seen.insert(*value)) {
            return Err(format!("expected different values, got {twice} twice"));
        }
        Ok(Axis {
            name: name.trim().to_owned(),
            values,
        })
    }
}

/// The values between commas that are not inside of brackets or quotes: the arguments of a call.
fn split(values: &str) -> Option<Vec<String>> {
    let call = format!("f({values}\n)");
    check_depth(&call).ok()?;
    let cell = parse_cell(&call);
    let mut statements = cell.statements();
    let call = match (statements.next(), statements.next()) {
        (Some(statement), None) if cell.is_valid() => ast::CallExpr::cast(statement)?,
        _ => return None,
    };
    let arguments = call.arg_list()?.args();
    let texts: Vec<String> = arguments.map(|value| value.syntax().to_string()).collect();
    // `f(1)(2)` is the call of a call.
    let is_function = matches!(call.expr()?, ast::Expr::PathExpr(_));
    (is_function && !texts.is_empty()).then_some(texts)
}

/// Every combination; the values of the last parameter change first.
///
/// # Errors
/// If there is no parameter, one is given twice, or the points are too many.
pub(super) fn points(axes: &[Axis]) -> Result<Vec<Vec<Parameter>>> {
    if axes.is_empty() {
        bail!("expected at least one parameter, got none. Give its values: -p hidden=32,64");
    }
    let mut names = HashSet::new();
    if let Some(Axis { name, .. }) = axes.iter().find(|axis| !names.insert(&axis.name)) {
        bail!(
            "expected each parameter once, got {name} twice. Join its values by commas: \
             -p {name}=32,64"
        );
    }
    let sizes = axes.iter().map(|axis| axis.values.len());
    let count = sizes.fold(1usize, usize::saturating_mul);
    if count > MAX_POINTS {
        let size = |axis: &Axis| format!("{} {}", axis.name, axis.values.len());
        let sizes: Vec<String> = axes.iter().map(size).collect();
        bail!(
            "expected at most {MAX_POINTS} points, got {count} ({}). Give fewer values",
            sizes.join(" x ")
        );
    }
    let mut points = vec![Vec::new()];
    for Axis { name, values } in axes {
        let longer = |point: &Vec<Parameter>, value: &String| {
            let mut point = point.clone();
            let (name, value) = (name.clone(), value.clone());
            point.push(Parameter { name, value });
            point
        };
        let extend = |point| values.iter().map(move |value| longer(point, value));
        points = points.iter().flat_map(extend).collect();
    }
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_split_at_commas_outside_of_brackets_and_quotes() {
        for (text, expected) in [
            ("32, 64,128", vec!["32", "64", "128"]),
            ("[1,2],[3,4]", vec!["[1,2]", "[3,4]"]),
            ("\"a,b\",\"c\\\",\"", vec!["\"a,b\"", "\"c\\\",\""]),
            ("r#\"a\",\"#,','", vec!["r#\"a\",\"#", "','"]),
            (
                "(1, 2),vec![3, 4],f(5, 6)",
                vec!["(1, 2)", "vec![3, 4]", "f(5, 6)"],
            ),
            (
                "Vec::<(u8, u8)>::new(),|a, b| a",
                vec!["Vec::<(u8, u8)>::new()", "|a, b| a"],
            ),
            ("{ 1; 2 },-1e-3,", vec!["{ 1; 2 }", "-1e-3"]),
            ("1 // one", vec!["1"]),
        ] {
            assert_eq!(split(text).unwrap(), expected, "{text}");
        }
        for text in [
            "", " ", "1,,2", "[1", "1); g(2", "1)(2", "\"", "1 2", "1 /*",
        ] {
            assert_eq!(split(text), None, "{text}");
        }
        assert_eq!(split(&"(".repeat(100_000)), None);
    }

    #[test]
    fn errors_say_what_is_wrong_with_a_parameter() {
        let error = |text| Axis::parse(text).unwrap_err();
        assert_eq!(
            error("hidden"),
            "expected NAME=VALUE,VALUE, such as hidden=32,64"
        );
        assert_eq!(
            error("hidden=1,,2"),
            "expected Rust values separated by commas, such as 32,64, got \"1,,2\""
        );
        assert_eq!(
            error("hidden=1,2,1"),
            "expected different values, got 1 twice"
        );
    }

    fn axes(texts: &[&str]) -> Vec<Axis> {
        texts
            .iter()
            .map(|text| Axis::parse(text).unwrap())
            .collect()
    }

    #[test]
    fn points_are_all_combinations_in_order() {
        let points = points(&axes(&["a=1,2", "b=x,y"])).unwrap();
        let text = |point: &Vec<Parameter>| {
            let values = point
                .iter()
                .map(|value| format!("{}{}", value.name, value.value));
            values.collect::<String>()
        };
        let texts: Vec<String> = points.iter().map(text).collect();
        assert_eq!(texts, ["a1bx", "a1by", "a2bx", "a2by"]);
    }

    #[test]
    fn no_parameters_equal_ones_and_too_many_points_are_rejected() {
        let error = |texts: &[&str]| points(&axes(texts)).unwrap_err().to_string();
        assert!(error(&[]).starts_with("expected at least one parameter, got none. "));
        assert_eq!(
            error(&["a=1", "a=2"]),
            "expected each parameter once, got a twice. Join its values by commas: -p a=32,64"
        );
        let values: Vec<String> = (0..101).map(|n| n.to_string()).collect();
        let many = values.join(",");
        assert_eq!(
            error(&[&format!("a={many}"), &format!("b={many}")]),
            "expected at most 10000 points, got 10201 (a 101 x b 101). Give fewer values"
        );
    }
}

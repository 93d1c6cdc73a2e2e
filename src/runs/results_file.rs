//! The table that `candlebook sweep` writes, `results.csv`.
//!
//! Columns: the parameters; `best_loss`, `epochs`, `seconds`; the values of
//! [`result`](crate::runs::result()); `status`, `error`, `notebook`. A parameter or a value with the
//! name of another column has a suffix.

use super::notebook_run::NotebookRun;
use super::point::{Point, PointValue};
use crate::error::{Error, Result};
use crate::file::CsvRows;
use csv::StringRecord;
use std::path::Path;

/// Columns that every table has.
const FIXED: [&str; 6] = [
    "best_loss",
    "epochs",
    "seconds",
    "status",
    "error",
    "notebook",
];
const PARAMETER: &str = " (parameter)";
const RESULT: &str = " (result)";

/// Names of the columns that differ between tables, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ValueNames {
    pub(super) parameters: Vec<String>,
    /// Those of the notebook's own values.
    pub(super) results: Vec<String>,
}

/// The contents of a table.
#[derive(Debug)]
pub(super) struct ResultsFile {
    pub(super) names: ValueNames,
    pub(super) runs: Vec<NotebookRun>,
}

impl ResultsFile {
    /// Reads a table. Paths of notebooks are joined to its folder.
    ///
    /// # Errors
    /// A file that cannot be read, or lacks a column.
    pub(super) fn read(path: &Path) -> Result<ResultsFile> {
        let table = CsvRows::read(path)?;
        let columns = Columns::find(path, &table.names)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let run = |row: &StringRecord| columns.run(row, folder);
        Ok(ResultsFile {
            runs: table.rows.iter().map(run).collect(),
            names: ValueNames {
                parameters: names(&columns.parameters),
                results: names(&columns.results),
            },
        })
    }
}

fn names(columns: &[(usize, String)]) -> Vec<String> {
    columns.iter().map(|(_, name)| name.clone()).collect()
}

/// Positions of the columns.
struct Columns {
    fixed: [usize; FIXED.len()],
    parameters: Vec<(usize, String)>,
    results: Vec<(usize, String)>,
}

impl Columns {
    fn find(path: &Path, names: &[String]) -> Result<Columns> {
        let mut fixed = [0; FIXED.len()];
        for (position, column) in fixed.iter_mut().zip(FIXED) {
            *position = names
                .iter()
                .position(|name| name == column)
                .ok_or_else(|| {
                    let expected = format!("a column {column:?}");
                    let hint = "Give the folder that `candlebook sweep ... -o FOLDER` has written";
                    Error::file(path, expected, "none", hint)
                })?;
        }
        let [first, _, seconds, status, ..] = fixed;
        let named = |suffix: &'static str| {
            move |i: usize| {
                let name = &names[i];
                (i, name.strip_suffix(suffix).unwrap_or(name).to_owned())
            }
        };
        Ok(Columns {
            fixed,
            parameters: (0..first).map(named(PARAMETER)).collect(),
            results: (seconds + 1..status).map(named(RESULT)).collect(),
        })
    }

    fn run(&self, row: &StringRecord, folder: &Path) -> NotebookRun {
        let text = |position: usize| row.get(position).unwrap_or_default();
        let [best_loss, epochs, seconds, status, error, notebook] = self.fixed.map(text);
        let number = |text: &str| text.parse().ok().filter(|number: &f64| !number.is_nan());
        let point = |columns: &[(usize, String)]| {
            let given = columns.iter().filter(|(i, _)| !text(*i).is_empty());
            given.fold(Point::default(), |point, (i, name)| {
                point.with(name.as_str(), value(text(*i)))
            })
        };
        NotebookRun {
            point: point(&self.parameters),
            best_loss: number(best_loss),
            epochs: epochs.parse().ok(),
            seconds: number(seconds),
            results: point(&self.results),
            finished: status == "finished",
            error: (!error.is_empty()).then(|| error.to_owned()),
            notebook: folder.join(notebook),
        }
    }
}

/// A value as its Rust expression says; an expression that is not a literal is a text.
fn value(text: &str) -> PointValue {
    let quoted = || serde_json::from_str::<String>(text).ok();
    match (text.parse::<i64>(), text.parse::<f64>(), text) {
        (Ok(integer), _, _) => integer.into(),
        (_, Ok(number), _) => number.into(),
        (_, _, "true" | "false") => (text == "true").into(),
        _ => quoted().unwrap_or_else(|| text.to_owned()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_types_of_their_literals() {
        for (text, expected) in [
            ("32", PointValue::Integer(32)),
            ("1e-3", PointValue::Number(0.001)),
            ("true", PointValue::Flag(true)),
            ("\"a, b\"", PointValue::Text("a, b".into())),
            ("[1, 2]", PointValue::Text("[1, 2]".into())),
        ] {
            assert_eq!(value(text), expected);
        }
    }

    #[test]
    fn columns_are_found_by_name_and_position() {
        let header =
            "epochs (parameter),best_loss,epochs,seconds,a b,epochs (result),status,error,notebook";
        let names: Vec<String> = header.split(',').map(str::to_owned).collect();
        let columns = Columns::find(Path::new("x"), &names).unwrap();
        assert_eq!(super::names(&columns.parameters), ["epochs"]);
        assert_eq!(super::names(&columns.results), ["a b", "epochs"]);
        let error = Columns::find(Path::new("x"), &names[..4]).err().unwrap();
        let words = "x: expected a column \"status\", got none. ";
        assert!(error.to_string().starts_with(words), "{error}");
        // In another order: no column between them is a value.
        let swapped: Vec<String> = FIXED.iter().rev().map(|name| (*name).to_owned()).collect();
        let columns = Columns::find(Path::new("x"), &swapped).unwrap();
        assert!(columns.results.is_empty());
    }
}

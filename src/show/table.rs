//! Tables: aligned in plain text, and as HTML.

use crate::error::Result;
use crate::show::display::{Content, Show, escape, shows_itself};

/// More rows than this are cut out of the middle, and the table says so.
const MOST: usize = 60;

/// Rows under a head. Columns of numbers are aligned to the right.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let table = Table::new(["hidden", "loss"]).row(["32", "0.0171"]).row(["128", "0.0064"]);
/// assert_eq!(table.to_text(), "hidden    loss\n    32  0.0171\n   128  0.0064");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    title: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new<S: ToString>(head: impl IntoIterator<Item = S>) -> Self {
        Table {
            head: strings(head),
            ..Table::default()
        }
    }

    /// What the table is about, above it.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Adds a row. It may be shorter or longer than the head.
    pub fn row<S: ToString>(mut self, cells: impl IntoIterator<Item = S>) -> Self {
        self.rows.push(strings(cells));
        self
    }

    /// How many rows it has, the head not counted.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table in plain text.
    pub fn to_text(&self) -> String {
        let (columns, right, shown) = self.layout();
        let width = |i: usize| {
            shown
                .iter()
                .filter_map(|row| row.get(i))
                .map(|cell| cell.chars().count())
                .max()
        };
        let widths: Vec<usize> = (0..columns).map(|i| width(i).unwrap_or(0)).collect();
        let mut lines: Vec<String> = (!self.title.is_empty())
            .then(|| self.title.clone())
            .into_iter()
            .collect();
        for row in &shown {
            let cells = (0..columns).map(|i| {
                let cell = row.get(i).map_or("", String::as_str);
                let space = " ".repeat(widths[i].saturating_sub(cell.chars().count()));
                if right[i] {
                    space + cell
                } else {
                    cell.to_owned() + &space
                }
            });
            lines.push(cells.collect::<Vec<_>>().join("  ").trim_end().to_owned());
        }
        lines.join("\n")
    }

    /// The table in HTML.
    pub fn to_html(&self) -> String {
        let (columns, right, shown) = self.layout();
        let mut html = String::from("<table>");
        if !self.title.is_empty() {
            html.push_str(&format!("<caption>{}</caption>", escape(&self.title)));
        }
        for (n, row) in shown.iter().enumerate() {
            let tag = if n == 0 { "th" } else { "td" };
            html.push_str("<tr>");
            for (i, right) in right.iter().enumerate().take(columns) {
                let align = if *right { "right" } else { "left" };
                let cell = escape(row.get(i).map_or("", String::as_str));
                html.push_str(&format!(
                    "<{tag} style=\"text-align:{align}\">{cell}</{tag}>"
                ));
            }
            html.push_str("</tr>");
        }
        html.push_str("</table>");
        html
    }

    /// How many columns there are, which of them hold numbers, and the lines to show: the head, then the rows.
    fn layout(&self) -> (usize, Vec<bool>, Vec<Vec<String>>) {
        let columns = self
            .rows
            .iter()
            .chain([&self.head])
            .map(Vec::len)
            .max()
            .unwrap_or(0);
        let number = |cell: &str| {
            cell.is_empty() || cell == "-" || cell.replace(',', "").parse::<f64>().is_ok()
        };
        let right = |i: usize| {
            !self.rows.is_empty()
                && self
                    .rows
                    .iter()
                    .all(|row| row.get(i).is_none_or(|cell| number(cell)))
        };
        let mut shown = vec![self.head.clone()];
        if self.rows.len() <= MOST {
            shown.extend_from_slice(&self.rows);
        } else {
            shown.extend_from_slice(&self.rows[..MOST / 2]);
            shown.push(vec![format!("... {} more rows", self.rows.len() - MOST)]);
            shown.extend_from_slice(&self.rows[self.rows.len() - MOST / 2..]);
        }
        (columns, (0..columns).map(right).collect(), shown)
    }
}

fn strings<S: ToString>(cells: impl IntoIterator<Item = S>) -> Vec<String> {
    cells.into_iter().map(|cell| cell.to_string()).collect()
}

impl Show for Table {
    fn contents(&self) -> Result<Vec<Content>> {
        Ok(vec![Content::text(self.to_text()).html(self.to_html())])
    }
}
shows_itself!(Table);

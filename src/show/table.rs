//! Tables, as aligned plain text and as HTML.

use crate::error::Result;
use crate::show::content::{Content, escape};
use crate::show::display::{Show, evcxr_display};

/// Maximum number of rows that are rendered; longer tables omit the middle and say so.
const MAX_ROWS: usize = 60;

/// Rows of cells under a header. Numeric columns are aligned to the right.
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
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The rendered part of a table.
struct TableLayout {
    /// One entry per column: whether it is aligned to the right.
    align_right: Vec<bool>,
    /// The header, then the rows.
    lines: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Table::new(["layers", "loss"]).row(["2", "0.01"]));
    /// ```
    pub fn new<S: ToString>(header: impl IntoIterator<Item = S>) -> Self {
        Table {
            header: strings(header),
            ..Table::default()
        }
    }

    /// Sets the title above the table.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Table::new(["layers", "loss"]).row(["2", "0.01"]).title("Results"));
    /// ```
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Adds a row. It may be shorter or longer than the header.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Table::new(["layers", "loss"]).row(["2", "0.01"]).row(["3", "0.02"]));
    /// ```
    pub fn row<S: ToString>(mut self, cells: impl IntoIterator<Item = S>) -> Self {
        self.rows.push(strings(cells));
        self
    }

    /// Number of rows without the header.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(Table::new(["loss"]).row(["0.01"]).len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if the table has no rows.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert!(Table::new(["loss"]).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as plain text.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert!(Table::new(["loss"]).row(["0.01"]).to_text().contains("0.01"));
    /// ```
    pub fn to_text(&self) -> String {
        let layout = self.layout();
        let widths = layout.widths();
        let mut lines = Vec::new();
        if !self.title.is_empty() {
            lines.push(self.title.clone());
        }
        for line in &layout.lines {
            let cells = widths.iter().enumerate().map(|(i, width)| {
                let cell = line.get(i).map_or("", String::as_str);
                let space = " ".repeat(width.saturating_sub(cell.chars().count()));
                if layout.align_right[i] {
                    space + cell
                } else {
                    cell.to_owned() + &space
                }
            });
            lines.push(cells.collect::<Vec<_>>().join("  ").trim_end().to_owned());
        }
        lines.join("\n")
    }

    /// The table as HTML.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert!(Table::new(["loss"]).row(["0.01"]).to_html().contains("<table"));
    /// ```
    pub fn to_html(&self) -> String {
        let layout = self.layout();
        let mut html = String::from("<table>");
        if !self.title.is_empty() {
            html.push_str(&format!("<caption>{}</caption>", escape(&self.title)));
        }
        for (i, line) in layout.lines.iter().enumerate() {
            let tag = if i == 0 { "th" } else { "td" };
            html.push_str("<tr>");
            for (column, right) in layout.align_right.iter().enumerate() {
                let align = if *right { "right" } else { "left" };
                let cell = escape(line.get(column).map_or("", String::as_str));
                html.push_str(&format!(
                    "<{tag} style=\"text-align:{align}\">{cell}</{tag}>"
                ));
            }
            html.push_str("</tr>");
        }
        html.push_str("</table>");
        html
    }

    fn layout(&self) -> TableLayout {
        let lengths = self.rows.iter().chain([&self.header]).map(Vec::len);
        let columns = lengths.max().unwrap_or(0);
        TableLayout {
            align_right: (0..columns).map(|i| self.is_numeric(i)).collect(),
            lines: self.lines(),
        }
    }

    fn is_numeric(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().filter_map(|row| row.get(column));
        !self.rows.is_empty() && cells.all(|cell| is_number(cell))
    }

    fn lines(&self) -> Vec<Vec<String>> {
        let mut lines = vec![self.header.clone()];
        if self.rows.len() <= MAX_ROWS {
            lines.extend_from_slice(&self.rows);
        } else {
            let omitted = self.rows.len() - MAX_ROWS;
            lines.extend_from_slice(&self.rows[..MAX_ROWS / 2]);
            lines.push(vec![format!("... {omitted} more rows")]);
            lines.extend_from_slice(&self.rows[self.rows.len() - MAX_ROWS / 2..]);
        }
        lines
    }
}

impl TableLayout {
    /// Widths of the columns, in characters.
    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self.lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        (0..self.align_right.len()).map(width).collect()
    }
}

fn is_number(cell: &str) -> bool {
    cell.is_empty() || cell == "-" || cell.replace(',', "").parse::<f64>().is_ok()
}

fn strings<S: ToString>(cells: impl IntoIterator<Item = S>) -> Vec<String> {
    cells.into_iter().map(|cell| cell.to_string()).collect()
}

impl Show for Table {
    fn contents(&self) -> Result<Vec<Content>> {
        Ok(vec![Content::text(self.to_text()).html(self.to_html())])
    }
}
evcxr_display!(Table);

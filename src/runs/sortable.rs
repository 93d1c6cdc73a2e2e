//! A table in the page that sorts and filters its rows.

use crate::show::{escape, new_id};
use std::time::SystemTime;

/// HTML with the placeholders `ID` and `TABLE`.
const PAGE: &str = include_str!("sortable.html");

/// A cell: its text, and the number by which its column is sorted, if it is one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SortableCell {
    pub(super) text: String,
    pub(super) number: Option<f64>,
    /// The whole of a text that is cut off.
    whole: Option<String>,
}

/// Characters of a long text; the rest is cut off.
const MAX_TEXT: usize = 60;
/// Characters of a text that stays on one line.
const WIDE: usize = 24;

impl SortableCell {
    /// A cell that is sorted by its text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        SortableCell {
            text: text.into(),
            ..Default::default()
        }
    }

    /// A cell with the beginning of a text. The filter finds all of it.
    pub(super) fn long_text(text: &str) -> Self {
        match text.char_indices().nth(MAX_TEXT) {
            Some((end, _)) => SortableCell {
                text: format!("{}…", &text[..end]),
                whole: Some(text.to_owned()),
                ..Default::default()
            },
            None => SortableCell::text(text),
        }
    }

    /// A cell that is sorted by a number; without one, it is `-` and comes last.
    pub(super) fn number(number: Option<f64>, text: impl FnOnce(f64) -> String) -> Self {
        SortableCell {
            text: number.map_or("-".into(), text),
            number: Some(number.unwrap_or(f64::INFINITY)),
            ..Default::default()
        }
    }

    fn html(&self) -> String {
        let text = escape(&self.text);
        match self.number {
            Some(number) => {
                format!("<td style=\"text-align:right\" data-number=\"{number:e}\">{text}</td>")
            }
            None => {
                let title = self
                    .whole
                    .as_ref()
                    .map(|whole| format!(" title=\"{}\"", escape(whole)));
                let class = if self.text.chars().count() > WIDE {
                    " class=\"long\""
                } else {
                    ""
                };
                let title = title.unwrap_or_default();
                format!("<td style=\"text-align:left\"{class}{title}>{text}</td>")
            }
        }
    }
}

/// The table with a field to filter its rows. A click on a header sorts them. Without scripts, it is
/// a plain table.
pub(super) fn sortable_table(header: &[&str], rows: &[Vec<SortableCell>]) -> String {
    let cells: String = header
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let mut cells = rows.iter().filter_map(|row| row.get(column));
            let align = match cells.all(|cell| cell.number.is_some()) {
                true => "right",
                false => "left",
            };
            format!("<th style=\"text-align:{align}\">{}</th>", escape(name))
        })
        .collect();
    let rows: String = rows
        .iter()
        .map(|row| {
            let cells: String = row.iter().map(SortableCell::html).collect();
            format!("<tr>{cells}</tr>\n")
        })
        .collect();
    let table = format!("<thead><tr>{cells}</tr></thead>\n<tbody>\n{rows}</tbody>");
    // TABLE last: a text in it may be the other placeholder.
    PAGE.replace("ID", &unique_id())
        .replacen("TABLE", &table, 1)
}

/// An element id that also differs from those of earlier sessions in the same notebook.
fn unique_id() -> String {
    let nanos = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| time.as_nanos());
    format!("{}-{nanos}", new_id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_numbers_are_sorted_as_numbers() {
        let hostile = "</td><script>alert(1)</script>\" onclick=\"TABLE ID";
        let row = vec![
            SortableCell::text(hostile),
            SortableCell::number(Some(0.25), |loss| format!("{loss:.5}")),
            SortableCell::number(None, |loss| loss.to_string()),
        ];
        let html = sortable_table(&["tags", "loss", "best"], &[row]);
        assert_eq!(html.matches("<script>").count(), 1, "only ours");
        assert!(
            html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onclick=&quot;TABLE ID")
        );
        assert!(
            html.contains("data-number=\"2.5e-1\">0.25000</td>"),
            "{html}"
        );
        assert!(html.contains("data-number=\"inf\">-</td>"), "{html}");
        assert_eq!(html.matches("<table").count(), 1);
    }

    #[test]
    fn headers_stand_above_their_column_and_cut_texts_are_whole_in_titles() {
        let long = format!("{}\"<", "a".repeat(MAX_TEXT));
        let row = vec![
            SortableCell::long_text(&long),
            SortableCell::number(Some(1.0), |n| n.to_string()),
        ];
        assert_eq!(row[0].text, format!("{}…", &long[..MAX_TEXT]));
        let html = sortable_table(&["layers", "epochs"], &[row]);
        assert!(html.contains("<th style=\"text-align:left\">layers</th>"));
        assert!(html.contains("<th style=\"text-align:right\">epochs</th>"));
        assert!(html.contains("a&quot;&lt;\">aaa"), "{html}");
        assert_eq!(SortableCell::long_text("Relu").text, "Relu");
    }
}

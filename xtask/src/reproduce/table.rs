//! The results as lines of text and as README's table.

use super::number::{Number, significant};
use std::path::Path;

/// Titles of the columns of [`line`].
pub(crate) const HEADER: &str =
    "row           number              ours      published  band                  seconds";

const BEGIN: &str = "<!-- cargo xtask reproduce --readme -->\n";
const END: &str = "<!-- end of the table -->";
const COLUMNS: &str = "| network and training | number | ours | published | band | seconds | date |
| --- | --- | ---: | ---: | --- | ---: | --- |
";

/// A line about a number.
pub(crate) fn line(number: &Number) -> String {
    format!(
        "{:<12}  {:<18}  {:<8}  {:<9}  {:<20}  {:>7.0}{}",
        number.text("row"),
        number.text("number"),
        significant(number.value("ours")),
        number.value("published"),
        band(number),
        number.value("seconds"),
        if number.in_band() { "" } else { "  OUTSIDE" },
    )
}

fn band(number: &Number) -> String {
    let [low, high] = ["low", "high"].map(|field| significant(number.value(field)));
    format!("{} to {}", without_zeros(&low), without_zeros(&high))
}

/// 0.085 for 0.08500.
fn without_zeros(number: &str) -> &str {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    }
}

/// Writes the table between the markers of the README.
///
/// # Errors
/// If the file cannot be read or written, or has no markers.
pub(crate) fn write_readme(path: &Path, numbers: &[&Number]) -> Result<(), String> {
    let failed = |error| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let text = with_table(&text, numbers)
        .ok_or_else(|| format!("{}: expected the lines {BEGIN}{END}", path.display()))?;
    std::fs::write(path, text).map_err(failed)
}

/// A README with the table between its markers; `None` without markers.
fn with_table(readme: &str, numbers: &[&Number]) -> Option<String> {
    let (before, rest) = readme.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    let rows: String = numbers.iter().map(|number| row(number)).collect();
    Some(format!("{before}{BEGIN}{COLUMNS}{rows}{END}{after}"))
}

/// A number as a row in Markdown. The published number links to its source.
fn row(number: &Number) -> String {
    let published = number.value("published");
    let source = number.text("source");
    let published = match source.rfind("http") {
        Some(at) => format!("[{published}]({})", &source[at..]),
        None => published.to_string(),
    };
    format!(
        "| {} | {} | {} | {published} | {} | {:.0} | {} |\n",
        number.text("settings"),
        number.text("number"),
        significant(number.value("ours")),
        band(number),
        number.value("seconds"),
        number.text("date"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(ours: f64) -> Number {
        let line = format!(
            r#"{{"row":"dense","number":"test BCE","ours":{ours},"published":0.09,"low":0.085,
            "high":0.095,"seconds":12.4,"settings":"784-32-784","source":"A post, https://a.b/c"}}"#
        );
        Number::parse(&line.replace('\n', ""), "2026-01-31").unwrap()
    }

    #[test]
    fn a_number_outside_its_band_is_marked() {
        let inside =
            "dense         test BCE            0.09150   0.09       0.085 to 0.095             12";
        assert_eq!(line(&number(0.0915)), inside);
        assert!(line(&number(0.1002)).ends_with("  OUTSIDE"));
    }

    #[test]
    fn the_table_replaces_what_is_between_the_markers() {
        let readme = format!("# Title\n{BEGIN}old\n{END}\nText\n");
        let text = with_table(&readme, &[&number(0.0915)]).unwrap();
        let row = "| 784-32-784 | test BCE | 0.09150 | [0.09](https://a.b/c) | 0.085 to 0.095 \
                   | 12 | 2026-01-31 |";
        assert_eq!(
            text,
            format!("# Title\n{BEGIN}{COLUMNS}{row}\n{END}\nText\n")
        );
        assert_eq!(with_table(&text, &[&number(0.0915)]).unwrap(), text);
        assert_eq!(with_table("# Title\n", &[]), None);
    }
}

//! Tables as plain text and HTML.

use candlebook::prelude::*;

#[test]
fn numeric_columns_are_aligned_right_and_html_is_escaped() {
    let table = Table::new(["name", "n"])
        .title("Sizes")
        .row(["<a>", "5"])
        .row(["b", "1,000"])
        .row(["c"]);
    assert_eq!(
        table.to_text(),
        "Sizes\nname      n\n<a>       5\nb     1,000\nc"
    );
    let html = table.to_html();
    assert!(html.contains("<caption>Sizes</caption>") && html.contains("&lt;a&gt;"));
    assert!(html.contains("<td style=\"text-align:right\">1,000</td>"));
    assert!(html.contains("<td style=\"text-align:left\">b</td>"));
}

#[test]
fn long_tables_omit_the_middle_and_say_so() {
    let table = (0..100).fold(Table::new(["n"]), |table, n| table.row([n]));
    let text = table.to_text();
    assert_eq!(table.len(), 100);
    assert_eq!(text.lines().count(), 62);
    // Numbers and the note share a column, which the note makes a text column.
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    assert_eq!(lines[29..33], ["28", "29", "... 40 more rows", "70"]);
    assert_eq!(lines[61], "99");
}

#[test]
fn cells_of_any_length_are_rendered() {
    assert_eq!(
        Table::new(["a"]).row(["x".repeat(70_000)]).to_text().len(),
        1 + 1 + 70_000
    );
}

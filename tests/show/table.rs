//! Tables in both forms.

use candlebook::prelude::*;

#[test]
fn columns_of_numbers_are_aligned_right_and_html_is_escaped() {
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
fn long_tables_are_cut_in_the_middle_and_say_so() {
    let table = (0..100).fold(Table::new(["n"]), |table, n| table.row([n]));
    let text = table.to_text();
    assert_eq!(table.len(), 100);
    assert_eq!(text.lines().count(), 62);
    assert!(
        text.contains("\n29\n... 40 more rows\n") || text.contains("... 40 more rows"),
        "{text}"
    );
    assert!(text.ends_with("99"));
}

#[test]
fn a_cell_of_any_length_is_shown() {
    assert_eq!(
        Table::new(["a"]).row(["x".repeat(70_000)]).to_text().len(),
        1 + 1 + 70_000
    );
}

//! The table of iTorch's functions: each row names a test, and the test is there.

use std::path::Path;

#[test]
fn every_row_of_the_table_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/itorch.md")).unwrap();
    let mut sources = String::new();
    for folder in ["tests", "tests/kernel"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|ending| ending == "rs" || ending == "py")
            {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let rows: Vec<&str> = table
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(2)
        .collect();
    assert!(rows.len() >= 30, "{} rows", rows.len());
    for row in rows {
        let test = row
            .trim_end_matches(" |")
            .rsplit("| ")
            .next()
            .unwrap()
            .trim_matches('`');
        let found = if test.contains('/') {
            root.join(test).is_file()
        } else {
            sources.contains(&format!("fn {test}(")) || sources.contains(&format!("def {test}("))
        };
        assert!(found, "no test {test} for: {row}");
    }
}

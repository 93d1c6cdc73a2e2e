//! Tables of sweeps with more columns and rows than a sweep has.

use crate::{alone, refused};
use candlebook::prelude::*;

const HEADER: &str = "best_loss,epochs,seconds,status,error,notebook\n";

#[test]
fn columns_and_rows_of_a_sweeps_table_are_limited() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let wide = [HEADER.trim_end(), &",".repeat(15 << 20)].concat();
    let long = [HEADER, &",,,,,\n".repeat(2 << 20)].concat();
    for (text, words) in [
        (wide, "at most 1000 columns, got more"),
        (long, "at most 100000 rows, got more"),
    ] {
        std::fs::write(folder.path().join("results.csv"), text).unwrap();
        let (error, bytes) = refused(folder.path(), sweep_results);
        assert!(error.contains(words), "{error}");
        assert!(bytes < 1 << 30, "{bytes} bytes");
    }
}

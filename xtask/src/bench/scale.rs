//! The tables of `docs/scale.md`: measured steps, and the effect of a network computed from them.

use serde_json::Value;
use std::path::Path;

const BEGIN: &str = "<!-- cargo xtask bench scale -->\n";
const END: &str = "<!-- end of the tables -->";
/// Hosts of the computed table.
const HOSTS: f64 = 4.0;
/// Efficiency that the computed batch size reaches.
const EFFICIENCY: f64 = 0.8;
/// Networks by their bandwidth in Gbit/s.
const NETWORKS: [f64; 3] = [1.0, 10.0, 100.0];
const MODELS: [(&str, &str); 5] = [
    ("m1", "m1: 784-128-784"),
    ("m2", "m2: 784-512-128-32-128-512-784"),
    ("m4", "m4: strided, 1 x 28 x 28, code 32"),
    ("m3", "m3: pooled, 3 x 64 x 64, code 256"),
    ("post", "post: pooled, 3 x 224 x 224, code 64"),
];
const MEASURED: &str = "
| model | weights | batch size | one process, all threads | one thread | 2 ranks, MPICH | 2 ranks, Open MPI | sum, MPICH | sum, Open MPI |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
";
const COMPUTED: &str = "
| model | sum of | 1 Gbit/s: T | batch | efficiency | 10 Gbit/s: T | batch | efficiency | 100 Gbit/s: T | batch | efficiency |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
";

/// Prints the tables of a file of rows and writes them between the markers of a document.
///
/// # Errors
/// If a file cannot be read or written, a row is absent, or the document has no markers.
pub(super) fn write(rows: &Path, document: &Path) -> Result<(), String> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let in_rows = |error: String| format!("{}: {error}", rows.display());
    let values: Vec<Value> =
        serde_json::from_str(&read(rows)?).map_err(|error| in_rows(error.to_string()))?;
    let tables = tables(&values).map_err(in_rows)?;
    println!("{tables}");
    let text = with_tables(&read(document)?, &tables)
        .ok_or_else(|| format!("{}: expected the lines {BEGIN}{END}", document.display()))?;
    std::fs::write(document, text).map_err(|error| format!("{}: {error}", document.display()))
}

/// A document with the tables between its markers; `None` without markers.
fn with_tables(document: &str, tables: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{tables}{END}{after}"))
}

/// Both tables, of the models that have rows.
fn tables(rows: &[Value]) -> Result<String, String> {
    let (mut measured, mut computed) = (String::new(), String::new());
    for (model, title) in MODELS {
        let rows: Vec<&Value> = rows.iter().filter(|row| row["model"] == model).collect();
        if !rows.is_empty() {
            measured += &measured_row(title, &rows)?;
            computed += &computed_row(title, &rows)?;
        }
    }
    Ok(format!(
        "{} Each rank has one thread.\n\
         {MEASURED}{measured}\n\
         Computed from the first column of times, for {HOSTS} hosts with one rank each. T is the time of the sum; \"batch\" \
         is the batch size per rank for an efficiency of {:.0} %; \"efficiency\" is that of a rank with the batch size \
         above.\n{COMPUTED}{computed}",
        origin(rows),
        100.0 * EFFICIENCY
    ))
}

/// Machine and rounds of the measured table.
fn origin(rows: &[Value]) -> String {
    let first = rows.first().unwrap_or(&Value::Null);
    let processor = first["processor"]
        .as_str()
        .unwrap_or("an unknown processor");
    let rounds = match first["rounds"].as_u64() {
        Some(1) | None => "one round".to_owned(),
        Some(rounds) => format!("{rounds} rounds"),
    };
    format!(
        "Measured on {processor}, the fastest of {rounds}: the time of a step, and of the sum of its gradients over 2 ranks."
    )
}

/// Value of a row by its name.
fn value(rows: &[&Value], name: &str) -> Result<f64, String> {
    let row = rows.iter().find(|row| row["name"] == name);
    row.and_then(|row| row["value"].as_f64())
        .ok_or_else(|| format!("expected a row {name:?}, found none. Measure again"))
}

fn measured_row(title: &str, rows: &[&Value]) -> Result<String, String> {
    let weights = millions(value(rows, "weights")?);
    let batch_size = value(rows, "batch")?;
    let mut row = format!("| {title} | {weights} | {batch_size} |");
    for name in [
        "step, one process, all threads",
        "step, one process, one thread",
        "step, 2 local ranks of one thread, MPICH",
        "step, 2 local ranks of one thread, Open MPI",
        "all-reduce, 2 local ranks, MPICH",
        "all-reduce, 2 local ranks, Open MPI",
    ] {
        row += &format!(" {} |", milliseconds(value(rows, name)?));
    }
    Ok(row + "\n")
}

fn computed_row(title: &str, rows: &[&Value]) -> Result<String, String> {
    let bytes = value(rows, "bytes to sum")?;
    let seconds = value(rows, "step, one process, all threads")?;
    let batch_size = value(rows, "batch")?;
    let mut row = format!("| {title} | {} MB |", two_digits(bytes / 1e6));
    for gigabits in NETWORKS {
        let sum = sum_seconds(bytes, gigabits);
        let needed = batch_per_rank(sum, seconds / batch_size);
        let efficiency = efficiency(sum, seconds);
        row += &format!(
            " {} | {} | {} |",
            milliseconds(sum),
            thousands(needed),
            percent(efficiency)
        );
    }
    Ok(row + "\n")
}

/// Seconds of the sum of the gradients over all hosts: each sends and receives 2 (N - 1) / N times the
/// bytes, the least that is possible.
fn sum_seconds(bytes: f64, gigabits: f64) -> f64 {
    2.0 * (HOSTS - 1.0) / HOSTS * bytes / (gigabits * 1e9 / 8.0)
}

/// Batch size per rank at which a rank computes for the wanted share of a step, and sums in the rest.
fn batch_per_rank(sum: f64, seconds_per_image: f64) -> f64 {
    let computing = EFFICIENCY / (1.0 - EFFICIENCY) * sum;
    (computing / seconds_per_image).ceil().max(1.0)
}

/// Share of a step in which a rank computes: the sum does not overlap with it.
fn efficiency(sum: f64, computing: f64) -> f64 {
    computing / (computing + sum)
}

fn millions(count: f64) -> String {
    format!("{} M", two_digits(count / 1e6))
}

fn milliseconds(seconds: f64) -> String {
    format!("{} ms", two_digits(1e3 * seconds))
}

fn percent(share: f64) -> String {
    match (100.0 * share).round() {
        0.0 => "< 1 %".into(),
        100.0 => "> 99 %".into(),
        percent => format!("{percent} %"),
    }
}

/// Two significant digits, and all digits before the point.
fn two_digits(value: f64) -> String {
    let digits = 1 - value.log10().floor() as i32;
    format!("{value:.*}", digits.max(0) as usize)
}

/// Two significant digits, with a comma before thousands.
fn thousands(count: f64) -> String {
    let unit = 10f64.powf((count.log10().floor() - 1.0).max(0.0));
    let count = ((count / unit).round() * unit) as u64;
    match count {
        0..1000 => count.to_string(),
        _ => format!("{},{:03}", count / 1000, count % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A megabyte of weights, and 10 ms a step.
    fn rows() -> Vec<Value> {
        let row = |name: &str, value: f64| json!({"model": "m1", "name": name, "value": value, "processor": "a CPU", "rounds": 3});
        let steps = [
            ("step, one process, all threads", 0.01),
            ("step, one process, one thread", 0.02),
            ("step, 2 local ranks of one thread, MPICH", 0.0125),
            ("step, 2 local ranks of one thread, Open MPI", 0.0115),
            ("all-reduce, 2 local ranks, MPICH", 0.00045),
            ("all-reduce, 2 local ranks, Open MPI", 0.000129),
        ];
        let sizes = [
            ("weights", 250_000.0),
            ("bytes to sum", 1e6),
            ("batch", 100.0),
        ];
        let all = sizes.into_iter().chain(steps);
        all.map(|(name, value)| row(name, value)).collect()
    }

    #[test]
    fn the_effect_of_a_network_follows_from_bytes_and_seconds() {
        // 1 MB over 4 hosts is 1.5 MB on each wire: 12 ms at 1 Gbit/s.
        let sum = sum_seconds(1e6, 1.0);
        assert!((sum - 0.012).abs() < 1e-12, "{sum}");
        // 80 %: 48 ms of computing, at 0.1 ms an image.
        assert!((batch_per_rank(sum, 1.0001e-4) - 480.0).abs() < 1.0);
        assert_eq!(batch_per_rank(1e-9, 1.0), 1.0);
        assert!((efficiency(sum, 0.048) - EFFICIENCY).abs() < 1e-12);
    }

    #[test]
    fn rows_become_two_tables() {
        let tables = tables(&rows()).unwrap();
        let measured = "| m1: 784-128-784 | 0.25 M | 100 | 10 ms | 20 ms | 12 ms | 12 ms | 0.45 ms \
                        | 0.13 ms |\n";
        let computed = "| m1: 784-128-784 | 1.0 MB | 12 ms | 480 | 45 % | 1.2 ms | 48 | 89 % | 0.12 ms \
                        | 5 | 99 % |\n";
        assert!(
            tables.contains(measured) && tables.contains(computed),
            "{tables}"
        );
        let origin = "Measured on a CPU, the fastest of 3 rounds: ";
        assert!(tables.starts_with(origin), "{tables}");
    }

    #[test]
    fn a_row_that_is_absent_is_named() {
        let rows = &rows()[..3];
        let expected =
            "expected a row \"step, one process, all threads\", found none. Measure again";
        assert_eq!(tables(rows).unwrap_err(), expected);
    }

    #[test]
    fn the_tables_replace_the_text_between_the_markers() {
        let document = format!("# Title\n{BEGIN}old\n{END}\nText\n");
        let text = with_tables(&document, "new\n").unwrap();
        assert_eq!(text, format!("# Title\n{BEGIN}new\n{END}\nText\n"));
        assert_eq!(with_tables(&text, "new\n").unwrap(), text);
        assert_eq!(with_tables("# Title\n", "new\n"), None);
        assert_eq!(with_tables(BEGIN, "new\n"), None);
    }

    #[test]
    fn numbers_have_two_significant_digits() {
        let numbers = [0.000_129, 0.45, 5.04, 12.4, 162.2].map(two_digits);
        assert_eq!(numbers, ["0.00013", "0.45", "5.0", "12", "162"]);
        let counts = [1.0, 14.0, 133.0, 995.0, 1360.0, 15_432.0].map(thousands);
        assert_eq!(counts, ["1", "14", "130", "1,000", "1,400", "15,000"]);
        let shares = [0.001, 0.034, 0.8, 0.999].map(percent);
        assert_eq!(shares, ["< 1 %", "3 %", "80 %", "> 99 %"]);
    }
}

//! Trains the networks of posts and papers with their settings and compares the results with the
//! published numbers. `cargo xtask reproduce` starts it, with CANDLEBOOK_DATA as a folder of the
//! full sets and CANDLEBOOK_BENCH as one for networks that another row trains on.
//!
//! usage: reproduce ROW, or: reproduce --list
//!
//! Prints one line of JSON for each number of a row, or for each row's name.

mod binary;
mod conv;
mod data;
mod dense;
mod discrete;
mod losses;
mod rows;
mod variational;
mod winners;

use rows::{ROWS, Row};
use serde_json::json;
use std::process::ExitCode;
use std::time::Instant;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [list] if list == "--list" => {
            ROWS.iter().for_each(|row| println!("{}", json!(row.name)));
            Ok(())
        }
        [name] => reproduce(name),
        _ => Err(format!("expected ROW or --list, got {arguments:?}").into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Trains a row's network and prints its numbers.
fn reproduce(name: &str) -> Fallible<()> {
    let row = ROWS.iter().find(|row| row.name == name);
    let row = row.ok_or_else(|| format!("no row is called {name}"))?;
    let start = Instant::now();
    let ours = (row.train)()?;
    let seconds = start.elapsed().as_secs_f64();
    print(row, &ours, seconds)
}

fn print(row: &Row, ours: &[f64], seconds: f64) -> Fallible<()> {
    if ours.len() != row.numbers.len() {
        let (expected, got) = (row.numbers.len(), ours.len());
        return Err(format!("{}: expected {expected} numbers, got {got}", row.name).into());
    }
    for (number, ours) in row.numbers.iter().zip(ours) {
        let line = json!({
            "row": row.name,
            "number": number.name,
            "ours": ours,
            "published": number.published,
            "low": number.low,
            "high": number.high,
            "seconds": seconds,
            "settings": row.settings,
            "source": row.source,
        });
        println!("{line}");
    }
    Ok(())
}

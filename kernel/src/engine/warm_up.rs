//! The warm-up process, in which the engine builds a seed.

use super::evaluator::{Cell, Engine, set_environment};
use super::event::Event;
use crate::build::{Seed, Session, WARM_UP_CELLS};
use anyhow::Result;
use std::path::Path;

/// Runs the prelude and the warm-up cells in a seed's folder.
///
/// # Errors
/// If the engine cannot be started or a cell fails.
#[allow(unsafe_code)]
pub(crate) fn run_warm_up(folder: &Path) -> Result<()> {
    let print_errors = Box::new(|event| {
        if let Event::Stderr(text) = event {
            eprint!("{text}");
        }
    });
    let session = Session::in_seed(Seed::at(folder.to_owned()));
    // SAFETY: no thread has been started yet.
    unsafe { set_environment(&session)? };
    let mut engine = Engine::start(&session, print_errors)?;
    for (code, number) in WARM_UP_CELLS.split("\n// ---\n").zip(1..) {
        let cell = Cell {
            number,
            id: None,
            code,
        };
        engine
            .execute(cell, &|_, _| None)
            .into_result()
            .map_err(|error| anyhow::anyhow!("{error}"))?;
    }
    // Records cargo's description of the project for lookups.
    engine.complete("Tens", 4);
    Ok(())
}

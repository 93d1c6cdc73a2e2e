//! The warm-up process: the engine builds a seed by running the prelude and the warm-up cells in it.

use super::engine::{Engine, set_environment};
use super::relay::Event;
use crate::build::{Seed, Session, WARM_UP};
use anyhow::Result;
use std::path::Path;

/// The body of the warm-up process: the engine, in the seed's folder, runs the prelude and the warm-up cells.
pub(crate) fn run_warm_up(folder: &Path) -> Result<()> {
    let complain = Box::new(|event| {
        if let Event::Stderr(text) = event {
            eprint!("{text}");
        }
    });
    let session = Session::in_seed(Seed::at(folder.to_owned()));
    // SAFETY: no thread has been started yet.
    unsafe { set_environment(&session)? };
    let mut engine = Engine::start(&session, complain)?;
    for cell in WARM_UP.split("\n// ---\n") {
        engine
            .execute(cell, &|_, _| String::new())
            .into_result()
            .map_err(|error| anyhow::anyhow!("{error}"))?;
    }
    Ok(())
}

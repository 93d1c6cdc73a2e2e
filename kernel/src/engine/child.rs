//! The process that runs cells: loads each cell's library and calls it, between two hooks of the
//! helper.
//!
//! `evcxr::runtime_hook` would also run cells, but only code around each cell can flush the cell's
//! own buffers, so that `print!` without a newline reaches the page before the cell ends.

use super::protocol::{CELL_BEGINS, CELL_DONE};
use libloading::Library;
use std::ffi::c_void;
use std::io::{BufRead, Write};

/// Variable with the path of the helper's library.
pub(super) const HELPER: &str = "CANDLEBOOK_HELPER";

type Cell = extern "C" fn(*mut c_void) -> *mut c_void;
type Hook = extern "C" fn();

/// True if the engine started this process to run cells.
pub(crate) fn is_child() -> bool {
    std::env::var_os("EVCXR_IS_RUNTIME").is_some()
        && std::env::var_os("CANDLEBOOK_KERNEL").is_some()
}

/// Runs cells until the engine closes standard input.
#[allow(unsafe_code)]
pub(crate) fn run_child() -> ! {
    // The engine requests backtraces. Candle would then create one for every error, and the message
    // of a panic would be hard to find.
    // SAFETY: no other thread runs yet.
    unsafe { std::env::remove_var("RUST_BACKTRACE") };
    let mut variables: *mut c_void = std::ptr::null_mut();
    let hooks = Hooks::load();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        if let Err(error) = load_and_run(&line, &mut variables, hooks.as_ref()) {
            eprintln!("candlebook: cannot run the cell: {error}");
            std::process::exit(99);
        }
    }
    std::process::exit(0);
}

/// The helper's functions around a cell.
struct Hooks {
    begin: Hook,
    end: Hook,
}

impl Hooks {
    /// Loads the library that cells will link, once and at the start, so that a restarted child has
    /// the hooks before a cell uses the helper.
    #[allow(unsafe_code)]
    fn load() -> Option<Hooks> {
        let path = std::env::var_os(HELPER)?;
        // SAFETY: the library is the helper crate, compiled for this process; it is never unloaded.
        let library = Box::leak(Box::new(unsafe { Library::new(path) }.ok()?));
        // SAFETY: these are functions of the helper crate without arguments.
        let hook = |name: &[u8]| unsafe { library.get::<Hook>(name) }.map(|hook| *hook).ok();
        Some(Hooks {
            begin: hook(b"candlebook_cell_begin")?,
            end: hook(b"candlebook_cell_end")?,
        })
    }
}

#[allow(unsafe_code)]
fn load_and_run(
    line: &str,
    variables: &mut *mut c_void,
    hooks: Option<&Hooks>,
) -> Result<(), String> {
    let mut words = line.split(' ');
    let (Some("LOAD_AND_RUN"), Some(path), Some(function)) =
        (words.next(), words.next(), words.next())
    else {
        return Err(format!(
            "expected LOAD_AND_RUN with a library and a function, got {line:?}"
        ));
    };
    // SAFETY: the engine compiled the library for this process; it is leaked, so never unloaded.
    let library = Box::leak(Box::new(
        unsafe { Library::new(path) }.map_err(|error| error.to_string())?,
    ));
    // A loaded file is no longer needed, and kernels that run for days would fill the disk.
    let _ = std::fs::remove_file(path);
    // SAFETY: the engine generated a function with this name and type.
    let cell =
        unsafe { library.get::<Cell>(function.as_bytes()) }.map_err(|error| error.to_string())?;
    if let Some(hooks) = hooks {
        (hooks.begin)();
    }
    send(CELL_BEGINS)?;
    *variables = cell(*variables);
    if let Some(hooks) = hooks {
        (hooks.end)();
    }
    send(CELL_DONE)
}

fn send(line: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| error.to_string())
}

//! The process that runs cells: loads each cell's library and calls it, with the helper told before and after.
//!
//! The engine would do this itself by `evcxr::runtime_hook`, but only code around each cell can flush the cell's own
//! buffers, and only so does `print!` without a newline reach the page before the cell ends.

use libloading::Library;
use std::ffi::c_void;
use std::io::{BufRead, Write};

/// Ends the engine's wait for a cell. Starts with a record separator, so that it is told from text without a newline.
pub(crate) const CELL_DONE: &str = "\u{1e}EVCXR_EXECUTION_COMPLETE";

/// Says that a cell's code runs from here on.
pub(crate) const CELL_BEGINS: &str = "\u{1e}CANDLEBOOK_CELL_BEGINS";

/// Where the helper's library is.
pub(crate) const HELPER: &str = "CANDLEBOOK_HELPER";

type Cell = extern "C" fn(*mut c_void) -> *mut c_void;
type Hook = extern "C" fn();

/// Whether this process was started by the engine to run cells.
pub(crate) fn is_wanted() -> bool {
    std::env::var_os("EVCXR_IS_RUNTIME").is_some()
        && std::env::var_os("CANDLEBOOK_KERNEL").is_some()
}

/// Runs cells until the engine closes our standard input.
pub(crate) fn run() -> ! {
    // SAFETY: no other thread runs yet. The engine asks for backtraces; candle then makes one for every error, and a
    // panic in a cell buries its message.
    unsafe { std::env::remove_var("RUST_BACKTRACE") };
    let mut variables: *mut c_void = std::ptr::null_mut();
    let helper = helper();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        if let Err(error) = load_and_run(&line, &mut variables, helper) {
            eprintln!("candlebook: cannot run the cell: {error}");
            std::process::exit(99);
        }
    }
    std::process::exit(0);
}

/// The helper's two functions around a cell. It is the library that cells will link: loaded once, at the start, so that
/// also a child that was restarted has them before a cell uses the helper.
fn helper() -> Option<(Hook, Hook)> {
    // SAFETY: the library is the helper crate, compiled for this process, and is never unloaded.
    let library = Box::leak(Box::new(
        unsafe { Library::new(std::env::var_os(HELPER)?) }.ok()?,
    ));
    // SAFETY: these are functions of the helper crate, without arguments.
    let hook = |name: &[u8]| unsafe { library.get::<Hook>(name) }.map(|hook| *hook).ok();
    hook(b"candlebook_cell_begin").zip(hook(b"candlebook_cell_end"))
}

fn load_and_run(
    line: &str,
    variables: &mut *mut c_void,
    helper: Option<(Hook, Hook)>,
) -> Result<(), String> {
    let mut words = line.split(' ');
    let (Some("LOAD_AND_RUN"), Some(path), Some(function)) =
        (words.next(), words.next(), words.next())
    else {
        return Err(format!(
            "expected LOAD_AND_RUN with a library and a function, got {line:?}"
        ));
    };
    // SAFETY: the library was compiled by the engine for this process, and is never unloaded (it is leaked below).
    let library = Box::leak(Box::new(
        unsafe { Library::new(path) }.map_err(|error| error.to_string())?,
    ));
    // Loaded, the file is of no more use; kernels that run for days would fill the disk with them.
    let _ = std::fs::remove_file(path);
    // SAFETY: the engine generated a function of this name and type.
    let cell =
        unsafe { library.get::<Cell>(function.as_bytes()) }.map_err(|error| error.to_string())?;
    if let Some((begin, _)) = helper {
        begin();
    }
    say(CELL_BEGINS)?;
    *variables = cell(*variables);
    if let Some((_, end)) = helper {
        end();
    }
    say(CELL_DONE)
}

fn say(line: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| error.to_string())
}

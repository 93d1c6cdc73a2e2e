//! The process that runs cells: loads each cell's library and calls it, between two hooks of the
//! helper.
//!
//! `evcxr::runtime_hook` would also run cells, but only code around each cell can flush the cell's
//! own buffers, so that `print!` without a newline reaches the page before the cell ends.

use super::interrupt::Interrupts;
use super::protocol::{CELL_BEGINS, CELL_DONE, trusted_line};
use super::streams::{COMMAND, Streams, end_input};
use crate::build::TOKEN;
use libloading::Library;
use libloading::os::unix::{Library as UnixLibrary, RTLD_GLOBAL, RTLD_NOW};
use std::ffi::c_void;

/// Variable with the path of the helper's library.
pub(crate) const HELPER: &str = "CANDLEBOOK_HELPER";
/// Variable that is set if the user has enabled backtraces.
pub(super) const BACKTRACE: &str = "CANDLEBOOK_BACKTRACE";
/// Exit code of a process that could not load a cell.
const CANNOT_LOAD: i32 = 99;

type Cell = extern "C" fn(*mut c_void) -> *mut c_void;
type Hook = extern "C" fn();

/// True if an engine, ours or the stock server's, started this process to run cells.
pub(crate) fn is_child() -> bool {
    std::env::var_os("EVCXR_IS_RUNTIME").is_some()
}

/// True if our own engine started this process.
pub(crate) fn is_own_child() -> bool {
    is_child() && std::env::var_os("CANDLEBOOK_KERNEL").is_some()
}

/// Runs cells until the engine closes standard input.
#[allow(unsafe_code)]
pub(crate) fn run_child() -> ! {
    // The engine requests backtraces. Candle would then create one for every error, and panics would
    // print many lines that nobody asked for.
    // SAFETY: no other thread runs yet.
    unsafe {
        std::env::set_var("RUST_LIB_BACKTRACE", "0");
        if std::env::var_os(BACKTRACE).is_none() {
            std::env::remove_var("RUST_BACKTRACE");
        }
    }
    let code = match serve() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("candlebook: cannot run the cell: {error}");
            CANNOT_LOAD
        }
    };
    std::process::exit(code);
}

/// Runs the stock server's cells as `evcxr::runtime_hook` does, which ends a library's path at its
/// first space.
pub(crate) fn run_stock_child() -> ! {
    let mut variables: *mut c_void = std::ptr::null_mut();
    for line in std::io::stdin().lines().map_while(Result::ok) {
        match load(line.strip_prefix(COMMAND).unwrap_or(&line)) {
            Ok((cell, file)) => {
                variables = cell(variables);
                remove(file);
            }
            Err(error) => {
                eprintln!("candlebook: cannot run the cell: {error}");
                std::process::exit(CANNOT_LOAD);
            }
        }
        println!("{CELL_DONE}");
    }
    std::process::exit(0);
}

fn serve() -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let token = std::env::var(TOKEN).unwrap_or_default();
    let mut streams = Streams::take(&token).map_err(text)?;
    let interrupts = Interrupts::watch(end_input).map_err(text)?;
    let hooks = Hooks::load();
    let mut variables: *mut c_void = std::ptr::null_mut();
    while let Some(command) = streams.next_command() {
        let (cell, file) = load(&command)?;
        interrupts.clear();
        streams.begin_input().map_err(text)?;
        if let Some(hooks) = &hooks {
            (hooks.begin)();
        }
        streams
            .send(&trusted_line(&token, CELL_BEGINS))
            .map_err(text)?;
        variables = cell(variables);
        remove(file);
        end_input();
        if let Some(hooks) = &hooks {
            (hooks.end)();
        }
        streams.repair().map_err(text)?;
        streams
            .send(&trusted_line(&token, CELL_DONE))
            .map_err(text)?;
    }
    Ok(())
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

/// Loads the library that a command names, followed by the cell's function.
#[allow(unsafe_code)]
fn load(command: &str) -> Result<(Cell, &str), String> {
    // Folders may have spaces in their names; functions have none.
    let Some((path, function)) = command.rsplit_once(' ') else {
        return Err(format!(
            "expected a library and a function, got {command:?}"
        ));
    };
    // Global, so that later cells find the statics that this one defines.
    let flags = RTLD_NOW | RTLD_GLOBAL;
    // SAFETY: the engine compiled the library for this process; it is leaked, so never unloaded.
    let library = unsafe { UnixLibrary::open(Some(path), flags) };
    let library: Library = library.map_err(|error| error.to_string())?.into();
    let library = Box::leak(Box::new(library));
    // SAFETY: the engine generated a function with this name and type.
    let cell =
        unsafe { library.get::<Cell>(function.as_bytes()) }.map_err(|error| error.to_string())?;
    Ok((*cell, path))
}

/// Removes the file of a cell that has run: kernels that run for days would fill the disk. While the
/// cell runs, a backtrace finds the names of its functions there.
fn remove(file: &str) {
    let _ = std::fs::remove_file(file);
}

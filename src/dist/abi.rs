//! MPI libraries and their three binary interfaces.
//!
//! | interface | library | handles | `MPI_IN_PLACE` |
//! | --- | --- | --- | --- |
//! | standard (MPI 5.0, section 20) | `libmpi_abi.so.1` | small numbers as pointers | 1 |
//! | MPICH's, Intel's, MVAPICH's | `libmpi.so.12`, Debian's `libmpich.so.12` | `int` | -1 |
//! | Open MPI's, 4.x and 5.x | `libmpi.so.40` | addresses of symbols | 1 |
//!
//! The numbers are those of `mpi_abi.h` and `mpi.h` of MPICH 5.0.2, and of `mpi.h` of Open MPI 5.0.11.

use crate::dist::functions::{Calls, Constants, Functions, function};
use crate::dist::launch_environment::Family;
use libloading::os::unix::{Library as File, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};
use std::ffi::{c_char, c_int, c_void};
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Abi {
    Standard,
    Mpich,
    OpenMpi,
}

impl Abi {
    /// `MPI_THREAD_SERIALIZED`: any thread calls, one at a time.
    fn serialized(self) -> c_int {
        match self {
            Abi::Standard => 2048,
            Abi::Mpich | Abi::OpenMpi => 2,
        }
    }
}

/// An MPI library that is loaded, but not started.
#[derive(Debug)]
pub(crate) struct Library {
    file: File,
    name: PathBuf,
    abi: Abi,
    /// Such as "MPICH 5.0.2".
    pub(crate) version: String,
    /// None for a library of the standard interface by an unknown maker.
    pub(crate) family: Option<Family>,
}

impl Library {
    /// Loads a library, a path or a name for the loader, and asks what it is.
    ///
    /// # Errors
    /// Returns why it cannot be loaded, or that it is no MPI with a known interface.
    #[allow(unsafe_code)]
    pub(crate) fn open(name: &Path) -> Result<Self, String> {
        // Local at first: a library that is refused must not lend its functions to the next one.
        // SAFETY: loading runs the library's initializers, which for MPI prepare memory only.
        let file = unsafe { File::open(Some(name), RTLD_NOW | RTLD_LOCAL) };
        let file = file.map_err(|error| reason(&error))?;
        let text = library_version(&file)?;
        let abi = abi(&file, &text, name)?;
        Ok(Library {
            file,
            name: name.to_owned(),
            abi,
            version: short(&text),
            family: match abi {
                Abi::Standard => family(&text),
                Abi::Mpich => Some(Family::Mpich),
                Abi::OpenMpi => Some(Family::OpenMpi),
            },
        })
    }

    /// Starts MPI, once in a process's life.
    ///
    /// # Errors
    /// Returns that MPI was started before, lacks a function or does not serve threads, or its own
    /// message. Most libraries end the process when they cannot start.
    #[allow(unsafe_code)]
    pub(crate) fn start(self) -> Result<Box<dyn Calls>, String> {
        // The plugins of Open MPI look for its symbols among the global ones.
        // SAFETY: the library is loaded already, so no initializer runs.
        let file = unsafe { File::open(Some(&self.name), RTLD_NOW | RTLD_GLOBAL) };
        let file = file.map_err(|error| reason(&error))?;
        let calls: Box<dyn Calls> = match self.abi {
            Abi::Standard => Box::new(Functions::load(&file, STANDARD)?),
            Abi::Mpich => Box::new(Functions::load(&file, MPICH)?),
            Abi::OpenMpi => Box::new(Functions::load(&file, open_mpi(&file)?)?),
        };
        initialize(&file, self.abi.serialized())?;
        // MPI has threads and handlers at exit, so its code stays.
        std::mem::forget((file, self.file));
        calls.return_errors()?;
        Ok(calls)
    }
}

const STANDARD: Constants<usize> = Constants {
    world: 0x101,
    float: 0x210,
    double: 0x214,
    byte: 0x247,
    sum: 0x21,
    errors_return: 0x143,
    in_place: 1,
};

const MPICH: Constants<c_int> = Constants {
    world: 0x4400_0000,
    float: 0x4c00_040a,
    double: 0x4c00_080b,
    byte: 0x4c00_010d,
    sum: 0x5800_0003,
    errors_return: 0x5400_0001,
    in_place: usize::MAX,
};

fn open_mpi(file: &File) -> Result<Constants<usize>, String> {
    let address =
        |name: &str| address(file, name).ok_or_else(|| format!("the library has no {name}"));
    Ok(Constants {
        world: address("ompi_mpi_comm_world")?,
        float: address("ompi_mpi_float")?,
        double: address("ompi_mpi_double")?,
        byte: address("ompi_mpi_byte")?,
        sum: address("ompi_mpi_op_sum")?,
        errors_return: address("ompi_mpi_errors_return")?,
        in_place: 1,
    })
}

/// The address of a symbol that is not a function.
#[allow(unsafe_code)]
fn address(file: &File, name: &str) -> Option<usize> {
    // SAFETY: the value of the symbol is taken as an address, and nothing is read there.
    let symbol = unsafe { file.get::<*mut c_void>(name) }.ok()?;
    Some(*symbol as usize)
}

/// The loader's own words.
fn reason(error: &libloading::Error) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}

/// Which interface a library has. Asks the library; its name alone tells nothing.
fn abi(file: &File, text: &str, name: &Path) -> Result<Abi, String> {
    let maker = text.lines().next().unwrap_or_default();
    match standard_version(file) {
        Some(1) if mpi_version(file)? >= 5 => return Ok(Abi::Standard),
        // MPICH 4.3 has a draft with other numbers, where ERRORS_RETURN means to abort.
        Some(1..) => return Err(format!("another standard interface than MPI 5's ({maker})")),
        _ if name.to_string_lossy().contains("mpi_abi") => {
            return Err(format!("a draft of the standard interface ({maker})"));
        }
        _ => {}
    }
    if address(file, "ompi_mpi_comm_world").is_some() {
        return Ok(Abi::OpenMpi);
    }
    match family(text) {
        Some(Family::Mpich) => Ok(Abi::Mpich),
        _ => Err(format!("an MPI with an unknown interface ({maker})")),
    }
}

/// Major version of the standard interface; -1 if the library has it under another name, none if it
/// is older than the standard.
#[allow(unsafe_code)]
fn standard_version(file: &File) -> Option<c_int> {
    type Get = unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int;
    let (mut major, mut minor) = (-1, -1);
    // SAFETY: the function has this type, writes two numbers and may be called before MPI starts.
    let code =
        unsafe { function::<Get>(file, "MPI_Abi_get_version").ok()?(&mut major, &mut minor) };
    (code == 0).then_some(major)
}

/// The version of MPI's standard that the library serves.
#[allow(unsafe_code)]
fn mpi_version(file: &File) -> Result<c_int, String> {
    type Get = unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int;
    let (mut version, mut minor) = (0, 0);
    // SAFETY: the function has this type, writes two numbers and may be called before MPI starts.
    unsafe { function::<Get>(file, "MPI_Get_version")?(&mut version, &mut minor) };
    Ok(version)
}

/// The library's name and version in its own words.
#[allow(unsafe_code)]
fn library_version(file: &File) -> Result<String, String> {
    /// MPICH's `MPI_MAX_LIBRARY_VERSION_STRING`, the largest.
    const MAX_VERSION_BYTES: usize = 8192;
    type Get = unsafe extern "C" fn(*mut c_char, *mut c_int) -> c_int;
    let mut text = vec![0u8; MAX_VERSION_BYTES + 1];
    let mut length = 0;
    // SAFETY: the function has this type, writes at most MAX_VERSION_BYTES bytes and may be called before MPI
    // starts.
    unsafe {
        function::<Get>(file, "MPI_Get_library_version")?(text.as_mut_ptr().cast(), &mut length);
    }
    text.truncate(usize::try_from(length).unwrap_or(0));
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn family(text: &str) -> Option<Family> {
    let names = |list: &[&str]| list.iter().any(|name| text.contains(name));
    if names(&["Open MPI", "Spectrum MPI"]) {
        Some(Family::OpenMpi)
    } else if names(&["MPICH", "MVAPICH", "Intel(R) MPI", "ParaStation MPI"]) {
        Some(Family::Mpich)
    } else {
        None
    }
}

/// "Open MPI v5.0.11, package: ..." -> "Open MPI 5.0.11".
fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let end = line
        .find([',', '('])
        .filter(|&end| !line[..end].ends_with("Intel"));
    let line = end.map_or(line, |end| &line[..end]);
    let line = line.split(" for ").next().unwrap_or(line);
    let words = line.split_whitespace().map(|word| {
        let number = word.strip_prefix('v').unwrap_or(word);
        if number.starts_with(|c: char| c.is_ascii_digit()) {
            number
        } else {
            word
        }
    });
    let unwanted = ["Version:", "version", "Library", "VERSION", ":"];
    let words: Vec<&str> = words.filter(|word| !unwanted.contains(word)).collect();
    words.join(" ").replace("(R)", "")
}

#[allow(unsafe_code)]
fn initialize(file: &File, level: c_int) -> Result<(), String> {
    type Initialized = unsafe extern "C" fn(*mut c_int) -> c_int;
    type Init = unsafe extern "C" fn(*mut c_int, *mut c_void, c_int, *mut c_int) -> c_int;
    let (mut started, mut provided) = (0, 0);
    // SAFETY: the functions have these types. No arguments, so null, is allowed since MPI 2.
    let code = unsafe {
        function::<Initialized>(file, "MPI_Initialized")?(&mut started);
        if started != 0 {
            return Err("it was started before in this process".to_string());
        }
        let init = function::<Init>(file, "MPI_Init_thread")?;
        init(
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            level,
            &mut provided,
        )
    };
    if code != 0 {
        Err(format!("MPI_Init_thread failed with code {code}"))
    } else if provided < level {
        Err("it was built for programs with one thread".to_string())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_short() {
        let texts = [
            (
                "Open MPI v5.0.11, package: Open MPI user@host",
                "Open MPI 5.0.11",
            ),
            (
                "MPICH Version:      5.0.2\nMPICH Release date: Fri",
                "MPICH 5.0.2",
            ),
            (
                "Intel(R) MPI Library 2021.19.0 for Linux* OS\n",
                "Intel MPI 2021.19.0",
            ),
            ("MVAPICH Version:\t3.0\nMVAPICH", "MVAPICH 3.0"),
            (
                "MPI VERSION    : CRAY MPICH version 8.1.28.29 (ANL base",
                "MPI CRAY MPICH 8.1.28.29",
            ),
            ("", ""),
        ];
        for (text, expected) in texts {
            assert_eq!(short(text), expected);
        }
    }

    #[test]
    fn families_are_told_by_the_words_of_the_library() {
        assert_eq!(family("Open MPI v6.0.0, package"), Some(Family::OpenMpi));
        assert_eq!(family("Intel(R) MPI Library 2021"), Some(Family::Mpich));
        assert_eq!(family("MPICH Version:      5.0.2"), Some(Family::Mpich));
        assert_eq!(family("traMPI"), None);
    }

    #[test]
    fn what_is_no_mpi_is_refused() {
        let error = Library::open(Path::new("libc.so.6")).unwrap_err();
        assert_eq!(error, "the library has no MPI_Get_library_version");
        let error = Library::open(Path::new("/no/such/libmpi.so.12")).unwrap_err();
        assert!(error.starts_with("/no/such/libmpi.so.12: "), "{error}");
    }
}

//! The functions of an MPI library, for handles of one type.

use libloading::os::unix::Library as File;
use std::ffi::{c_char, c_int, c_void};

/// The handles of an interface: `c_int`, or an address as `usize`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constants<H> {
    pub(crate) world: H,
    pub(crate) float: H,
    pub(crate) double: H,
    pub(crate) byte: H,
    pub(crate) sum: H,
    pub(crate) errors_return: H,
    /// The address that stands for "the values are in the other buffer".
    pub(crate) in_place: usize,
}

/// Calls of MPI, all on `MPI_COMM_WORLD`. One call at a time.
pub(crate) trait Calls: Send {
    /// Errors become codes; MPI's default is to end the job.
    fn return_errors(&self) -> Result<(), String>;
    /// This rank and the number of ranks.
    fn rank_and_size(&self) -> Result<(usize, usize), String>;
    /// The sum over the ranks, in place.
    fn sum_f32(&self, values: &mut [f32]) -> Result<(), String>;
    fn sum_f64(&self, values: &mut [f64]) -> Result<(), String>;
    /// The parts of all ranks, in their order. `all` is that many times as long as `own`.
    fn all_gather(&self, own: &[u8], all: &mut [u8]) -> Result<(), String>;
    /// From rank 0 to the others.
    fn broadcast(&self, bytes: &mut [u8]) -> Result<(), String>;
    /// Ends all ranks. Does not return, unless MPI fails in that, too.
    fn abort(&self, code: i32);
    fn finalize(&self) -> Result<(), String>;
}

type AllReduce<H> = unsafe extern "C" fn(*const c_void, *mut c_void, c_int, H, H, H) -> c_int;
type AllGather<H> =
    unsafe extern "C" fn(*const c_void, c_int, H, *mut c_void, c_int, H, H) -> c_int;
type ErrorText = unsafe extern "C" fn(c_int, *mut c_char, *mut c_int) -> c_int;

/// `H` is the type of the library's handles.
pub(crate) struct Functions<H> {
    constants: Constants<H>,
    rank: unsafe extern "C" fn(H, *mut c_int) -> c_int,
    size: unsafe extern "C" fn(H, *mut c_int) -> c_int,
    set_error_handler: unsafe extern "C" fn(H, H) -> c_int,
    all_reduce: AllReduce<H>,
    all_gather: AllGather<H>,
    broadcast: unsafe extern "C" fn(*mut c_void, c_int, H, c_int, H) -> c_int,
    error_text: ErrorText,
    abort: unsafe extern "C" fn(H, c_int) -> c_int,
    finalize: unsafe extern "C" fn() -> c_int,
}

/// Looks a function up.
///
/// # Errors
/// Returns that the library lacks it.
///
/// # Safety
/// `F` is the type of a pointer to that function, and the library stays loaded while it is called.
#[allow(unsafe_code)]
pub(crate) unsafe fn function<F: Copy>(file: &File, name: &str) -> Result<F, String> {
    // SAFETY: the caller answers for the type.
    let symbol = unsafe { file.get::<F>(name) };
    symbol
        .map(|symbol| *symbol)
        .map_err(|_| format!("the library has no {name}"))
}

impl<H: Copy> Functions<H> {
    /// # Errors
    /// Returns which function the library lacks.
    #[allow(unsafe_code)]
    pub(crate) fn load(file: &File, constants: Constants<H>) -> Result<Self, String> {
        // SAFETY: the fields have the types of MPI's standard, with `H` for its handles: the caller
        // chose the constants after the library's interface.
        unsafe {
            Ok(Functions {
                constants,
                rank: function(file, "MPI_Comm_rank")?,
                size: function(file, "MPI_Comm_size")?,
                set_error_handler: function(file, "MPI_Comm_set_errhandler")?,
                all_reduce: function(file, "MPI_Allreduce")?,
                all_gather: function(file, "MPI_Allgather")?,
                broadcast: function(file, "MPI_Bcast")?,
                error_text: function(file, "MPI_Error_string")?,
                abort: function(file, "MPI_Abort")?,
                finalize: function(file, "MPI_Finalize")?,
            })
        }
    }

    /// Turns the code that a function returned into a result.
    #[allow(unsafe_code)]
    fn check(&self, name: &str, code: c_int) -> Result<(), String> {
        /// MPICH's `MPI_MAX_ERROR_STRING`, the largest.
        const MAX_TEXT_BYTES: usize = 512;
        if code == 0 {
            return Ok(());
        }
        let mut text = vec![0u8; MAX_TEXT_BYTES + 1];
        let mut length = 0;
        // SAFETY: the function writes at most MAX_TEXT_BYTES bytes.
        unsafe { (self.error_text)(code, text.as_mut_ptr().cast(), &mut length) };
        text.truncate(usize::try_from(length).unwrap_or(0));
        let text = String::from_utf8_lossy(&text);
        Err(format!("{name} failed: {}", text.trim()))
    }

    /// # Safety
    /// `values` points to `count` values of the type that `kind` names, and nobody else uses them.
    #[allow(unsafe_code)]
    unsafe fn sum(&self, values: *mut c_void, count: usize, kind: H) -> Result<(), String> {
        let (count, c) = (as_count(count)?, &self.constants);
        let in_place = std::ptr::without_provenance(c.in_place);
        // SAFETY: the caller answers for the values; MPI does not read from the in-place address.
        let code = unsafe { (self.all_reduce)(in_place, values, count, kind, c.sum, c.world) };
        self.check("MPI_Allreduce", code)
    }
}

#[allow(unsafe_code)]
impl<H: Copy + Send> Calls for Functions<H> {
    fn return_errors(&self) -> Result<(), String> {
        let c = &self.constants;
        // SAFETY: both handles are constants of the library.
        let code = unsafe { (self.set_error_handler)(c.world, c.errors_return) };
        self.check("MPI_Comm_set_errhandler", code)
    }

    fn rank_and_size(&self) -> Result<(usize, usize), String> {
        let (mut rank, mut size) = (-1, -1);
        // SAFETY: each call writes one number.
        let codes = unsafe {
            let rank = (self.rank)(self.constants.world, &mut rank);
            (rank, (self.size)(self.constants.world, &mut size))
        };
        self.check("MPI_Comm_rank", codes.0)?;
        self.check("MPI_Comm_size", codes.1)?;
        match (usize::try_from(rank), usize::try_from(size)) {
            (Ok(rank), Ok(size)) if rank < size => Ok((rank, size)),
            _ => Err(format!("MPI says that this is rank {rank} of {size}")),
        }
    }

    fn sum_f32(&self, values: &mut [f32]) -> Result<(), String> {
        // SAFETY: a mutable slice of that type.
        unsafe {
            self.sum(
                values.as_mut_ptr().cast(),
                values.len(),
                self.constants.float,
            )
        }
    }

    fn sum_f64(&self, values: &mut [f64]) -> Result<(), String> {
        // SAFETY: a mutable slice of that type.
        unsafe {
            self.sum(
                values.as_mut_ptr().cast(),
                values.len(),
                self.constants.double,
            )
        }
    }

    fn all_gather(&self, own: &[u8], all: &mut [u8]) -> Result<(), String> {
        let (_, size) = self.rank_and_size()?;
        if all.len() != size * own.len() {
            let (got, part) = (all.len(), own.len());
            return Err(format!("gather: expected {size} x {part} bytes, got {got}"));
        }
        let (count, c) = (as_count(own.len())?, &self.constants);
        let (from, to) = (own.as_ptr().cast(), all.as_mut_ptr().cast());
        // SAFETY: `count` bytes are read, and `count` written for each rank, as checked above.
        let code = unsafe { (self.all_gather)(from, count, c.byte, to, count, c.byte, c.world) };
        self.check("MPI_Allgather", code)
    }

    fn broadcast(&self, bytes: &mut [u8]) -> Result<(), String> {
        let (count, c) = (as_count(bytes.len())?, &self.constants);
        // SAFETY: a mutable slice of `count` bytes.
        let code =
            unsafe { (self.broadcast)(bytes.as_mut_ptr().cast(), count, c.byte, 0, c.world) };
        self.check("MPI_Bcast", code)
    }

    fn abort(&self, code: i32) {
        // SAFETY: the handle is a constant of the library.
        unsafe { (self.abort)(self.constants.world, code) };
    }

    fn finalize(&self) -> Result<(), String> {
        // SAFETY: no call follows, as the caller gives the functions up.
        let code = unsafe { (self.finalize)() };
        match code {
            0 => Ok(()),
            _ => Err(format!("MPI_Finalize failed with code {code}")),
        }
    }
}

fn as_count(length: usize) -> Result<c_int, String> {
    c_int::try_from(length)
        .map_err(|_| format!("MPI takes at most {} values, got {length}", c_int::MAX))
}

/// Ends this process at once: no handler at exit runs, where MPI's would wait for a thread that is in
/// a call.
#[allow(unsafe_code)]
pub(crate) fn exit_at_once(code: i32) -> ! {
    unsafe extern "C" {
        fn _exit(code: c_int) -> !;
    }
    // SAFETY: of the C library, and without conditions.
    unsafe { _exit(code) }
}

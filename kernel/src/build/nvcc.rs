//! CUDA's compiler.

use std::path::{Path, PathBuf};

/// CUDA's compiler, in the order in which candle's build looks for it.
pub(crate) fn find_nvcc() -> Option<PathBuf> {
    let own = std::env::var_os("NVCC").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let homes = ["CUDA_HOME", "CUDA_PATH"]
        .into_iter()
        .filter_map(std::env::var_os)
        .map(PathBuf::from);
    let usual = ["/usr/local/cuda", "/opt/cuda", "/usr/lib/cuda"].map(PathBuf::from);
    let folders =
        std::env::split_paths(&path).chain(homes.chain(usual).map(|home| home.join("bin")));
    own.into_iter()
        .chain(folders.map(|folder| folder.join("nvcc")))
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path)
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

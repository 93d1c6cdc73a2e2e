//! NVIDIA's CUDA compiler.

use std::path::{Path, PathBuf};

/// Finds nvcc, in the order in which candle's build scripts search for it.
pub(crate) fn find_nvcc() -> Option<PathBuf> {
    let chosen = std::env::var_os("NVCC").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let homes = ["CUDA_HOME", "CUDA_PATH"]
        .into_iter()
        .filter_map(std::env::var_os)
        .map(PathBuf::from);
    let defaults = ["/usr/local/cuda", "/opt/cuda", "/usr/lib/cuda"].map(PathBuf::from);
    let folders =
        std::env::split_paths(&path).chain(homes.chain(defaults).map(|home| home.join("bin")));
    chosen
        .into_iter()
        .chain(folders.map(|folder| folder.join("nvcc")))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path)
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Parses the toolkit version in the output of `nvcc --version` into cudarc's format: 13.0 is
/// "13000".
pub(crate) fn toolkit_version(text: &str) -> Option<String> {
    let (major, minor) = text
        .split("release ")
        .nth(1)?
        .split(',')
        .next()?
        .trim()
        .split_once('.')?;
    Some((major.parse::<u32>().ok()? * 1000 + minor.parse::<u32>().ok()? * 10).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toolkit_version_is_parsed() {
        let text = "nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, release 12.8, V12.8.93\n";
        assert_eq!(toolkit_version(text).as_deref(), Some("12080"));
        assert_eq!(toolkit_version("nothing"), None);
    }

    #[test]
    fn only_files_with_the_executable_bit_are_programs() {
        assert!(is_executable(Path::new("/bin/sh")));
        assert!(!is_executable(Path::new("/bin")));
        assert!(!is_executable(Path::new("/etc/passwd")));
    }
}

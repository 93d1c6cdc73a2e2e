//! Whether this machine has a GPU for CUDA, and what builds for it.

use crate::build::features::Features;
use crate::build::nvcc::find_nvcc;

/// What was found of NVIDIA's.
#[derive(Debug, Default)]
pub(crate) struct Gpu {
    /// The kernel driver's version.
    driver: Option<String>,
    /// Whether the library that programs talk to the driver by can be loaded.
    library: bool,
    /// Whether there is a compiler.
    nvcc: bool,
}

/// What to say about it.
#[derive(Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) fine: bool,
    pub(crate) found: String,
    pub(crate) mend: &'static str,
}

impl Gpu {
    /// Looks.
    pub(crate) fn look() -> Gpu {
        let text = std::fs::read_to_string("/proc/driver/nvidia/version").ok();
        // SAFETY: NVIDIA's driver library; it does nothing until a function of it is called.
        let library = unsafe { libloading::Library::new("libcuda.so.1") }.is_ok();
        Gpu {
            driver: text.map(|text| driver_version(&text)),
            library,
            nvcc: find_nvcc().is_some(),
        }
    }

    /// What models will run on with a kernel of these features. A machine without a GPU lacks nothing.
    pub(crate) fn verdict(&self, features: &Features) -> Verdict {
        let cuda = features.has("cuda");
        let verdict = |fine, found: String, mend| Verdict { fine, found, mend };
        match (&self.driver, self.library) {
            (None, false) if cuda => {
                let found =
                    "no NVIDIA driver, and the kernel was built for one: models run on the CPU"
                        .into();
                verdict(
                    false,
                    found,
                    "install NVIDIA's driver, or build without: cargo candlebook install --features \"\"",
                )
            }
            (None, false) => verdict(
                true,
                "none (no NVIDIA driver): models run on the CPU".into(),
                "",
            ),
            (Some(version), false) => {
                let found = format!(
                    "NVIDIA driver {version}, but its libcuda.so.1 is not found: models run on the CPU"
                );
                verdict(
                    false,
                    found,
                    "in a container: start it with --gpus all; else add its folder to LD_LIBRARY_PATH",
                )
            }
            (version, true) => {
                let version = version.as_deref().unwrap_or("of an unknown version");
                let found = format!("NVIDIA driver {version}");
                match (cuda, self.nvcc) {
                    (true, _) => verdict(
                        true,
                        format!("{found}; the kernel is built for it (best_device())"),
                        "",
                    ),
                    (false, true) => verdict(
                        false,
                        format!(
                            "{found}, but the kernel is built without CUDA: models run on the CPU"
                        ),
                        "cargo candlebook install --features cuda",
                    ),
                    (false, false) => verdict(
                        false,
                        format!(
                            "{found}, but there is no CUDA toolkit (nvcc) to build with: models run on the CPU"
                        ),
                        "install the toolkit, or set NVCC or CUDA_HOME; then: cargo candlebook install --features cuda",
                    ),
                }
            }
        }
    }
}

/// The version in the driver's file: of its words, the first made of numbers and dots.
fn driver_version(text: &str) -> String {
    let is_version =
        |word: &&str| word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    text.split_whitespace()
        .find(is_version)
        .unwrap_or("of an unknown version")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_version_is_found() {
        let open = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (dvs-builder)";
        let closed = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27 07:15:00 UTC 2025";
        assert_eq!(driver_version(open), "570.86.15");
        assert_eq!(driver_version(closed), "580.65.06");
        assert_eq!(driver_version("?"), "of an unknown version");
    }

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn a_machine_without_a_gpu_lacks_nothing() {
        let (with, without) = (
            crate::build::features::parse("cuda").unwrap(),
            Features::default(),
        );
        assert!(Gpu::default().verdict(&without).fine);
        assert!(!Gpu::default().verdict(&with).fine);
        let card = |library, nvcc| Gpu {
            driver: Some("580.65.06".into()),
            library,
            nvcc,
        };
        assert!(card(true, false).verdict(&with).fine);
        assert_eq!(
            card(true, true).verdict(&without).mend,
            "cargo candlebook install --features cuda"
        );
        assert!(
            card(true, false)
                .verdict(&without)
                .mend
                .starts_with("install the toolkit")
        );
        assert!(
            card(false, true)
                .verdict(&with)
                .found
                .contains("libcuda.so.1")
        );
    }
}

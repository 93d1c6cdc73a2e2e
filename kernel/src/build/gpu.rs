//! The machine's GPU support: NVIDIA's driver, its library, and the CUDA compiler.

use super::features::Features;
use super::nvcc::find_nvcc;

/// Detected parts of NVIDIA's software.
#[derive(Debug, Default)]
pub(crate) struct Gpu {
    /// The kernel driver's version.
    driver: Option<String>,
    /// True if the driver's user-space library can be loaded.
    library: bool,
    /// True if nvcc is installed.
    nvcc: bool,
}

/// Diagnosis of the GPU support, with advice if it is incomplete.
#[derive(Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) fine: bool,
    pub(crate) found: String,
    pub(crate) mend: &'static str,
}

impl Verdict {
    fn fine(found: String) -> Verdict {
        Verdict {
            fine: true,
            found,
            mend: "",
        }
    }

    fn incomplete(found: String, mend: &'static str) -> Verdict {
        Verdict {
            fine: false,
            found,
            mend,
        }
    }
}

impl Gpu {
    /// Inspects this machine.
    #[allow(unsafe_code)]
    pub(crate) fn detect() -> Gpu {
        let text = std::fs::read_to_string("/proc/driver/nvidia/version").ok();
        // SAFETY: NVIDIA's driver library does nothing until one of its functions is called.
        let library = unsafe { libloading::Library::new("libcuda.so.1") }.is_ok();
        Gpu {
            driver: text.map(|text| driver_version(&text)),
            library,
            nvcc: find_nvcc().is_some(),
        }
    }

    /// The device that models run on in a kernel built with these features. A machine without a GPU
    /// lacks nothing.
    pub(crate) fn verdict(&self, features: &Features) -> Verdict {
        let cuda = features.has("cuda");
        match (&self.driver, self.library) {
            (None, false) if cuda => Verdict::incomplete(
                "no NVIDIA driver, but the kernel was built with CUDA: models run on the CPU"
                    .into(),
                "install NVIDIA's driver, or build without CUDA: cargo candlebook install --features \"\"",
            ),
            (None, false) => Verdict::fine("none (no NVIDIA driver): models run on the CPU".into()),
            (Some(version), false) => Verdict::incomplete(
                format!(
                    "NVIDIA driver {version}, but its libcuda.so.1 is not found: models run on the CPU"
                ),
                "in a container, start it with --gpus all; otherwise add its folder to LD_LIBRARY_PATH",
            ),
            (version, true) => {
                self.with_driver(version.as_deref().unwrap_or(UNKNOWN_VERSION), cuda)
            }
        }
    }

    /// The verdict for a machine with a working driver.
    fn with_driver(&self, version: &str, cuda: bool) -> Verdict {
        let found = format!("NVIDIA driver {version}");
        match (cuda, self.nvcc) {
            (true, _) => Verdict::fine(format!(
                "{found}; the kernel is built for it (best_device())"
            )),
            (false, true) => Verdict::incomplete(
                format!("{found}, but the kernel is built without CUDA: models run on the CPU"),
                "cargo candlebook install --features cuda",
            ),
            (false, false) => Verdict::incomplete(
                format!(
                    "{found}, but no CUDA toolkit (nvcc) is installed to build with: models run on the CPU"
                ),
                "install the toolkit, or set NVCC or CUDA_HOME; then: cargo candlebook install --features cuda",
            ),
        }
    }
}

const UNKNOWN_VERSION: &str = "of an unknown version";

/// Parses the version in the driver's file: the first word made of digits and dots.
fn driver_version(text: &str) -> String {
    let is_version =
        |word: &&str| word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    text.split_whitespace()
        .find(is_version)
        .unwrap_or(UNKNOWN_VERSION)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn driver_version_is_parsed() {
        let open = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (dvs-builder)";
        let closed = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27 07:15:00 UTC 2025";
        assert_eq!(driver_version(open), "570.86.15");
        assert_eq!(driver_version(closed), "580.65.06");
        assert_eq!(driver_version("?"), "of an unknown version");
    }

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn a_machine_without_a_gpu_lacks_nothing() {
        let (with, without) = (Features::parse("cuda").unwrap(), Features::default());
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

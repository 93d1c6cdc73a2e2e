//! An installed program: its kernelspec and its notebook are in its environment already.

use crate::shipped::Shipped;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

const NOTEBOOK: &str = "mnist_autoencoder.ipynb";

/// The command by which a user starts this program.
pub(crate) fn program_name() -> &'static str {
    match Shipped::find() {
        Some(_) => "candlebook",
        None => "cargo candlebook",
    }
}

/// The introductory notebook: the repository's, or a copy in the current folder of the one that came
/// with the program. An earlier copy is left as it is.
///
/// # Errors
/// If it cannot be copied.
pub(crate) fn introduction() -> Result<PathBuf> {
    let in_checkout = Path::new("notebooks").join(NOTEBOOK);
    match Shipped::find() {
        Some(shipped) if !in_checkout.is_file() => {
            copy_once(&shipped.file(NOTEBOOK), Path::new(NOTEBOOK))
        }
        _ => Ok(in_checkout),
    }
}

fn copy_once(from: &Path, to: &Path) -> Result<PathBuf> {
    if !to.exists() {
        std::fs::copy(from, to)
            .with_context(|| format!("cannot copy {} to the current folder", from.display()))?;
        eprintln!("candlebook: copied {} into this folder", to.display());
    }
    Ok(to.to_owned())
}

/// A text of this program with the command that starts it, for one that names a checkout's.
pub(crate) fn with_program_name(text: &str) -> String {
    text.replace("cargo candlebook", program_name())
}

/// The kernelspec that came with the program.
pub(crate) fn shipped_spec() -> Option<PathBuf> {
    let prefix = &Shipped::find()?.prefix;
    let spec = prefix.join("share/jupyter/kernels/candlebook/kernel.json");
    spec.is_file().then_some(spec)
}

/// True if a JupyterLab is in the environment that the program was installed into, where it finds the
/// kernelspec that came with the program.
pub(crate) fn finds_shipped_kernel(lab: &Command) -> bool {
    let program = Path::new(lab.get_program());
    Shipped::find().is_some_and(|shipped| {
        program.starts_with(shipped.prefix.join("bin")) && shipped_spec().is_some()
    })
}

/// JupyterLab in the environment that the program was installed into, which may not be active.
pub(super) fn lab_beside() -> Option<PathBuf> {
    let lab = Shipped::find()?.prefix.join("bin/jupyter-lab");
    lab.is_file().then_some(lab)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notebook_that_was_copied_before_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::write(&from, "new").unwrap();
        copy_once(&from, &to).unwrap();
        std::fs::write(&to, "mine").unwrap();
        copy_once(&from, &to).unwrap();
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "mine");
    }

    #[test]
    fn a_program_of_a_checkout_has_no_environment() {
        assert_eq!(program_name(), "cargo candlebook");
        assert_eq!(lab_beside(), None);
        assert!(!finds_shipped_kernel(&Command::new("jupyter-lab")));
        assert!(
            introduction()
                .unwrap()
                .ends_with("notebooks/mnist_autoencoder.ipynb")
        );
    }
}

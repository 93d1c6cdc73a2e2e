//! The platform tag of the wheel: the oldest glibc that all shipped binaries run with.

use super::files_below;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Mark of a symbol's version in the output of `objdump`.
const MARK: &str = "GLIBC_";

/// The tag for the program and the libraries of the stage.
pub(super) fn platform(program: &Path, stage: &Path) -> Result<String, String> {
    let files = files_below(stage)?.into_iter();
    let libraries = files.filter(|file| file.extension().is_some_and(|it| it == "so"));
    platform_of(libraries.chain([program.to_owned()]))
}

/// The tag for some binaries.
pub(super) fn platform_of(binaries: impl IntoIterator<Item = PathBuf>) -> Result<String, String> {
    let mut newest = 0;
    for binary in binaries {
        newest = newest.max(oldest_glibc(&binary)?);
    }
    Ok(format!("manylinux_2_{newest}_x86_64"))
}

/// The minor version of the oldest glibc that has all symbols of a file.
fn oldest_glibc(file: &Path) -> Result<u32, String> {
    let output = crate::command::output(Command::new("objdump").arg("-T").arg(file))?;
    Ok(newest_version(&String::from_utf8_lossy(&output.stdout)))
}

/// The largest minor version of glibc 2 in a table of symbols.
fn newest_version(table: &str) -> u32 {
    let versions = table.split(MARK).skip(1);
    let minor = versions.filter_map(|text| {
        let digits = text.strip_prefix("2.")?;
        let end = digits
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(digits.len());
        digits[..end].parse().ok()
    });
    minor.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::newest_version;

    #[test]
    fn the_newest_symbol_decides() {
        let table =
            "0 w DF *UND* 0 (GLIBC_2.9) a\n0 DF *UND* 0 (GLIBC_2.34) b\n0 (GLIBC_2.2.5) c\n";
        assert_eq!(newest_version(table), 34);
        assert_eq!(newest_version("nothing"), 0);
    }
}

//! Names of files and folders that programs leave beside photographs.

use std::ffi::OsStr;

/// Besides hidden ones; in lower case.
const IGNORED: [&str; 9] = [
    "__macosx",
    "__pycache__",
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "thumbs.db",
    "desktop.ini",
];

/// True for hidden names, such as `.ipynb_checkpoints` and `._a.jpg`, and for names of programs.
pub(crate) fn is_ignored(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    let is_name = |ignored: &&str| bytes.eq_ignore_ascii_case(ignored.as_bytes());
    bytes.starts_with(b".") || IGNORED.iter().any(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_programs_are_ignored_in_any_case() {
        for name in [
            ".ipynb_checkpoints",
            "__MACOSX",
            "Thumbs.db",
            "@eaDir",
            "._a.jpg",
        ] {
            assert!(is_ignored(OsStr::new(name)), "{name}");
        }
        for name in ["cats", "a.jpg", "macosx", "lost"] {
            assert!(!is_ignored(OsStr::new(name)), "{name}");
        }
    }
}

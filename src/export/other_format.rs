//! Weights files of other formats, recognized by their first bytes.

use crate::error::Error;
use std::path::Path;

/// Number of bytes at the start of a file that are compared.
pub(crate) const START_BYTES: u64 = 512;
/// The first character of a safetensors header, after its length.
const HEADER_START: u8 = b'{';

/// Start of a file, its format, and advice.
const FORMATS: [(&[u8], &str, &str); 5] = [
    (b"\x89HDF", "an HDF5 file, as Keras writes it", SAVE_ANEW),
    (b"\x93NUMPY", "a NumPy array", SAVE_ANEW),
    (b"GGUF", "a GGUF file", SAVE_ANEW),
    (
        b"version https://git-lfs",
        "a pointer of Git LFS without the weights",
        "Fetch the file itself: git lfs pull",
    ),
    (b"<", "a web page", "Download the file itself"),
];
const SAVE_ANEW: &str = "Save the weights as safetensors: safetensors.torch, safetensors.numpy and \
                         other packages of Python do it";

/// The error for a file of another format that starts with `start`, if it is recognized.
pub(crate) fn other_format(path: &Path, start: &[u8]) -> Option<Error> {
    if start.get(8) == Some(&HEADER_START) {
        return None;
    }
    let error = |got: &str, hint: &str| Some(Error::file(path, "a safetensors file", got, hint));
    match start {
        [0x80, 2..=5, ..] => error("a pickle, as torch.save writes it", &converting(path)),
        [b'P', b'K', 3, 4, ..] if contains(start, b"data.pkl") => error(
            "a PyTorch file, a zip archive with a pickle",
            &converting(path),
        ),
        [b'P', b'K', 3, 4, ..] => error("a zip archive", SAVE_ANEW),
        _ => {
            let (_, got, hint) = FORMATS
                .iter()
                .find(|(magic, ..)| start.starts_with(magic))?;
            error(got, hint)
        }
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// Python code that converts a file of `torch.save`.
fn converting(path: &Path) -> String {
    let safetensors = path.with_extension("safetensors");
    format!(
        "A pickle can run code, so it is not read. Convert it in Python: import torch; from \
         safetensors.torch import save_file; state = torch.load({path:?}, map_location=\"cpu\", \
         weights_only=True); save_file(state.get(\"state_dict\", state), {safetensors:?})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(start: &[u8]) -> Option<String> {
        other_format(Path::new("ae.pt"), start).map(|error| error.to_string())
    }

    #[test]
    fn files_of_torch_save_come_with_the_code_that_converts_them() {
        // torch.save's first bytes: a zip archive since 1.6, before that a pickled magic number.
        let zip =
            b"PK\x03\x04\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\x12\0ae/data.pkl";
        let old = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.";
        let code = "import torch; from safetensors.torch import save_file; state = \
                    torch.load(\"ae.pt\", map_location=\"cpu\", weights_only=True); \
                    save_file(state.get(\"state_dict\", state), \"ae.safetensors\")";
        for (start, got) in [
            (&zip[..], "a PyTorch file, a zip archive with a pickle"),
            (old, "a pickle, as torch.save writes it"),
        ] {
            assert_eq!(
                message(start).unwrap(),
                format!(
                    "ae.pt: expected a safetensors file, got {got}. A pickle can run code, so it \
                     is not read. Convert it in Python: {code}"
                )
            );
        }
    }

    #[test]
    fn other_formats_are_named() {
        for (start, got) in [
            (&b"PK\x03\x04 weights.npy"[..], "a zip archive"),
            (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
            (b"\x93NUMPY\x01\0", "a NumPy array"),
            (b"GGUF\x03\0\0\0", "a GGUF file"),
            (
                b"version https://git-lfs.github.com/spec/v1",
                "a pointer of Git LFS",
            ),
            (b"<!DOCTYPE html>", "a web page"),
        ] {
            let text = message(start).unwrap();
            assert!(text.contains(&format!("got {got}")), "{text}");
        }
        for start in [&b""[..], b"\x80", b"PK", b"text", b"<\0\0\0\0\0\0\0{}"] {
            assert_eq!(message(start), None, "{start:?}");
        }
    }
}

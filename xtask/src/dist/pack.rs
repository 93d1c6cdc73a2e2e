//! The archive of the stage, and its description.

use super::sources::rustc;
use super::{Dist, at, files_below, write};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Time of every packed file: the same input gives the same bytes.
pub(super) const TIME: u64 = 1_767_225_600;
const LEVEL: i32 = 19;
/// Window of the compression, as a power of two; the program accepts no larger one.
const WINDOW: u32 = 27;

/// The packed seed.
pub(super) struct Archive {
    pub(super) path: PathBuf,
    pub(super) description: PathBuf,
}

/// Packs the stage, unless an archive of the same content exists.
pub(super) fn archive(dist: &Dist, seed: &Path) -> Result<Archive, String> {
    let key = seed.file_name().unwrap_or_default().to_string_lossy();
    let folder = dist.folder.join("archive");
    let archive = Archive {
        path: folder.join(format!("{key}.tar.zst")),
        description: folder.join("archive.json"),
    };
    let (tar, bytes) = tar_of(&dist.stage())?;
    let content = hex(&Sha256::digest(&tar));
    let known = std::fs::read(&archive.description).ok();
    let known: Value = known
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    if known["content"] == content && archive.path.is_file() {
        return Ok(archive);
    }
    println!(
        "xtask: compressing {} MB, for some minutes",
        tar.len() / 1_000_000
    );
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| at(&folder, error))?;
    }
    let packed = compressed(&tar).map_err(|error| at(&archive.path, error))?;
    write(&archive.path, &packed)?;
    let description = json!({
        "key": key,
        "rustc": rustc(&["-vV"])?,
        "sha256": hex(&Sha256::digest(&packed)),
        "bytes": bytes,
        "content": content,
    });
    write(
        &archive.description,
        format!("{description:#}\n").as_bytes(),
    )?;
    Ok(archive)
}

/// A tar file of a folder in the order of paths, and the size of its files.
fn tar_of(folder: &Path) -> Result<(Vec<u8>, u64), String> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut bytes = 0;
    for path in files_below(folder)? {
        let name = path.strip_prefix(folder).unwrap_or(&path);
        let file = File::open(&path).map_err(|error| at(&path, error))?;
        let size = file.metadata().map_err(|error| at(&path, error))?.len();
        let mut header = header(size, false);
        builder
            .append_data(&mut header, name, file)
            .map_err(|error| at(&path, error))?;
        bytes += size;
    }
    let tar = builder.into_inner().map_err(|error| at(folder, error))?;
    Ok((tar, bytes))
}

/// The header of a file, without its name.
pub(super) fn header(size: u64, is_program: bool) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(if is_program { 0o755 } else { 0o644 });
    header.set_mtime(TIME);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn compressed(tar: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
    encoder.long_distance_matching(true)?;
    encoder.window_log(WINDOW)?;
    encoder.write_all(tar)?;
    encoder.finish()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_gives_the_same_bytes() {
        let folder = std::env::temp_dir().join(format!("xtask-pack-{}", std::process::id()));
        let pack = || {
            let _ = std::fs::remove_dir_all(&folder);
            for name in ["b/c", "a"] {
                write(&folder.join(name), name.as_bytes()).unwrap();
            }
            tar_of(&folder).unwrap()
        };
        let (first, bytes) = pack();
        assert_eq!(bytes, 4);
        assert_eq!(first, pack().0);
        assert_eq!(
            zstd::decode_all(&compressed(&first).unwrap()[..]).unwrap(),
            first
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

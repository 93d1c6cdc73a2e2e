//! The archive of a seed that came with the program.

use super::layout::write_cargo_config;
use crate::home;
use crate::shipped::Shipped;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::time::Instant;

/// Largest window of the compression, as a power of two: bounds the memory that unpacking takes.
const MAX_WINDOW: u32 = 27;
/// Headers and padding of a tar file, for each byte of its content.
const MAX_OVERHEAD: u64 = 2;

/// Unpacks the seed into a folder that does not exist, with a line of progress. The caller holds the
/// seed's lock.
///
/// # Errors
/// If the archive is damaged, or the disk is full.
pub(crate) fn unpack(shipped: &Shipped, folder: &Path) -> Result<()> {
    let start = Instant::now();
    let megabytes = shipped.bytes / 1_000_000;
    eprintln!("candlebook: unpacking the compiled helper crate, once ({megabytes} MB)");
    let part = folder.with_extension("part");
    clear(&part)?;
    clear(folder)?;
    home::create_folder(&part)?;
    let file = shipped.archive();
    let unpacked = unpack_file(&file, &part, shipped);
    if let Err(error) = unpacked {
        let _ = std::fs::remove_dir_all(&part);
        return Err(error).with_context(|| {
            let file = file.display();
            format!("cannot unpack {file}. If this happens again, install Candlebook anew")
        });
    }
    write_cargo_config()?;
    std::fs::rename(&part, folder)
        .with_context(|| format!("cannot complete {}", folder.display()))?;
    let seconds = start.elapsed().as_secs_f64();
    eprintln!("candlebook: unpacked after {seconds:.1} s");
    Ok(())
}

fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    Ok(())
}

fn unpack_file(archive: &Path, into: &Path, shipped: &Shipped) -> Result<()> {
    let file = File::open(archive)?;
    let mut decoder = zstd::Decoder::new(Hashed {
        inner: file,
        hash: Sha256::new(),
    })?;
    decoder.window_log_max(MAX_WINDOW)?;
    let limit = shipped.bytes.saturating_mul(MAX_OVERHEAD);
    extract(
        BufReader::new(&mut decoder).take(limit),
        into,
        shipped.bytes,
    )?;
    // The end of the archive counts for the checksum too.
    std::io::copy(&mut decoder, &mut std::io::sink())?;
    let mut rest = decoder.finish();
    std::io::copy(&mut rest, &mut std::io::sink())?;
    let found = home::hex(&rest.into_inner().hash.finalize());
    if found != shipped.sha256 {
        bail!("expected the SHA-256 sum {}, got {found}", shipped.sha256);
    }
    Ok(())
}

/// Extracts files and folders, at most `limit` bytes of them.
fn extract(archive: impl Read, into: &Path, limit: u64) -> Result<()> {
    let mut archive = tar::Archive::new(archive);
    let mut bytes = 0u64;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        let name = entry.path()?.display().to_string();
        if !kind.is_file() && !kind.is_dir() {
            bail!("expected files and folders, got another entry: {name}");
        }
        bytes = bytes.saturating_add(entry.size());
        if bytes > limit {
            bail!("expected at most {limit} bytes, got more at {name}");
        }
        if !entry.unpack_in(into)? {
            bail!("expected a path inside the archive's folder, got {name}");
        }
    }
    Ok(())
}

/// A reader that hashes what it reads.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar_with(kind: tar::EntryType, path: &str, content: &[u8]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        // As a hostile archive has it: the library refuses to write such a path.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        builder.append(&header, content).unwrap();
        builder.into_inner().unwrap()
    }

    fn extracted(archive: &[u8], limit: u64) -> Result<String> {
        let folder = tempfile::tempdir()?;
        extract(archive, folder.path(), limit)?;
        Ok(std::fs::read_to_string(folder.path().join("a/b"))?)
    }

    #[test]
    fn only_files_inside_the_folder_up_to_the_limit_are_extracted() {
        let file = tar_with(tar::EntryType::Regular, "a/b", b"content");
        assert_eq!(extracted(&file, 7).unwrap(), "content");
        let message = |archive: &[u8], limit| extracted(archive, limit).unwrap_err().to_string();
        assert!(message(&file, 6).contains("expected at most 6 bytes"));
        let link = tar_with(tar::EntryType::Symlink, "a/b", b"");
        assert!(message(&link, 7).contains("expected files and folders"));
        let outside = tar_with(tar::EntryType::Regular, "../b", b"x");
        assert!(message(&outside, 7).contains("expected a path inside"));
    }

    /// An archive with a ready seed, and its description.
    fn shipped(prefix: &Path) -> Shipped {
        let content = tar_with(tar::EntryType::Regular, "ready", b"");
        let packed = zstd::encode_all(&content[..], 3).unwrap();
        let sha256 = home::hex(&Sha256::digest(&packed));
        let text = format!(
            r#"{{"key": "k", "rustc": "", "sha256": "{sha256}", "bytes": {}}}"#,
            content.len()
        );
        let shipped: Shipped = serde_json::from_str(&text).unwrap();
        let shipped = Shipped {
            prefix: prefix.to_owned(),
            ..shipped
        };
        std::fs::create_dir_all(shipped.archive().parent().unwrap()).unwrap();
        std::fs::write(shipped.archive(), packed).unwrap();
        shipped
    }

    #[test]
    fn a_damaged_archive_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut shipped = shipped(folder.path());
        let (good, bad) = (folder.path().join("good"), folder.path().join("bad"));
        std::fs::create_dir(&good).unwrap();
        std::fs::create_dir(&bad).unwrap();
        unpack_file(&shipped.archive(), &good, &shipped).unwrap();
        assert!(good.join("ready").is_file());
        shipped.sha256 = "0".into();
        let seed = folder.path().join("seed");
        let error = format!("{:#}", unpack(&shipped, &seed).unwrap_err());
        assert!(error.contains("expected the SHA-256 sum 0"), "{error}");
        assert!(!seed.exists() && !seed.with_extension("part").exists());
    }
}

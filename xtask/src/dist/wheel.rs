//! The wheel: a zip file with fixed times, and a list of checksums.

use super::content::Content;
use super::{Dist, at};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::PathBuf;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const SUMMARY: &str = "A Jupyter kernel for Rust, made for deep-learning experiments";

/// Writes the wheel.
pub(super) fn write(dist: &Dist, content: &Content, platform: &str) -> Result<PathBuf, String> {
    let tag = format!("py3-none-{platform}");
    let name = format!("candlebook-{}", content.version);
    let path = dist.wheels().join(format!("{name}-{tag}.whl"));
    let bytes = wheel(content, &name, &tag).map_err(|error| at(&path, error))?;
    let _ = std::fs::remove_dir_all(dist.wheels());
    super::write(&path, &bytes)?;
    Ok(path)
}

fn wheel(content: &Content, name: &str, tag: &str) -> std::io::Result<Vec<u8>> {
    let mut files = Files::default();
    files.add(
        &format!("{name}.data/scripts/candlebook"),
        &content.program,
        0o755,
        false,
    )?;
    for entry in &content.shared {
        let path = format!("{name}.data/data/{}", entry.path);
        files.add(&path, &entry.bytes, 0o644, entry.is_packed)?;
    }
    let info = format!("{name}.dist-info");
    for entry in &content.licenses {
        let path = format!("{info}/licenses/{}", entry.path);
        files.add(&path, &entry.bytes, 0o644, false)?;
    }
    files.add(
        &format!("{info}/METADATA"),
        metadata(content).as_bytes(),
        0o644,
        false,
    )?;
    let wheel = format!(
        "Wheel-Version: 1.0\nGenerator: candlebook {}\nRoot-Is-Purelib: false\nTag: {tag}\n",
        content.version
    );
    files.add(&format!("{info}/WHEEL"), wheel.as_bytes(), 0o644, false)?;
    files.finish(&format!("{info}/RECORD"))
}

fn metadata(content: &Content) -> String {
    let licenses = content.licenses.iter();
    let licenses: String = licenses
        .map(|it| format!("License-File: {}\n", it.path))
        .collect();
    format!(
        "Metadata-Version: 2.4\nName: candlebook\nVersion: {}\nSummary: {SUMMARY}\n\
         License-Expression: MIT OR Apache-2.0\n{licenses}Requires-Python: >=3.8\n\
         Description-Content-Type: text/markdown\n\n{}",
        content.version, content.readme
    )
}

/// The files of a wheel, and the lines of their checksums.
struct Files {
    zip: ZipWriter<std::io::Cursor<Vec<u8>>>,
    record: String,
}

impl Default for Files {
    fn default() -> Self {
        Files {
            zip: ZipWriter::new(std::io::Cursor::new(Vec::new())),
            record: String::new(),
        }
    }
}

impl Files {
    fn add(&mut self, path: &str, bytes: &[u8], mode: u32, stored: bool) -> std::io::Result<()> {
        let method = match stored {
            true => CompressionMethod::Stored,
            false => CompressionMethod::Deflated,
        };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(mode);
        self.zip.start_file(path, options)?;
        self.zip.write_all(bytes)?;
        let hash = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
        self.record += &format!("{path},sha256={hash},{}\n", bytes.len());
        Ok(())
    }

    fn finish(mut self, path: &str) -> std::io::Result<Vec<u8>> {
        let record = format!("{}{path},,\n", self.record);
        self.add(path, record.as_bytes(), 0o644, false)?;
        Ok(self.zip.finish()?.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn content() -> Content {
        Content {
            version: "1.2.3".into(),
            program: b"program".to_vec(),
            shared: Vec::new(),
            licenses: Vec::new(),
            readme: "readme".into(),
        }
    }

    #[test]
    fn a_wheel_lists_its_files_and_is_the_same_each_time() {
        let bytes = wheel(&content(), "candlebook-1.2.3", "py3-none-any").unwrap();
        assert_eq!(
            bytes,
            wheel(&content(), "candlebook-1.2.3", "py3-none-any").unwrap()
        );
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let mut record = String::new();
        let mut file = zip.by_name("candlebook-1.2.3.dist-info/RECORD").unwrap();
        file.read_to_string(&mut record).unwrap();
        drop(file);
        assert_eq!(record.lines().count(), zip.len());
        assert!(record.starts_with("candlebook-1.2.3.data/scripts/candlebook,sha256="));
        let program = zip
            .by_name("candlebook-1.2.3.data/scripts/candlebook")
            .unwrap();
        assert_eq!(program.unix_mode().unwrap() & 0o777, 0o755);
    }
}

//! Wheels: zip files with fixed times, each with a list of checksums.

use super::content::{Content, Entry};
use super::{Dist, at};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::PathBuf;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const SUMMARY: &str = "A Jupyter kernel for Rust, made for deep-learning experiments";

/// Largest wheel: package indexes accept 100 MB.
const MAX_BYTES: usize = 95_000_000;

/// A package that pip installs.
pub(super) struct Package<'a> {
    /// Its name in the names of files, with underscores.
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    /// Oldest platform that its binaries run on.
    pub(super) platform: &'a str,
    /// Lines of its metadata after name and version.
    pub(super) fields: Vec<String>,
    /// Text about it, in Markdown.
    pub(super) description: &'a str,
    /// Files by their scheme and path, such as `scripts/candlebook`.
    pub(super) files: Vec<(String, &'a Entry)>,
    pub(super) licenses: &'a [Entry],
}

impl Package<'_> {
    /// Writes the wheel, in place of older ones of this package.
    ///
    /// # Errors
    /// If it is too large for a package index, or cannot be written.
    pub(super) fn write(&self, dist: &Dist) -> Result<PathBuf, String> {
        let stem = format!("{}-{}", self.name, self.version);
        let tag = format!("py3-none-{}", self.platform);
        let path = dist.wheels().join(format!("{stem}-{tag}.whl"));
        let bytes = self.wheel(&stem, &tag).map_err(|error| at(&path, error))?;
        if bytes.len() > MAX_BYTES {
            let (expected, got) = (MAX_BYTES, bytes.len());
            let text = format!("expected a wheel of at most {expected} bytes, got {got}");
            return Err(at(&path, text));
        }
        remove_older(dist, self.name)?;
        super::write(&path, &bytes)?;
        Ok(path)
    }

    fn wheel(&self, stem: &str, tag: &str) -> std::io::Result<Vec<u8>> {
        let mut wheel = Files::default();
        for (path, entry) in &self.files {
            wheel.add(&format!("{stem}.data/{path}"), entry)?;
        }
        let info = format!("{stem}.dist-info");
        for entry in self.licenses {
            wheel.add(&format!("{info}/licenses/{}", entry.path), entry)?;
        }
        wheel.add_text(&format!("{info}/METADATA"), self.metadata())?;
        let text = format!(
            "Wheel-Version: 1.0\nGenerator: candlebook {}\nRoot-Is-Purelib: false\nTag: {tag}\n",
            env!("CARGO_PKG_VERSION")
        );
        wheel.add_text(&format!("{info}/WHEEL"), text)?;
        wheel.finish(&format!("{info}/RECORD"))
    }

    fn metadata(&self) -> String {
        let licenses = self.licenses.iter();
        let licenses = licenses.map(|it| format!("License-File: {}", it.path));
        let fields: Vec<String> = self.fields.iter().cloned().chain(licenses).collect();
        format!(
            "Metadata-Version: 2.4\nName: {}\nVersion: {}\n{}\nRequires-Python: >=3.8\n\
             Description-Content-Type: text/markdown\n\n{}",
            self.name.replace('_', "-"),
            self.version,
            fields.join("\n"),
            self.description
        )
    }
}

/// The package with the program. `compiler` is the release of its optional compiler.
pub(super) fn program<'a>(content: &'a Content, platform: &'a str, compiler: &str) -> Package<'a> {
    let mut files = vec![("scripts/candlebook".to_owned(), &content.program)];
    let shared = content.shared.iter();
    files.extend(shared.map(|entry| (format!("data/{}", entry.path), entry)));
    Package {
        name: "candlebook",
        version: &content.version,
        platform,
        fields: vec![
            format!("Summary: {SUMMARY}"),
            "License-Expression: MIT OR Apache-2.0".to_owned(),
            "Provides-Extra: rust".to_owned(),
            format!("Requires-Dist: candlebook-rust=={compiler} ; extra == 'rust'"),
        ],
        description: &content.readme,
        files,
        licenses: &content.licenses,
    }
}

fn remove_older(dist: &Dist, name: &str) -> Result<(), String> {
    let start = format!("{name}-");
    let entries = std::fs::read_dir(dist.wheels()).into_iter().flatten();
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&start) {
            let path = entry.path();
            std::fs::remove_file(&path).map_err(|error| at(&path, error))?;
        }
    }
    Ok(())
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
    fn add(&mut self, path: &str, entry: &Entry) -> std::io::Result<()> {
        let method = match entry.is_packed {
            true => CompressionMethod::Stored,
            false => CompressionMethod::Deflated,
        };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(if entry.is_program { 0o755 } else { 0o644 });
        self.zip.start_file(path, options)?;
        self.zip.write_all(&entry.bytes)?;
        let hash = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&entry.bytes));
        let line = format!("{path},sha256={hash},{}\n", entry.bytes.len());
        self.record += &line;
        Ok(())
    }

    fn add_text(&mut self, path: &str, text: String) -> std::io::Result<()> {
        self.add(path, &Entry::new(path, text.into_bytes()))
    }

    fn finish(mut self, path: &str) -> std::io::Result<Vec<u8>> {
        let record = format!("{}{path},,\n", self.record);
        self.add_text(path, record)?;
        Ok(self.zip.finish()?.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_wheel_lists_its_files_and_is_the_same_each_time() {
        let content = Content {
            version: "1.2.3".into(),
            program: Entry::program("bin/candlebook", b"program".to_vec()),
            shared: Vec::new(),
            licenses: vec![Entry::new("LICENSE", b"free".to_vec())],
            readme: "readme".into(),
        };
        let package = program(&content, "any", "1.95.0");
        let wheel = || package.wheel("candlebook-1.2.3", "py3-none-any").unwrap();
        let bytes = wheel();
        assert_eq!(bytes, wheel());
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let mut text = |name: &str| {
            let mut text = String::new();
            let mut file = zip.by_name(&format!("candlebook-1.2.3.{name}")).unwrap();
            file.read_to_string(&mut text).unwrap();
            (text, file.unix_mode().unwrap() & 0o777)
        };
        let (record, mode) = text("dist-info/RECORD");
        assert_eq!(mode, 0o644);
        assert!(record.starts_with("candlebook-1.2.3.data/scripts/candlebook,sha256="));
        assert_eq!(text("data/scripts/candlebook"), ("program".into(), 0o755));
        let (metadata, _) = text("dist-info/METADATA");
        let expected = "Provides-Extra: rust\nRequires-Dist: candlebook-rust==1.95.0 ; extra == \
                        'rust'\nLicense-File: LICENSE\n";
        assert!(metadata.contains(expected), "{metadata}");
        assert!(metadata.ends_with("\n\nreadme"));
        assert_eq!(record.lines().count(), zip.len());
    }
}

//! The tarball: the same files for containers, conda and machines without pip.

use super::content::{Content, Entry};
use super::pack::header;
use super::{Dist, at};
use flate2::{Compression, GzBuilder};
use std::path::PathBuf;

/// Writes the tarball.
pub(super) fn write(dist: &Dist, content: &Content) -> Result<PathBuf, String> {
    let name = format!("candlebook-{}-linux-x86_64", content.version);
    let path = dist.folder.join(format!("{name}.tar.gz"));
    let bytes = tarball(content, &name).map_err(|error| at(&path, error))?;
    super::write(&path, &bytes)?;
    Ok(path)
}

fn tarball(content: &Content, name: &str) -> std::io::Result<Vec<u8>> {
    let gzip = GzBuilder::new().write(Vec::new(), Compression::default());
    let mut tar = tar::Builder::new(gzip);
    let mut add = |folder: &str, entry: &Entry| {
        let mut header = header(entry.bytes.len() as u64, entry.is_program);
        let path = format!("{name}/{folder}{}", entry.path);
        tar.append_data(&mut header, path, &entry.bytes[..])
    };
    add("", &content.program)?;
    for entry in &content.shared {
        add("", entry)?;
    }
    for entry in &content.licenses {
        add("share/doc/candlebook/", entry)?;
    }
    tar.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_below_one_folder() {
        let content = Content {
            version: "1.2.3".into(),
            program: Entry::program("bin/candlebook", b"program".to_vec()),
            shared: Vec::new(),
            licenses: Vec::new(),
            readme: String::new(),
        };
        let bytes = tarball(&content, "c").unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
        let entry = tar.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap().to_str(), Some("c/bin/candlebook"));
        assert_eq!(entry.header().mode().unwrap(), 0o755);
    }
}

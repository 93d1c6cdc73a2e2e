//! Downloads from public mirrors, verified and cached.

use crate::cell::check_stopped;
use crate::error::{Error, Result};
use crate::file::{sha256_hex, write_atomically};
use crate::show::{StatusLine, note};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The `expected` of an error for a mirror that did not answer.
const DOWNLOAD: &str = "a download";
/// Size limit; all files of the data sets are smaller.
const MAX_DOWNLOAD_BYTES: usize = 1 << 28;
const BUFFER_BYTES: usize = 1 << 16;

/// A file to download.
pub(crate) struct Download<'a> {
    pub(crate) name: &'a str,
    /// URLs of folders, in the order to try them.
    pub(crate) mirrors: Vec<String>,
    /// The folder to keep the file in.
    pub(crate) cache: Option<PathBuf>,
    /// The hint of the error if no mirror has the file.
    pub(crate) hint: String,
}

/// Bytes whose SHA-256 is known.
pub(crate) struct Checksum<'a> {
    /// The bytes' name in error messages.
    pub(crate) what: String,
    pub(crate) sha256: &'a str,
    /// Added to the checksum in error messages, e.g. " unpacked".
    pub(crate) note: &'a str,
    pub(crate) hint: &'a str,
}

/// The mirrors to try: none if `CANDLEBOOK_OFFLINE` is set, only `$CANDLEBOOK_MIRROR/<folder>` if
/// that is set, else the public ones.
pub(crate) fn mirrors(folder: &str, public: &[&str]) -> Vec<String> {
    if std::env::var_os("CANDLEBOOK_OFFLINE").is_some() {
        return Vec::new();
    }
    match std::env::var("CANDLEBOOK_MIRROR") {
        Ok(mirror) => vec![format!("{}/{folder}/", mirror.trim_end_matches('/'))],
        Err(_) => public.iter().map(|mirror| mirror.to_string()).collect(),
    }
}

impl Download<'_> {
    /// Downloads from the first mirror whose bytes `unpack` accepts and caches them if the folder
    /// is writable. Returns the path and the unpacked value.
    ///
    /// # Errors
    /// If no mirror has the file, and on Stop.
    pub(crate) fn fetch<T>(
        &self,
        unpack: impl Fn(&Path, &[u8]) -> Result<T>,
    ) -> Result<(PathBuf, T)> {
        let mut last = "CANDLEBOOK_OFFLINE is set".to_owned();
        for mirror in &self.mirrors {
            let url = format!("{mirror}{}", self.name);
            check_stopped()?;
            match download(&url).and_then(|raw| Ok((unpack(Path::new(&url), &raw)?, raw))) {
                Ok((unpacked, raw)) => {
                    self.keep_or_report(&raw);
                    let cached = self.cache.as_ref().map(|cache| cache.join(self.name));
                    return Ok((cached.unwrap_or_else(|| PathBuf::from(&url)), unpacked));
                }
                Err(Error::Stopped) => return Err(Error::Stopped),
                Err(Error::File { expected, got, .. }) if expected == DOWNLOAD => last = got,
                Err(error) => last = error.to_string(),
            }
        }
        Err(Error::Download {
            file: self.name.to_owned(),
            tried: self.mirrors.len(),
            last,
            hint: self.hint.clone(),
        })
    }

    fn keep_or_report(&self, raw: &[u8]) {
        if let Err(error) = self.keep(raw) {
            note(format_args!("{}: not cached: {error}", self.name));
        }
    }

    /// Writes the file into the cache.
    ///
    /// # Errors
    /// If the folder is not writable.
    pub(crate) fn keep(&self, raw: &[u8]) -> Result<()> {
        let Some(cache) = &self.cache else {
            return Ok(());
        };
        std::fs::create_dir_all(cache).map_err(Error::io("create", cache))?;
        write_atomically(&cache.join(self.name), raw)
    }
}

impl Checksum<'_> {
    /// Verifies the bytes; `path` names their file in the error.
    ///
    /// # Errors
    /// If they have another SHA-256.
    pub(crate) fn check(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let sum = sha256_hex(bytes);
        if sum == self.sha256 {
            return Ok(());
        }
        let expected = format!("{} (SHA-256 {}{})", self.what, self.sha256, self.note);
        Err(Error::file(
            path,
            expected,
            format!("SHA-256 {sum}"),
            self.hint,
        ))
    }
}

/// Downloads a file and shows the progress.
fn download(url: &str) -> Result<Vec<u8>> {
    let failed = |reason: String| Error::file(Path::new(url), DOWNLOAD, reason, "");
    let response = agent()
        .get(url)
        .call()
        .map_err(|error| failed(error.to_string()))?;
    let length = response.body().content_length();
    let mut reader = response.into_body().into_reader();
    let name = url.rsplit('/').next().unwrap_or(url);
    let of = length.map_or(String::new(), |bytes| {
        format!(" of {:.1}", bytes as f64 / 1e6)
    });
    let mut line = StatusLine::new();
    let mut bytes = Vec::new();
    // Growing by doubling would need twice the memory.
    let claimed = length.map_or(0, |length| length.min(MAX_DOWNLOAD_BYTES as u64));
    bytes.reserve_exact(claimed as usize);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        check_stopped()?;
        match reader
            .read(&mut buffer)
            .map_err(|error| failed(error.to_string()))?
        {
            0 => break,
            n if bytes.len() + n > MAX_DOWNLOAD_BYTES => {
                return Err(failed(format!("more than {MAX_DOWNLOAD_BYTES} bytes")));
            }
            n => bytes.extend_from_slice(&buffer[..n]),
        }
        line.update(|| format!("{name}: {:.1}{of} MB", bytes.len() as f64 / 1e6));
    }
    line.finish(|| format!("{name}: {:.1} MB, done", bytes.len() as f64 / 1e6));
    Ok(bytes)
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        // Their sum is less than the time that a cell has to react to Stop.
        .timeout_resolve(Some(Duration::from_secs(2)))
        .timeout_connect(Some(Duration::from_secs(2)))
        .timeout_recv_response(Some(Duration::from_secs(4)))
        .timeout_recv_body(Some(Duration::from_secs(3600)))
        .build()
        .into()
}

/// A mirror for tests.
#[cfg(test)]
pub(crate) mod test_mirror {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Serves `answer(request)` to `n` requests; returns the mirror's URL.
    pub(crate) fn serve(n: usize, answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().take(n).flatten() {
                let mut request = [0; 4096];
                let read = stream.read(&mut request).unwrap();
                let body = answer(&String::from_utf8_lossy(&request[..read]));
                let length = body.len();
                let header = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                stream
                    .write_all(&[header.as_bytes(), &body].concat())
                    .unwrap();
            }
        });
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_mirror_is_tried_if_one_has_other_bytes() {
        let wrong = test_mirror::serve(1, |_| b"login".to_vec());
        let right = test_mirror::serve(1, |_| b"digits".to_vec());
        let sum = sha256_hex(b"digits");
        let what = "the digits".to_owned();
        let checksum = Checksum {
            what,
            sha256: &sum,
            note: "",
            hint: "",
        };
        let download = Download {
            name: "digits",
            mirrors: vec![wrong, right.clone()],
            cache: None,
            hint: String::new(),
        };
        let (path, bytes) = download
            .fetch(|url, raw| checksum.check(url, raw).map(|()| raw.to_vec()))
            .unwrap();
        assert_eq!(
            (path, bytes),
            (PathBuf::from(format!("{right}digits")), b"digits".to_vec())
        );
    }
}

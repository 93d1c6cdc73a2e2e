//! Files from public mirrors: the first that has one whole, checked, and kept in the cache.

use crate::cell::check_stopped;
use crate::error::{Error, Result};
use crate::file::{sha256_hex, write_atomically};
use crate::show::{StatusLine, note};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the error of a mirror that did not answer says it expected.
const DOWNLOAD: &str = "a download";

/// The mirrors to try: none offline, only a folder of `$CANDLEBOOK_MIRROR` where that is set.
pub(crate) fn mirrors(folder: &str, public: &[&str]) -> Vec<String> {
    if std::env::var_os("CANDLEBOOK_OFFLINE").is_some() {
        return Vec::new();
    }
    match std::env::var("CANDLEBOOK_MIRROR") {
        Ok(own) => vec![format!("{}/{folder}/", own.trim_end_matches('/'))],
        Err(_) => public.iter().map(|mirror| mirror.to_string()).collect(),
    }
}

/// Downloads a file from the first mirror whose bytes `unpack` takes, and keeps them in the cache where that can be
/// written. Gives where it is and what was unpacked.
///
/// # Errors
/// No mirror that has it; Stop.
pub(crate) fn fetch<T>(
    name: &str,
    mirrors: &[String],
    cache: Option<&Path>,
    hint: String,
    unpack: impl Fn(&Path, &[u8]) -> Result<T>,
) -> Result<(PathBuf, T)> {
    let mut last = "CANDLEBOOK_OFFLINE is set".to_owned();
    for mirror in mirrors {
        let url = format!("{mirror}{name}");
        check_stopped()?;
        match download(&url).and_then(|raw| Ok((unpack(Path::new(&url), &raw)?, raw))) {
            Ok((unpacked, raw)) => {
                let path = cache.map_or_else(|| PathBuf::from(&url), |cache| cache.join(name));
                if let Err(error) = keep(cache, name, &raw) {
                    note(format_args!("{name}: not kept for the next time: {error}"));
                }
                return Ok((path, unpacked));
            }
            Err(Error::Stopped) => return Err(Error::Stopped),
            Err(Error::File { expected, got, .. }) if expected == DOWNLOAD => last = got,
            Err(error) => last = error.to_string(),
        }
    }
    Err(Error::Download {
        file: name.to_owned(),
        tried: mirrors.len(),
        last,
        hint,
    })
}

/// Finds bytes that are not those of this SHA-256; behind the sum stands what it is of.
pub(crate) fn check(
    path: &Path,
    what: &str,
    bytes: &[u8],
    (expected, of): (&str, &str),
    hint: &str,
) -> Result<()> {
    let sum = sha256_hex(bytes);
    if sum == expected {
        return Ok(());
    }
    Err(Error::file(
        path,
        format!("{what} (SHA-256 {expected}{of})"),
        format!("SHA-256 {sum}"),
        hint,
    ))
}

pub(crate) fn keep(cache: Option<&Path>, name: &str, raw: &[u8]) -> Result<()> {
    let Some(cache) = cache else { return Ok(()) };
    std::fs::create_dir_all(cache).map_err(Error::io("create", cache))?;
    write_atomically(&cache.join(name), raw)
}

/// No file of these sets is larger, in bytes.
const LARGEST: usize = 1 << 28;

/// Fetches a file, with a line that says how far it is.
fn download(url: &str) -> Result<Vec<u8>> {
    let failed = |reason: String| Error::file(Path::new(url), DOWNLOAD, reason, "");
    let agent: ureq::Agent = ureq::Agent::config_builder()
        // Together less than a cell is given to heed Stop.
        .timeout_resolve(Some(Duration::from_secs(2)))
        .timeout_connect(Some(Duration::from_secs(2)))
        .timeout_recv_response(Some(Duration::from_secs(4)))
        .timeout_recv_body(Some(Duration::from_secs(3600)))
        .build()
        .into();
    let response = agent
        .get(url)
        .call()
        .map_err(|error| failed(error.to_string()))?;
    let length = response.body().content_length();
    let mut reader = response.into_body().into_reader();
    let mut bytes = Vec::new();
    let name = url.rsplit('/').next().unwrap_or(url);
    let of = length.map_or(String::new(), |all| format!(" of {:.1}", all as f64 / 1e6));
    let mut line = StatusLine::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        check_stopped()?;
        match reader
            .read(&mut chunk)
            .map_err(|error| failed(error.to_string()))?
        {
            0 => break,
            n if bytes.len() + n > LARGEST => {
                return Err(failed(format!("more than {LARGEST} bytes")));
            }
            n => bytes.extend_from_slice(&chunk[..n]),
        }
        line.update(|| format!("{name}: {:.1}{of} MB", bytes.len() as f64 / 1e6));
    }
    line.finish(|| format!("{name}: {:.1} MB, done", bytes.len() as f64 / 1e6));
    Ok(bytes)
}

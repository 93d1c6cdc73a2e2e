//! MNIST and Fashion-MNIST, from the nearest place that has them.
//!
//! In this order: the folder `$CANDLEBOOK_DATA`, the cache, the system's package, the public mirrors; and, for MNIST
//! alone, 5,000 digits inside this crate. Every file of the full sets is checked by the SHA-256 of its unpacked bytes.
//!
//! Sources: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition" (1998); Xiao,
//! Rasul, Vollgraf, "Fashion-MNIST" (2017). Mirrors: those of torchvision's `datasets.MNIST`.

use crate::data::download::{check, fetch, mirrors};
use crate::data::idx::{Idx, decompress};
use crate::data::idx_folder::{find, split_of};
use crate::data::split::{Dataset, Split};
use crate::error::{Error, Result};
use crate::file::cache_folder;
use crate::show::note;
use std::path::{Path, PathBuf};

/// A set of four IDX files and where they may be found.
struct IdxSet {
    name: &'static str,
    /// Folder below `$CANDLEBOOK_DATA` and below the cache.
    folder: &'static str,
    /// Where a system package puts it.
    system: &'static str,
    mirrors: &'static [&'static str],
    files: [File; 4],
}

/// One file: its name without `.gz`, and the SHA-256 of its unpacked bytes.
struct File {
    name: &'static str,
    sha256: &'static str,
}

const MNIST: IdxSet = IdxSet {
    name: "MNIST",
    folder: "mnist",
    system: "/usr/share/datasets/mnist",
    mirrors: &[
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ],
    files: [
        File {
            name: "train-images-idx3-ubyte",
            sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        },
        File {
            name: "train-labels-idx1-ubyte",
            sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        },
        File {
            name: "t10k-images-idx3-ubyte",
            sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        },
        File {
            name: "t10k-labels-idx1-ubyte",
            sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ],
};

const FASHION: IdxSet = IdxSet {
    name: "Fashion-MNIST",
    folder: "fashion-mnist",
    system: "/usr/share/datasets/fashion-mnist",
    mirrors: &[
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ],
    files: [
        File {
            name: "train-images-idx3-ubyte",
            sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        },
        File {
            name: "train-labels-idx1-ubyte",
            sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        },
        File {
            name: "t10k-images-idx3-ubyte",
            sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        },
        File {
            name: "t10k-labels-idx1-ubyte",
            sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
    ],
};

/// The handwritten digits: 60,000 for training and 10,000 for test, 28 x 28, one channel.
///
/// Looked for in `$CANDLEBOOK_DATA` (the folder itself or its subfolder `mnist`), then in the cache
/// (`~/.cache/candlebook`), then at the public mirrors, whose files are cached. With no network, 5,000 of the digits (500
/// of each, 4,000 for training) come from this crate, and a line says so. `CANDLEBOOK_OFFLINE=1` leaves the mirrors out.
///
/// # Errors
/// A file that is there but damaged, or not MNIST's by its checksum.
pub fn mnist() -> Result<Dataset> {
    match MNIST.load() {
        Err(Error::Download { last, .. }) => {
            note(format_args!(
                "MNIST: the 5,000 digits inside candlebook are used, since there was no download ({last}). For all 70,000 \
                 set CANDLEBOOK_DATA to a folder with the four MNIST files."
            ));
            mnist_embedded()
        }
        other => other,
    }
}

/// The 5,000 digits inside this crate: 4,000 for training and 1,000 for test, as many of each digit.
///
/// # Errors
/// None in practice; the embedded files are checked by a test.
pub fn mnist_embedded() -> Result<Dataset> {
    macro_rules! idx {
        ($name:literal, $rank:literal) => {{
            let path = Path::new(concat!($name, ".gz"));
            let raw = include_bytes!(concat!("../../assets/mnist5k/", $name, ".gz")).to_vec();
            Idx::parse(path, &decompress(path, raw)?, $rank)?
        }};
    }
    let train = split_of(
        idx!("train-images-idx3-ubyte", 3),
        Some(idx!("train-labels-idx1-ubyte", 1)),
    )?;
    let test = split_of(
        idx!("t10k-images-idx3-ubyte", 3),
        Some(idx!("t10k-labels-idx1-ubyte", 1)),
    )?;
    Dataset::new("MNIST, 5,000 digits", "this crate", train, test)
}

/// Zalando's articles of clothing in MNIST's format: 60,000 for training and 10,000 for test, 28 x 28, one channel.
///
/// Looked for as [`mnist`], and in Debian's package `dataset-fashion-mnist`.
///
/// # Errors
/// As [`mnist`]; and where it is in none of these places, since it is not inside this crate.
pub fn fashion_mnist() -> Result<Dataset> {
    FASHION.load()
}

impl IdxSet {
    fn load(&self) -> Result<Dataset> {
        let places = self.places();
        for place in &places {
            if self
                .files
                .iter()
                .all(|file| find(place, file.name).is_some())
            {
                return self.dataset(place.display().to_string(), |file| {
                    // `find` above has just seen it; if it is gone since, reading says so.
                    let path = find(place, file.name).unwrap_or_else(|| place.join(file.name));
                    let raw = std::fs::read(&path).map_err(Error::io("read", &path))?;
                    let bytes = decompress(&path, raw)?;
                    self.check(&path, file, &bytes)?;
                    Ok((path, bytes))
                });
            }
        }
        let cache = cache_folder().map(|cache| cache.join(self.folder));
        self.dataset("a public mirror".into(), |file| {
            self.fetch(file, cache.as_deref())
        })
    }

    /// Folders that may hold the files.
    fn places(&self) -> Vec<PathBuf> {
        let mut places = Vec::new();
        if let Some(data) = std::env::var_os("CANDLEBOOK_DATA").map(PathBuf::from) {
            places.extend([data.join(self.folder), data]);
        }
        places.extend(cache_folder().map(|cache| cache.join(self.folder)));
        places.push(self.system.into());
        places
    }

    fn dataset(
        &self,
        source: String,
        mut get: impl FnMut(&File) -> Result<(PathBuf, Vec<u8>)>,
    ) -> Result<Dataset> {
        let mut idx = |file: &File, rank| {
            let (path, bytes) = get(file)?;
            Idx::parse(&path, &bytes, rank)
        };
        let mut split = |at: usize| -> Result<Split> {
            let images = idx(&self.files[at], 3)?;
            split_of(images, Some(idx(&self.files[at + 1], 1)?))
        };
        Dataset::new(self.name, source, split(0)?, split(2)?)
    }

    fn check(&self, path: &Path, file: &File, bytes: &[u8]) -> Result<()> {
        let hint =
            "If the file is damaged, delete it; to read files of your own use idx_folder(path)";
        check(
            path,
            &format!("{}'s {}", self.name, file.name),
            bytes,
            (file.sha256, " unpacked"),
            hint,
        )
    }

    /// Downloads a file from the first mirror that has it whole, and keeps it in the cache where that can be written.
    fn fetch(&self, file: &File, cache: Option<&Path>) -> Result<(PathBuf, Vec<u8>)> {
        let name = format!("{}.gz", file.name);
        let hint = format!(
            "Check the network, or put the four {} files into a folder and set CANDLEBOOK_DATA to it",
            self.name
        );
        fetch(
            &name,
            &mirrors(self.folder, self.mirrors),
            cache,
            hint,
            |url, raw| {
                let bytes = decompress(url, raw.to_vec())?;
                self.check(url, file, &bytes)?;
                Ok(bytes)
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::download::keep;
    use crate::file::sha256_hex;
    use std::io::{Read, Write};

    /// A set of one picture of one pixel, and its mirror on this machine.
    fn tiny() -> (IdxSet, String) {
        let images = vec![0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 200];
        let labels = vec![0, 0, 8, 1, 0, 0, 0, 1, 4];
        let sum = |bytes: &[u8]| -> &'static str { Box::leak(sha256_hex(bytes).into_boxed_str()) };
        let files = MNIST.files.map(|file| {
            let bytes = if file.name.contains("images") {
                &images
            } else {
                &labels
            };
            File {
                name: file.name,
                sha256: sum(bytes),
            }
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().take(8).flatten() {
                let mut request = [0; 4096];
                let n = stream.read(&mut request).unwrap();
                let body = if String::from_utf8_lossy(&request[..n]).contains("images") {
                    &images
                } else {
                    &labels
                };
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                stream
                    .write_all(head.as_bytes())
                    .and_then(|()| stream.write_all(body))
                    .unwrap();
            }
        });
        let mirrors: &'static [&'static str] =
            Box::leak(Box::new([&*Box::leak(url.clone().into_boxed_str())]));
        (
            IdxSet {
                name: "Tiny",
                folder: "tiny",
                system: "/nowhere",
                mirrors,
                files,
            },
            url,
        )
    }

    fn pixel(split: &Split) -> f32 {
        split
            .first(1)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap()[0]
    }

    #[test]
    fn a_whole_download_is_kept_for_the_next_time() {
        let (source, _) = tiny();
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("tiny");
        let data = source
            .dataset("mirror".into(), |file| source.fetch(file, Some(&folder)))
            .unwrap();
        assert_eq!(
            (pixel(&data.train), data.test.labels()),
            (200.0 / 255.0, Some(vec![4]))
        );
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 4);
        for file in &source.files {
            let bytes = std::fs::read(find(&folder, file.name).unwrap()).unwrap();
            source.check(&folder, file, &bytes).unwrap();
        }
    }

    #[test]
    fn a_cache_that_cannot_be_written_costs_a_line_and_nothing_else() {
        let (source, _) = tiny();
        let file = tempfile::NamedTempFile::new().unwrap();
        let folder = file.path().join("tiny");
        let data = source
            .dataset("mirror".into(), |file| source.fetch(file, Some(&folder)))
            .unwrap();
        assert_eq!(pixel(&data.train), 200.0 / 255.0);
        let error = keep(Some(&folder), "x", b"").unwrap_err().to_string();
        assert!(error.contains("cannot create"), "{error}");
    }
}

//! [`IdxSet`]: a public data set of four IDX files, each known by its checksum.
//!
//! Every file is verified by the SHA-256 of its unpacked bytes. Mirrors: those of torchvision's
//! `datasets.MNIST`.

use crate::data::dataset::Dataset;
use crate::data::download::{Checksum, Download, mirrors};
use crate::data::idx::{Idx, split_of};
use crate::data::idx_files::IdxFiles;
use crate::data::idx_names::{IDX_NAMES, zip_paths};
use crate::data::locations::{self, DataFolder, Location};
use crate::data::split::Split;
use crate::error::{Error, Result};
use crate::file::{Unpacked, sha256_hex};
use crate::show::note;
use std::path::{Path, PathBuf};

/// Size limit of a file, packed or unpacked; the largest has 47,040,016 bytes.
pub(crate) const MAX_FILE_BYTES: u64 = 64 << 20;
/// The file that tells one set from another: the smallest.
const TEST_LABELS: usize = 3;

/// A data set of four IDX files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdxSet {
    pub(crate) name: &'static str,
    pub(crate) location: Location,
    pub(crate) mirrors: &'static [&'static str],
    /// SHA-256 of the unpacked files, in the order of [`IDX_NAMES`].
    pub(crate) sha256: [&'static str; 4],
}

/// MNIST.
pub(crate) const MNIST: IdxSet = IdxSet {
    name: "MNIST",
    location: locations::MNIST,
    mirrors: &[
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ],
    sha256: [
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ],
};

/// Fashion-MNIST.
pub(crate) const FASHION_MNIST: IdxSet = IdxSet {
    name: "Fashion-MNIST",
    location: locations::FASHION_MNIST,
    mirrors: &[
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ],
    sha256: [
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ],
};

/// The result of a search.
enum Search {
    Found(Box<IdxFiles>),
    /// Why folders with such files were passed over, a sentence for each.
    Passed(Vec<String>),
}

/// The sets that are known by their checksums.
const KNOWN: [IdxSet; 2] = [MNIST, FASHION_MNIST];

impl IdxSet {
    /// Loads the set from the first folder that has it, or downloads it.
    ///
    /// # Errors
    /// If a file is damaged or the download fails.
    pub(crate) fn load(&self) -> Result<Dataset> {
        match self.search(&self.location.folders(), &KNOWN) {
            Search::Found(files) => self.read(*files),
            Search::Passed(passed) => {
                for sentence in &passed {
                    note(format_args!("{}: {sentence}", self.name));
                }
                self.download(self.location.cache(), &passed)
            }
        }
    }

    /// Searches the folders, and the archives in each.
    fn search(&self, folders: &[DataFolder], known: &[IdxSet]) -> Search {
        let mut passed = Vec::new();
        for folder in folders {
            let DataFolder { path, shared } = folder;
            passed.extend(folder.absence());
            // The folder's own reason covers its archives.
            let mut reason = None;
            for place in std::iter::once(path.clone()).chain(zip_paths(path)) {
                let files = IdxFiles::find(&place);
                match self.reason_against(&files, *shared, known) {
                    None if files.is_complete() => return Search::Found(Box::new(files)),
                    None => {}
                    Some(why) => {
                        reason.get_or_insert(format!("{} {why}", place.display()));
                    }
                }
            }
            passed.extend(reason);
        }
        Search::Passed(passed)
    }

    /// Why these files are not this set; `None` if they are, or if there are none.
    fn reason_against(&self, files: &IdxFiles, shared: bool, known: &[IdxSet]) -> Option<String> {
        if files.is_empty() {
            return None;
        }
        let Some(labels) = files.get(TEST_LABELS).filter(|_| files.is_complete()) else {
            return Some(files.summary());
        };
        // Reading the set reports an unreadable file.
        let bytes = labels.read_all(MAX_FILE_BYTES).ok()?;
        let sum = sha256_hex(&bytes);
        if sum == self.sha256[TEST_LABELS] {
            return None;
        }
        if let Some(other) = known.iter().find(|set| set.sha256[TEST_LABELS] == sum) {
            return Some(format!("holds {}", other.name));
        }
        // Damaged files are reported. Intact ones are another set, which a shared folder may hold.
        let intact = Idx::parse(&labels.path(), &bytes, 1).is_ok();
        (shared && intact)
            .then(|| format!("holds another set: its test labels are not {}'s", self.name))
    }

    /// Reads and verifies the files.
    fn read(&self, mut files: IdxFiles) -> Result<Dataset> {
        let source = files.folder().display().to_string();
        self.dataset(source, |index| {
            let file = files.require(index)?;
            let bytes = file.read_all(MAX_FILE_BYTES)?;
            self.verify(&file.path(), index, &bytes)?;
            Ok((file.path(), bytes))
        })
    }

    fn download(&self, cache: Option<PathBuf>, passed: &[String]) -> Result<Dataset> {
        self.dataset("a public mirror".into(), |index| {
            self.fetch(index, cache.clone(), passed)
        })
    }

    /// Downloads a file; returns its path and its unpacked bytes.
    fn fetch(
        &self,
        index: usize,
        cache: Option<PathBuf>,
        passed: &[String],
    ) -> Result<(PathBuf, Vec<u8>)> {
        let folder = self.location.folder;
        let mut hint = format!(
            "Check the network, or set CANDLEBOOK_DATA and put the four {} files into \
             $CANDLEBOOK_DATA/{folder}",
            self.name
        );
        if !passed.is_empty() {
            hint += &format!(" ({})", passed.join("; "));
        }
        let download = Download {
            name: &format!("{}.gz", IDX_NAMES[index]),
            mirrors: mirrors(folder, self.mirrors),
            cache,
            hint,
        };
        download.fetch(|url, raw| {
            let unpacked = Unpacked::from_bytes(raw).map_err(Error::io("read", url))?;
            let bytes = unpacked.read_all(url, MAX_FILE_BYTES)?;
            self.verify(url, index, &bytes)?;
            Ok(bytes)
        })
    }

    /// Builds the data set from files that `get` returns with their paths.
    fn dataset(
        &self,
        source: String,
        mut get: impl FnMut(usize) -> Result<(PathBuf, Vec<u8>)>,
    ) -> Result<Dataset> {
        let mut idx = |index, rank| {
            let (path, bytes) = get(index)?;
            Idx::parse(&path, &bytes, rank)
        };
        let mut split = |images: usize| -> Result<Split> {
            let labels = images + 1;
            let images = idx(images, 3)?;
            split_of(images, Some(idx(labels, 1)?))
        };
        Dataset::new(self.name, source, split(0)?, split(2)?)
    }

    fn verify(&self, path: &Path, index: usize, bytes: &[u8]) -> Result<()> {
        let sum = sha256_hex(bytes);
        let is_other = |set: &&IdxSet| set.name != self.name && set.sha256[index] == sum;
        if let Some(other) = KNOWN.iter().find(is_other) {
            let hint = format!(
                "Keep each set in a folder of its own: $CANDLEBOOK_DATA/{}, $CANDLEBOOK_DATA/{}",
                self.location.folder, other.location.folder
            );
            let expected = format!("{}'s {}", self.name, IDX_NAMES[index]);
            return Err(Error::file(
                path,
                expected,
                format!("{}'s", other.name),
                hint,
            ));
        }
        let checksum = Checksum {
            what: format!("{}'s {}", self.name, IDX_NAMES[index]),
            sha256: self.sha256[index],
            note: " unpacked",
            hint: "Delete the file if it is damaged; for other files use idx_folder(path)",
        };
        checksum.check(path, bytes)
    }
}

#[cfg(test)]
mod tests;

//! [`PhotoStream`]: photographs that are decoded, or read from a packed file, on demand.
//!
//! An unreadable photograph is reported once, and the caller replaces it, so that batches keep
//! their size. More of them than a limit are an error.

use crate::data::photo::frame::Framing;
use crate::data::photo::packed::PackedFrames;
use crate::data::photo::source::PhotoSource;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::math::Rng;
use crate::show::note;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

/// Unreadable photographs that an error message lists.
const MAX_EXAMPLES: usize = 3;

/// Photographs of a source as images of one size.
#[derive(Debug)]
pub(crate) struct PhotoStream {
    source: Box<dyn PhotoSource>,
    framing: Framing,
    packed: Option<PackedFrames>,
    packed_folder: Option<PathBuf>,
    /// Number and reason of each unreadable photograph.
    unreadable: Mutex<BTreeMap<usize, String>>,
    max_unreadable: usize,
    root: PathBuf,
}

impl PhotoStream {
    /// Creates a stream; `root` names the source in error messages.
    ///
    /// # Errors
    /// If a setting of the framing is outside its range.
    pub(crate) fn new(
        root: &Path,
        source: Box<dyn PhotoSource>,
        framing: Framing,
        max_unreadable: usize,
    ) -> Result<Self> {
        framing.check()?;
        Ok(PhotoStream {
            source,
            framing,
            packed: None,
            packed_folder: None,
            unreadable: Mutex::default(),
            max_unreadable,
            root: root.to_owned(),
        })
    }

    /// Reads frames from a packed file in this folder. The first time, every photograph is decoded
    /// to create it.
    ///
    /// # Errors
    /// If the folder cannot be written, if there are too many unreadable photographs, and on Stop.
    pub(crate) fn packed(mut self, folder: &Path) -> Result<Self> {
        let note = |i, reason| self.note(i, reason);
        let source = self.source.as_ref();
        let packed = PackedFrames::open_or_create(folder, source, self.framing, note)?;
        self.packed = Some(packed);
        self.packed_folder = Some(folder.to_owned());
        Ok(self)
    }

    /// The photographs before they are resized.
    pub(crate) fn source(&self) -> &dyn PhotoSource {
        self.source.as_ref()
    }

    /// The folder or database of the photographs.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The conversion to images of one size.
    pub(crate) fn framing(&self) -> Framing {
        self.framing
    }

    /// The folder of the packed file, if frames are read from one.
    pub(crate) fn packed_folder(&self) -> Option<&Path> {
        self.packed_folder.as_deref()
    }

    /// Unreadable photographs that are not an error.
    pub(crate) fn max_unreadable(&self) -> usize {
        self.max_unreadable
    }

    /// The number of unreadable photographs found so far.
    pub(crate) fn unreadable(&self) -> usize {
        self.lock().len()
    }

    /// Reads an image; returns false and reports it if its photograph is unreadable. With an `rng`
    /// its crop and flip are random.
    ///
    /// # Shapes
    /// `image` is (3, size, size).
    ///
    /// # Errors
    /// If the number of unreadable photographs exceeds the limit.
    pub(crate) fn read(&self, i: usize, rng: Option<&mut Rng>, image: &mut [u8]) -> Result<bool> {
        if self.lock().contains_key(&i) {
            return Ok(false);
        }
        let frame = match &self.packed {
            Some(packed) => packed.frame(i),
            None => self
                .source
                .read(i)
                .and_then(|photograph| self.framing.frame(&photograph)),
        };
        match frame.and_then(|frame| self.framing.cut(&frame, rng, image)) {
            Ok(()) => Ok(true),
            Err(reason) => {
                self.note(i, reason)?;
                Ok(false)
            }
        }
    }

    /// Reports an unreadable photograph.
    ///
    /// # Errors
    /// If their number exceeds the limit.
    fn note(&self, i: usize, reason: String) -> Result<()> {
        let mut unreadable = self.lock();
        // The first reason is the cause; the packed file only knows that there was one.
        if unreadable.contains_key(&i) {
            return Ok(());
        }
        // One more than the limit is enough for the error.
        if unreadable.len() <= self.max_unreadable {
            unreadable.insert(i, reason.clone());
        }
        if unreadable.len() > self.max_unreadable {
            return Err(self.too_many(&unreadable));
        }
        note(format_args!(
            "{}: {reason}. Another image replaces it ({} unreadable of at most {})",
            self.source.name(i).display(),
            unreadable.len(),
            self.max_unreadable
        ));
        Ok(())
    }

    fn too_many(&self, unreadable: &BTreeMap<usize, String>) -> Error {
        let name = |i: usize| self.source.name(i).display().to_string();
        let examples: Vec<String> = unreadable
            .iter()
            .take(MAX_EXAMPLES)
            .map(|(i, reason)| format!("{}: {reason}", name(*i)))
            .collect();
        let expected = format!("at most {} unreadable photographs", self.max_unreadable);
        let got = format!("{} ({}, ...)", unreadable.len(), examples.join("; "));
        let hint =
            "Repair or remove them, or raise the limit: PhotoSettings { max_unreadable, .. }";
        Error::file(&self.root, expected, got, hint)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, String>> {
        lock(&self.unreadable)
    }
}

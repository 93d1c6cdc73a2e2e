//! Pictures that are not in memory: each is decoded, or read from a packed file, when it is asked for.
//!
//! A file that cannot be read is named once; the next picture of the split stands in for it, so that batches keep their
//! size. More of those than a limit are an error.

use crate::data::photo::frame::Framing;
use crate::data::photo::packed::Packed;
use crate::data::photo::source::PhotoSource;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::math::Rng;
use crate::show::note;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

/// Photographs of a source, as pictures of one size.
#[derive(Debug)]
pub(crate) struct PhotoStream {
    source: Box<dyn PhotoSource>,
    framing: Framing,
    packed: Option<Packed>,
    unreadable: Mutex<BTreeMap<usize, String>>,
    /// How many may be unreadable.
    most: usize,
    root: PathBuf,
}

impl PhotoStream {
    pub(crate) fn new(
        root: &Path,
        source: Box<dyn PhotoSource>,
        framing: Framing,
        most: usize,
    ) -> Result<Self> {
        framing.check()?;
        Ok(PhotoStream {
            source,
            framing,
            packed: None,
            unreadable: Mutex::default(),
            most,
            root: root.to_owned(),
        })
    }

    /// The same, read from a packed file of its frames; where there is none yet, every photograph is decoded once.
    ///
    /// # Errors
    /// A folder that cannot be written; more unreadable photographs than the limit; Stop.
    pub(crate) fn packed(mut self, folder: &Path) -> Result<Self> {
        let note = |i, reason| self.note(i, reason);
        self.packed = Some(Packed::open_or_make(
            folder,
            self.source.as_ref(),
            self.framing,
            note,
        )?);
        Ok(self)
    }

    pub(crate) fn source(&self) -> &dyn PhotoSource {
        self.source.as_ref()
    }

    pub(crate) fn framing(&self) -> Framing {
        self.framing
    }

    /// How many photographs could not be read so far.
    pub(crate) fn unreadable(&self) -> usize {
        self.bad().len()
    }

    /// Writes one picture; false where its file cannot be read, which is then noted.
    ///
    /// # Shapes
    /// `picture` is (3, size, size).
    ///
    /// # Errors
    /// One unreadable photograph more than the limit.
    pub(crate) fn picture(
        &self,
        i: usize,
        draws: Option<&mut Rng>,
        picture: &mut [u8],
    ) -> Result<bool> {
        if self.bad().contains_key(&i) {
            return Ok(false);
        }
        let frame = match &self.packed {
            Some(packed) => packed.frame(i),
            None => self
                .source
                .read(i)
                .and_then(|photograph| self.framing.frame(&photograph)),
        };
        match frame.and_then(|frame| self.framing.cut(&frame, draws, picture)) {
            Ok(()) => Ok(true),
            Err(reason) => {
                self.note(i, reason)?;
                Ok(false)
            }
        }
    }

    /// Notes that a photograph cannot be read.
    ///
    /// # Errors
    /// Where that makes more than the limit.
    fn note(&self, i: usize, reason: String) -> Result<()> {
        let mut bad = self.bad();
        let name = self.source.name(i);
        // The first reason is the real one.
        if bad.contains_key(&i) {
            return Ok(());
        }
        // One more than the limit is enough to end it.
        if bad.len() <= self.most {
            bad.insert(i, reason.clone());
        }
        if bad.len() > self.most {
            let examples: Vec<String> = bad
                .iter()
                .take(3)
                .map(|(i, reason)| format!("{}: {reason}", self.source.name(*i).display()))
                .collect();
            let got = format!(
                "{} unreadable ones ({}, ...)",
                bad.len(),
                examples.join("; ")
            );
            let hint = "Mend or remove them, or allow more, as by ImageFolder { unreadable, .. }";
            return Err(Error::file(
                &self.root,
                format!("at most {} unreadable pictures", self.most),
                got,
                hint,
            ));
        }
        note(format_args!(
            "{}: {reason}. Another picture stands in for it ({} unreadable of at most {})",
            name.display(),
            bad.len(),
            self.most
        ));
        Ok(())
    }

    fn bad(&self) -> MutexGuard<'_, BTreeMap<usize, String>> {
        lock(&self.unreadable)
    }
}

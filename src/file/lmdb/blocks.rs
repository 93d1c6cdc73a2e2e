//! [`Blocks`]: reads of a file that is walked mostly in order.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// A window of a file. Reads that continue at its end extend over a block, so that they need few
/// system calls.
#[derive(Debug)]
pub(super) struct Blocks<'a> {
    file: &'a File,
    /// Bytes read at once elsewhere.
    min_bytes: usize,
    /// Bytes read at once where reads follow each other.
    block_bytes: usize,
    window: Vec<u8>,
    start: u64,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(file: &'a File, min_bytes: usize, block_bytes: usize) -> Self {
        Blocks {
            file,
            min_bytes,
            block_bytes,
            window: Vec::new(),
            start: 0,
        }
    }

    /// Bytes at an offset, `length` of them.
    ///
    /// # Errors
    /// If the file ends before.
    pub(super) fn read(&mut self, offset: u64, length: usize) -> std::io::Result<&[u8]> {
        let inside = |window: &[u8], start: u64| {
            let at = usize::try_from(offset.checked_sub(start)?).ok()?;
            (at.checked_add(length)? <= window.len()).then_some(at)
        };
        let at = match inside(&self.window, self.start) {
            Some(at) => at,
            None => {
                self.load(offset, length)?;
                0
            }
        };
        self.window
            .get(at..at + length)
            .ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }

    /// Moves the window to an offset. It may be short at the end of the file.
    fn load(&mut self, offset: u64, length: usize) -> std::io::Result<()> {
        let end = self.start.saturating_add(self.window.len() as u64);
        let follows = (self.start..=end.saturating_add(self.min_bytes as u64)).contains(&offset);
        let block = if follows {
            self.block_bytes
        } else {
            self.min_bytes
        };
        self.window.resize(block.max(length), 0);
        self.start = offset;
        let mut filled = 0;
        while filled < length {
            match self
                .file
                .read_at(&mut self.window[filled..], offset + filled as u64)
            {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.window.clear();
                    return Err(error);
                }
            }
        }
        self.window.truncate(filled);
        Ok(())
    }
}

//! [`GzipMembers`]: gzip files of one or more members, as `cat a.gz b.gz` and appending writers make them.

use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// First two bytes of a member.
pub(crate) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Decompresses all members. As with gzip(1), other bytes after the last member are ignored;
/// [`GzipMembers::has_trailing_bytes`] reports them, unless they are zeros, which tapes and file
/// systems append.
#[derive(Debug)]
pub(crate) struct GzipMembers<R> {
    /// `None` after the last member.
    member: Option<GzDecoder<R>>,
    trailing: bool,
}

impl<R: BufRead> GzipMembers<R> {
    pub(crate) fn new(from: R) -> Self {
        GzipMembers {
            member: Some(GzDecoder::new(from)),
            trailing: false,
        }
    }

    /// True if the last member is followed by bytes that are not gzip. Known at the end of the data.
    pub(crate) fn has_trailing_bytes(&self) -> bool {
        self.trailing
    }

    /// Starts the next member, if there is one.
    fn advance(&mut self) -> io::Result<()> {
        let Some(member) = self.member.take() else {
            return Ok(());
        };
        let mut rest = member.into_inner();
        let start = rest.fill_buf()?;
        // One byte decides, because a buffer may end after it.
        if start.first() == Some(&GZIP_MAGIC[0]) {
            self.member = Some(GzDecoder::new(rest));
        } else {
            self.trailing = start.iter().any(|&byte| byte != 0);
        }
        Ok(())
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            // A member may be empty, so its end is not the end of the data.
            match member.read(buffer)? {
                0 => self.advance()?,
                n => return Ok(n),
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use std::io::{BufReader, Write};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// The data, and whether other bytes follow it.
    fn unpack(file: &[u8], buffer_bytes: usize) -> io::Result<(Vec<u8>, bool)> {
        let mut members = GzipMembers::new(BufReader::with_capacity(buffer_bytes, file));
        let mut bytes = Vec::new();
        members.read_to_end(&mut bytes)?;
        Ok((bytes, members.has_trailing_bytes()))
    }

    #[test]
    fn all_members_are_read_with_any_buffer() {
        let file = [gzip(b"one "), gzip(b""), gzip(b"two")].concat();
        for buffer_bytes in [1, 2, 23, 24, 25, 4096] {
            let unpacked = unpack(&file, buffer_bytes).unwrap();
            assert_eq!(unpacked, (b"one two".to_vec(), false), "{buffer_bytes}");
        }
    }

    #[test]
    fn other_bytes_after_the_last_member_are_ignored_as_by_gzip() {
        let one = gzip(b"one");
        for (after, reported) in [(&b"garbage"[..], true), (&[0; 512], false)] {
            let unpacked = unpack(&[&one[..], after].concat(), 4096).unwrap();
            assert_eq!(unpacked, (b"one".to_vec(), reported));
        }
    }

    #[test]
    fn a_truncated_or_damaged_member_is_an_error() {
        let (one, two) = (gzip(b"one"), gzip(b"two"));
        for cut in [1, 9, 15, two.len() - 1] {
            let file = [&one[..], &two[..cut]].concat();
            assert!(unpack(&file, 4096).is_err(), "{cut}");
        }
        let mut damaged = [&one[..], &two[..]].concat();
        let crc = damaged.len() - 8;
        damaged[crc] ^= 1;
        assert!(unpack(&damaged, 4096).is_err());
    }
}

//! [`Slice`]: a reader of a file in memory for `zune-jpeg`.

use zune_jpeg::zune_core::bytestream::{ZByteIoError, ZByteReaderTrait, ZSeekFrom};

/// A reader of bytes in memory, inlined because the decoder reads four at a time.
pub(super) struct Slice<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) position: usize,
}

impl Slice<'_> {
    #[inline(always)]
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }
}

impl ZByteReaderTrait for Slice<'_> {
    #[inline(always)]
    fn read_byte_no_error(&mut self) -> u8 {
        let byte = self.bytes.get(self.position).copied();
        self.position += usize::from(byte.is_some());
        byte.unwrap_or(0)
    }

    #[inline(always)]
    fn read_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        self.peek_exact_bytes(buffer)?;
        self.position += buffer.len();
        Ok(())
    }

    #[inline(always)]
    fn read_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        let n = self.peek_bytes(buffer)?;
        self.position += n;
        Ok(n)
    }

    #[inline(always)]
    fn peek_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        let n = buffer.len().min(self.rest().len());
        buffer[..n].copy_from_slice(&self.rest()[..n]);
        Ok(n)
    }

    #[inline(always)]
    fn peek_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        let bytes = self.rest().get(..buffer.len());
        buffer.copy_from_slice(bytes.ok_or(ZByteIoError::Generic("the file ends early"))?);
        Ok(())
    }

    #[inline(always)]
    fn z_seek(&mut self, from: ZSeekFrom) -> Result<u64, ZByteIoError> {
        let position = match from {
            ZSeekFrom::Start(position) => usize::try_from(position).ok(),
            ZSeekFrom::End(by) => self.bytes.len().checked_add_signed(by as isize),
            ZSeekFrom::Current(by) => self.position.checked_add_signed(by as isize),
        };
        self.position = position.ok_or(ZByteIoError::SeekError("a position before the file"))?;
        Ok(self.position as u64)
    }

    #[inline(always)]
    fn is_eof(&mut self) -> Result<bool, ZByteIoError> {
        Ok(self.position >= self.bytes.len())
    }

    #[inline(always)]
    fn z_position(&mut self) -> Result<u64, ZByteIoError> {
        Ok(self.position as u64)
    }

    fn read_remaining(&mut self, sink: &mut Vec<u8>) -> Result<usize, ZByteIoError> {
        let n = self.rest().len();
        sink.extend_from_slice(self.rest());
        self.position += n;
        Ok(n)
    }
}

//! [`Datum`]: Caffe's image record, in the wire format of protocol buffers.
//!
//! Fields: channels 1, height 2, width 3, data 4 (bytes), label 5, float_data 6, encoded 7. Source:
//! `caffe.proto` of Jia et al., "Caffe" (2014). Input is untrusted: any bytes give a record or an
//! error, never a panic.

use crate::file::{Limits, decode_image};
use image::RgbImage;
use std::ops::Range;

/// Key of the field `data`: number 4, wire type 2.
const PIXELS: u64 = 4 << 3 | 2;

/// The fields of a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Datum<'a> {
    channels: u64,
    height: u64,
    width: u64,
    data: &'a [u8],
    pub(crate) label: Option<i64>,
    /// Set if there is float data, which is not supported.
    floats: bool,
    encoded: bool,
}

impl<'a> Datum<'a> {
    /// Parses a record; the pixels are not decoded.
    ///
    /// # Errors
    /// The reason why it is not a record.
    pub(crate) fn parse(record: &'a [u8]) -> Result<Datum<'a>, String> {
        let mut datum = Datum::default();
        let mut wire = Wire(record);
        while !wire.0.is_empty() {
            let key = wire.varint()?;
            match (key >> 3, key & 7) {
                (1, 0) => datum.channels = wire.varint()?,
                (2, 0) => datum.height = wire.varint()?,
                (3, 0) => datum.width = wire.varint()?,
                (4, 2) => datum.data = wire.bytes()?,
                (5, 0) => datum.label = Some(wire.varint()? as i64),
                (7, 0) => datum.encoded = wire.varint()? != 0,
                (0, _) => return Err("not a Caffe Datum: field number 0".into()),
                (number, wire_type) => {
                    datum.floats |= number == 6;
                    wire.skip(wire_type)?;
                }
            }
        }
        Ok(datum)
    }

    /// The bytes of a record that its pixels take, with the key and the length before them, if they
    /// begin in its first bytes. The rest is a record too.
    pub(crate) fn pixel_field(head: &[u8]) -> Option<Range<u64>> {
        let mut wire = Wire(head);
        loop {
            let start = (head.len() - wire.0.len()) as u64;
            let key = wire.varint().ok()?;
            if key == PIXELS {
                let bytes = wire.varint().ok()?;
                let end = (head.len() - wire.0.len()) as u64;
                return Some(start..end.checked_add(bytes)?);
            }
            wire.skip(key & 7).ok()?;
        }
    }

    /// Decodes the image.
    ///
    /// # Errors
    /// The reason why it cannot be decoded.
    pub(crate) fn image(&self) -> Result<RgbImage, String> {
        if self.encoded {
            return decode_image(self.data)
                .map(|(_, image)| image)
                .map_err(|reason| reason.to_string());
        }
        let (channels, height, width) = (self.channels, self.height, self.width);
        let pixels = height.checked_mul(width).filter(|&pixels| pixels > 0);
        let claimed = pixels.and_then(|pixels| pixels.checked_mul(channels));
        let bytes = self.data.len() as u64;
        if !matches!(channels, 1 | 3) || claimed != Some(bytes) {
            let floats = if self.floats { " and float data" } else { "" };
            let shape = format!("{channels} x {height} x {width}");
            return Err(format!("a record of {shape} with {bytes} bytes{floats}"));
        }
        // A grey record grows threefold.
        Limits::current()
            .check_pixels(width, height)
            .map_err(|over| over.to_string())?;
        let side = |length: u64| u32::try_from(length).unwrap_or(u32::MAX);
        RgbImage::from_raw(side(width), side(height), self.interleaved())
            .ok_or_else(|| format!("a record of {height} x {width}"))
    }

    /// (c, h, w) in blue, green, red -> (h, w, 3) in red, green, blue. A single channel is
    /// repeated.
    fn interleaved(&self) -> Vec<u8> {
        let pixels = self.data.len() / self.channels as usize;
        let plane = |c: usize| &self.data[(c * pixels) % self.data.len()..][..pixels];
        let planes = [plane(2), plane(1), plane(0)];
        let mut interleaved = Vec::with_capacity(3 * pixels);
        interleaved.extend((0..pixels).flat_map(|i| planes.map(|plane| plane[i])));
        interleaved
    }
}

/// The unread bytes of a record.
struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    /// Reads an integer: groups of seven bits, lowest first.
    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or("a truncated record")?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("not a Caffe Datum: an integer of more than 64 bits".into())
    }

    fn take(&mut self, n: u64) -> Result<&'a [u8], String> {
        let n = usize::try_from(n).ok().filter(|&n| n <= self.0.len());
        let (taken, rest) = self.0.split_at(n.ok_or("a truncated record")?);
        self.0 = rest;
        Ok(taken)
    }

    /// Reads bytes that follow their number.
    fn bytes(&mut self) -> Result<&'a [u8], String> {
        let n = self.varint()?;
        self.take(n)
    }

    /// Skips a field.
    fn skip(&mut self, wire_type: u64) -> Result<(), String> {
        match wire_type {
            0 => self.varint().map(|_| ()),
            1 => self.take(8).map(|_| ()),
            2 => self.bytes().map(|_| ()),
            5 => self.take(4).map(|_| ()),
            _ => Err("not a Caffe Datum: a field of unknown wire type".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Purpose, Rng};

    /// Datum(channels=3, height=1, width=2, data=bytes([1, 2, 3, 4, 5, 6]), label=300) of
    /// caffe.proto.
    const RECORD: [u8; 17] = [8, 3, 16, 1, 24, 2, 34, 6, 1, 2, 3, 4, 5, 6, 40, 0xac, 2];

    #[test]
    fn bgr_planes_become_rgb_pixels() {
        let datum = Datum::parse(&RECORD).unwrap();
        assert_eq!(datum.label, Some(300));
        assert_eq!(datum.image().unwrap().into_raw(), [5, 3, 1, 6, 4, 2]);
        let grey = Datum {
            channels: 1,
            height: 3,
            ..datum.clone()
        };
        assert_eq!(grey.image().unwrap().into_raw()[..6], [1, 1, 1, 2, 2, 2]);
        let negative = [&RECORD[..14], &[40], &[0xff; 9], &[1]].concat();
        assert_eq!(Datum::parse(&negative).unwrap().label, Some(-1));
    }

    #[test]
    fn a_record_without_its_pixels_has_the_label() {
        assert_eq!(Datum::pixel_field(&RECORD[..8]), Some(6..14));
        for short in [&RECORD[..7], &RECORD[14..], &[]] {
            assert_eq!(Datum::pixel_field(short), None, "{short:?}");
        }
        let rest = [&RECORD[..6], &RECORD[14..]].concat();
        assert_eq!(Datum::parse(&rest).unwrap().label, Some(300));
        let endless = [&[34], &[0xff; 9][..], &[1]].concat();
        assert_eq!(
            Datum::pixel_field(&endless),
            None,
            "the end exceeds 64 bits"
        );
    }

    #[test]
    fn unknown_fields_are_skipped() {
        let more = [
            &RECORD[..],
            &[0x35, 0, 0, 0, 0],
            &[0x41, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x4a, 1, 9],
            &[0x50, 7],
        ];
        let datum = Datum::parse(&more.concat()).map(|datum| (datum.label, datum.floats));
        assert_eq!(datum, Ok((Some(300), true)));
    }

    #[test]
    fn parsing_never_panics() {
        for end in 0..RECORD.len() {
            let _ = Datum::parse(&RECORD[..end]).map(|datum| datum.image());
        }
        let mut rng = Rng::new(7, Purpose::Augment);
        let mut byte = move || (rng.unit() * 256.0) as u8;
        for round in 0..20_000 {
            let mut bytes = RECORD.to_vec();
            if round % 4 == 0 {
                bytes.iter_mut().for_each(|b| *b = byte());
            }
            for _ in 0..round % 5 {
                let at = usize::from(byte()) % bytes.len();
                bytes[at] = byte();
            }
            let _ = Datum::parse(&bytes).map(|datum| datum.image());
        }
    }
}

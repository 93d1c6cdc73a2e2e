//! Caffe's records of pictures: `Datum`, in the wire form of protocol buffers.
//!
//! Fields: channels 1, height 2, width 3, data 4 (bytes), label 5, float_data 6, encoded 7. Source: `caffe.proto` of Jia et
//! al., "Caffe" (2014). Any bytes may come: what is not a whole record is an error in words.

use crate::file::decode_image;
use image::RgbImage;

/// What a record says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Datum<'a> {
    channels: u64,
    height: u64,
    width: u64,
    data: &'a [u8],
    pub(crate) label: Option<i64>,
    floats: bool,
    encoded: bool,
}

impl<'a> Datum<'a> {
    /// Takes a record apart. The pixels are not looked at.
    pub(crate) fn parse(record: &'a [u8]) -> Result<Datum<'a>, String> {
        let mut datum = Datum::default();
        let mut rest = Wire(record);
        while !rest.0.is_empty() {
            let key = rest.varint()?;
            match (key >> 3, key & 7) {
                (1, 0) => datum.channels = rest.varint()?,
                (2, 0) => datum.height = rest.varint()?,
                (3, 0) => datum.width = rest.varint()?,
                (4, 2) => datum.data = rest.bytes()?,
                (5, 0) => datum.label = Some(rest.varint()? as i64),
                (7, 0) => datum.encoded = rest.varint()? != 0,
                (0, _) => return Err("no Caffe Datum: a field numbered 0".into()),
                (number, kind) => {
                    datum.floats |= number == 6;
                    rest.skip(kind)?;
                }
            }
        }
        Ok(datum)
    }

    /// Its picture.
    pub(crate) fn picture(&self) -> Result<RgbImage, String> {
        if self.encoded {
            return decode_image(self.data).map(|(_, picture)| picture);
        }
        let (channels, height, width) = (self.channels, self.height, self.width);
        let pixels = height.checked_mul(width).filter(|&pixels| pixels > 0);
        let claimed = pixels.and_then(|pixels| pixels.checked_mul(channels));
        let there = self.data.len() as u64;
        if !matches!(channels, 1 | 3) || claimed != Some(there) {
            let floats = if self.floats { " and floats" } else { "" };
            return Err(format!(
                "a record of {channels} x {height} x {width} with {there} bytes{floats}"
            ));
        }
        let pixels = self.data.len() / channels as usize;
        // (c, h, w) of blue, green, red -> (h, w, c) of red, green, blue; one channel stands for all three.
        let plane = |c: usize| &self.data[(c * pixels) % self.data.len()..][..pixels];
        let planes = [plane(2), plane(1), plane(0)];
        let bytes = (0..pixels)
            .flat_map(|i| planes.map(|plane| plane[i]))
            .collect();
        let side = |length: u64| u32::try_from(length).unwrap_or(u32::MAX);
        RgbImage::from_raw(side(width), side(height), bytes)
            .ok_or_else(|| format!("a record of {height} x {width}"))
    }
}

/// What of a record is still to be read.
struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    /// A number in groups of seven bits, the lowest first.
    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or("a record that is cut off")?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("no Caffe Datum: a number of more than 64 bits".into())
    }

    fn take(&mut self, n: u64) -> Result<&'a [u8], String> {
        let there = self.0.len();
        let n = usize::try_from(n)
            .ok()
            .filter(|&n| n <= there)
            .ok_or("a record that is cut off")?;
        let (taken, rest) = self.0.split_at(n);
        self.0 = rest;
        Ok(taken)
    }

    /// Bytes behind their number.
    fn bytes(&mut self) -> Result<&'a [u8], String> {
        let n = self.varint()?;
        self.take(n)
    }

    /// Leaves out a field of a kind.
    fn skip(&mut self, kind: u64) -> Result<(), String> {
        match kind {
            0 => self.varint().map(|_| ()),
            1 => self.take(8).map(|_| ()),
            2 => self.bytes().map(|_| ()),
            5 => self.take(4).map(|_| ()),
            _ => Err("no Caffe Datum: a field of an unknown kind".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Purpose, Rng};

    /// from caffe.proto: Datum(channels=3, height=1, width=2, data=bytes([1, 2, 3, 4, 5, 6]), label=300)
    const RECORD: [u8; 17] = [8, 3, 16, 1, 24, 2, 34, 6, 1, 2, 3, 4, 5, 6, 40, 0xac, 2];

    #[test]
    fn planes_of_blue_green_red_become_pixels() {
        let datum = Datum::parse(&RECORD).unwrap();
        assert_eq!(datum.label, Some(300));
        assert_eq!(datum.picture().unwrap().into_raw(), [5, 3, 1, 6, 4, 2]);
        let grey = Datum {
            channels: 1,
            height: 3,
            ..datum.clone()
        };
        assert_eq!(grey.picture().unwrap().into_raw()[..6], [1, 1, 1, 2, 2, 2]);
        let negative = [&RECORD[..14], &[40], &[0xff; 9], &[1]].concat();
        assert_eq!(Datum::parse(&negative).unwrap().label, Some(-1));
    }

    #[test]
    fn fields_that_are_not_known_are_left_out() {
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
    fn no_bytes_make_it_panic() {
        for cut in 0..RECORD.len() {
            let _ = Datum::parse(&RECORD[..cut]).map(|datum| datum.picture());
        }
        let mut draws = Rng::new(7, Purpose::Augment);
        let mut byte = move || (draws.unit() * 256.0) as u8;
        for round in 0..20_000 {
            let mut bytes = RECORD.to_vec();
            if round % 4 == 0 {
                bytes.iter_mut().for_each(|b| *b = byte());
            }
            for _ in 0..round % 5 {
                let at = usize::from(byte()) % bytes.len();
                bytes[at] = byte();
            }
            let _ = Datum::parse(&bytes).map(|datum| datum.picture());
        }
    }
}

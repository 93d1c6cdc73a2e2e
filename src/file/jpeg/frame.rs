//! [`Frame`]: the size, the coding and the components of a JPEG file (ITU-T T.81, annex B.2.2).

use crate::file::unreadable::Unreadable;

/// Maximum sampling factor.
const MAX_FACTOR: u8 = 4;

/// A component and its sampling factors.
pub(super) struct Component {
    pub(super) id: u8,
    pub(super) h: u64,
    pub(super) v: u64,
}

/// A frame header.
pub(super) struct Frame {
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) progressive: bool,
    pub(super) components: Vec<Component>,
}

impl Frame {
    /// Reads the segment of a start-of-frame marker.
    ///
    /// # Errors
    /// If it is damaged, or of a kind that no decoder here reads.
    pub(super) fn read(marker: u8, body: &[u8]) -> Result<Frame, Unreadable> {
        check_coding(marker)?;
        let damaged = || Unreadable::from("a JPEG with a damaged frame header");
        let (&[bits, y1, y0, x1, x0, n], components) =
            body.split_first_chunk().ok_or_else(damaged)?;
        let (height, width) = (u16::from_be_bytes([y1, y0]), u16::from_be_bytes([x1, x0]));
        if bits != 8 {
            return Err(unsupported("a JPEG with 8 bits per sample", bits));
        }
        if height == 0 {
            let got = "0: it follows the pixels";
            return Err(unsupported("a JPEG with its height in the header", got));
        }
        if ![1, 3, 4].contains(&n) {
            return Err(unsupported("a JPEG with 1, 3 or 4 components", n));
        }
        let (components, []) = components.as_chunks() else {
            return Err(damaged());
        };
        let components: Option<Vec<_>> = components.iter().map(component).collect();
        let components = components.filter(|components| components.len() == usize::from(n));
        Ok(Frame {
            width: width.into(),
            height: height.into(),
            progressive: marker == 0xc2,
            components: components.ok_or_else(damaged)?,
        })
    }

    /// The largest horizontal and vertical sampling factors.
    pub(super) fn max_factors(&self) -> (u64, u64) {
        let most = |factor: fn(&Component) -> u64| self.components.iter().map(factor).max();
        (most(|c| c.h).unwrap_or(1), most(|c| c.v).unwrap_or(1))
    }

    /// The sampling factors in words.
    pub(super) fn factors(&self) -> String {
        let factors = self.components.iter().map(|c| format!("{}x{}", c.h, c.v));
        factors.collect::<Vec<_>>().join(", ")
    }
}

/// A component's identifier and factors; `None` if they are out of range.
fn component(&[id, factors, _table]: &[u8; 3]) -> Option<Component> {
    let (h, v) = (factors >> 4, factors & 15);
    let range = 1..=MAX_FACTOR;
    (range.contains(&h) && range.contains(&v)).then_some(Component {
        id,
        h: h.into(),
        v: v.into(),
    })
}

/// Checks the coding that a start-of-frame marker names.
fn check_coding(marker: u8) -> Result<(), Unreadable> {
    let got = match marker {
        0xc0..=0xc2 => return Ok(()),
        0xc3 => "a lossless one",
        0xc5..=0xc7 => "a hierarchical one",
        _ => "one with arithmetic coding",
    };
    Err(unsupported(
        "a baseline or progressive JPEG with Huffman coding",
        got,
    ))
}

/// The error for a file that is intact, but that no decoder here reads.
pub(super) fn unsupported(expected: &'static str, got: impl ToString) -> Unreadable {
    Unreadable::Unsupported {
        expected,
        got: got.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(marker: u8, body: &[u8]) -> String {
        Frame::read(marker, body).err().unwrap().to_string()
    }

    #[test]
    fn size_coding_and_factors_are_read() {
        let body = [8, 1, 2, 3, 4, 3, 7, 0x41, 0, 8, 0x12, 1, 9, 0x11, 1];
        let frame = Frame::read(0xc2, &body).unwrap();
        assert_eq!((frame.width, frame.height), (0x304, 0x102));
        assert!(frame.progressive);
        assert_eq!(frame.factors(), "4x1, 1x2, 1x1");
        assert_eq!(frame.max_factors(), (4, 2));
        assert_eq!(frame.components[1].id, 8);
    }

    #[test]
    fn kinds_without_a_decoder_are_named() {
        let hint = ". Save it again as an ordinary JPEG or as PNG";
        let coding = "expected a baseline or progressive JPEG with Huffman coding, got";
        let grey = [8, 0, 9, 0, 9, 1, 1, 0x11, 0];
        for (marker, got) in [
            (0xc3, "a lossless one"),
            (0xc6, "a hierarchical one"),
            (0xc9, "one with arithmetic coding"),
            (0xca, "one with arithmetic coding"),
        ] {
            assert_eq!(error(marker, &grey), format!("{coding} {got}{hint}"));
        }
        for (at, value, words) in [
            (0, 12, "a JPEG with 8 bits per sample, got 12"),
            (
                2,
                0,
                "a JPEG with its height in the header, got 0: it follows the pixels",
            ),
            (5, 2, "a JPEG with 1, 3 or 4 components, got 2"),
        ] {
            let mut body = grey;
            body[at] = value;
            assert_eq!(error(0xc1, &body), format!("expected {words}{hint}"));
        }
    }

    #[test]
    fn a_damaged_header_is_an_error() {
        let grey = [8, 0, 9, 0, 9, 1, 1, 0x11, 0];
        let mut bodies: Vec<Vec<u8>> = (0..9).map(|end| grey[..end].to_vec()).collect();
        for factors in [0x01, 0x10, 0x51, 0x15] {
            let mut body = grey;
            body[7] = factors;
            bodies.push(body.to_vec());
        }
        bodies.push([&grey[..5], &[3, 1, 0x11, 0]].concat());
        for body in bodies {
            assert_eq!(
                error(0xc0, &body),
                "a JPEG with a damaged frame header",
                "{body:?}"
            );
        }
    }
}

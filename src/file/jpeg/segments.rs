//! [`Segments`] of a JPEG file (ITU-T T.81, annex B.1).

pub(super) const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// A segment: its marker and what follows its length.
pub(super) struct Segment<'a> {
    pub(super) marker: u8,
    pub(super) body: &'a [u8],
    /// True if other bytes than fill bytes precede the marker: those of a scan, or foreign ones.
    pub(super) follows_bytes: bool,
}

/// Iterates over the segments up to the end of the image.
pub(super) struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Segments<'a> {
    /// The segments of a file.
    pub(super) fn of(file: &'a [u8]) -> Self {
        Segments { rest: file }
    }

    /// True if the image has an end. It is searched from the end of the file, where it usually is.
    pub(super) fn has_end(&self) -> bool {
        let mut pairs = self.rest.windows(2);
        pairs.rfind(|pair| *pair == [0xff, END_OF_IMAGE]).is_some()
    }

    /// Moves behind the next marker that a length follows.
    fn marker(&mut self) -> Option<(u8, bool)> {
        let mut follows_bytes = false;
        loop {
            let fill = self.rest.iter().position(|&byte| byte == 0xff)?;
            let after = &self.rest[fill..];
            let at = after.iter().position(|&byte| byte != 0xff)?;
            let marker = after[at];
            self.rest = &after[at + 1..];
            follows_bytes |= fill > 0;
            match marker {
                // A byte 0xff of a scan, restarts, and the start of the image.
                0 | 1 | 0xd0..=0xd7 => follows_bytes = true,
                0xd8 => {}
                END_OF_IMAGE => return None,
                marker => return Some((marker, follows_bytes)),
            }
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        let (marker, follows_bytes) = self.marker()?;
        let (length, _) = self.rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let body = self.rest.get(2..length)?;
        self.rest = &self.rest[length..];
        Some(Segment {
            marker,
            body,
            follows_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_follow_fill_bytes_scans_and_restarts() {
        let file = [
            &[0xff, 0xd8, 0xff, 0xff, 0xdb, 0, 3, 7][..],
            &[0xff, START_OF_SCAN, 0, 2, 1, 0xff, 0, 2, 0xff, 0xd0, 3],
            &[0xff, 0xc4, 0, 2, 9, 0xff, 0xc4, 0, 2],
            &[0xff, END_OF_IMAGE, 0xff, 0xc4, 0, 2],
        ]
        .concat();
        let found: Vec<(u8, &[u8], bool)> = Segments::of(&file)
            .map(|segment| (segment.marker, segment.body, segment.follows_bytes))
            .collect();
        let expected: [(u8, &[u8], bool); 4] = [
            (0xdb, &[7], false),
            (START_OF_SCAN, &[], false),
            (0xc4, &[], true),
            (0xc4, &[], true),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_that_of_the_image() {
        let file = [
            0xff,
            0xe1,
            0,
            4,
            0xff,
            0xd9,
            0xff,
            START_OF_SCAN,
            0,
            2,
            9,
            0xff,
            0xd9,
            7,
        ];
        let mut segments = Segments::of(&file);
        assert_eq!(segments.by_ref().take(2).count(), 2);
        assert!(segments.has_end());
        let mut cut = Segments::of(&file[..11]);
        assert!(cut.has_end());
        assert_eq!(cut.by_ref().take(2).count(), 2);
        assert!(!cut.has_end());
    }

    #[test]
    fn segments_end_where_the_file_is_cut_off() {
        let file = [0xff, 0xd8, 0xff, 0xdb, 0, 4, 7, 7];
        assert_eq!(Segments::of(&file).count(), 1);
        for end in 0..file.len() {
            assert_eq!(Segments::of(&file[..end]).count(), 0, "up to byte {end}");
        }
        // A length that does not include itself.
        assert_eq!(Segments::of(&[0xff, 0xdb, 0, 1, 0, 0]).count(), 0);
    }
}

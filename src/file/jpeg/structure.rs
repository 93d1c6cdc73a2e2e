//! [`Structure`]: the order in which a JPEG file stores its pixels.

use super::frame::{Component, Frame, unsupported};
use super::progression::Progression;
use super::segments::{START_OF_SCAN, Segments};
use crate::file::unreadable::Unreadable;

/// Scans of one file. Encoders write up to twenty; thousands take hours.
const MAX_SCANS: usize = 100;

/// The frame of a file, its colors and its scans.
pub(super) struct Structure {
    pub(super) frame: Frame,
    /// A JFIF segment exists.
    jfif: bool,
    /// The transform of Adobe's segment.
    pub(super) adobe: Option<u8>,
    /// The components of each scan, by their index in the frame. Later scans than a first one that
    /// completes a sequential file are not listed.
    pub(super) scans: Vec<Vec<usize>>,
    /// A quantization table follows the first scan.
    pub(super) late_tables: bool,
    /// A quantization table changes after the first scan.
    pub(super) changed_tables: bool,
    /// Bytes that belong to no segment precede the first scan.
    pub(super) foreign_bytes: bool,
}

/// The colors that a file's components are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Colors {
    Grey,
    Rgb,
    YCbCr,
    Cmyk,
    Ycck,
}

impl Structure {
    /// Reads the headers of a file, and those of its scans if it has several.
    ///
    /// # Errors
    /// If they are damaged, if the file ends early, or if it is of a kind that no decoder here reads.
    pub(super) fn read(file: &[u8]) -> Result<Structure, Unreadable> {
        let mut segments = Segments::of(file);
        let mut header = Header::default();
        let first = header.read_until_scan(&mut segments)?;
        let Some((frame, first)) = header.frame.take().zip(first) else {
            return Err("a JPEG without pixels".into());
        };
        if !segments.has_end() {
            return Err("a JPEG that ends early".into());
        }
        let mut structure = Structure {
            scans: Vec::new(),
            frame,
            jfif: header.jfif,
            adobe: header.adobe,
            late_tables: false,
            changed_tables: false,
            foreign_bytes: header.foreign_bytes,
        };
        let mut progression = Progression::of(structure.frame.components.len());
        structure.add_scan(first, &mut progression)?;
        if structure.frame.progressive || !structure.is_interleaved() {
            structure.read_scans(segments, header.tables, &mut progression)?;
        }
        structure.check_scans(&progression)?;
        Ok(structure)
    }

    /// The colors, by the rules of libjpeg.
    pub(super) fn colors(&self) -> Colors {
        match (self.frame.components.len(), self.adobe) {
            (1, _) => Colors::Grey,
            (4, None | Some(0)) => Colors::Cmyk,
            (4, Some(_)) => Colors::Ycck,
            _ if self.jfif => Colors::YCbCr,
            (_, Some(0)) => Colors::Rgb,
            (_, None) if self.has_rgb_names() => Colors::Rgb,
            _ => Colors::YCbCr,
        }
    }

    /// True if the components are called R, G and B.
    pub(super) fn has_rgb_names(&self) -> bool {
        self.frame.components.iter().map(|c| c.id).eq(*b"RGB")
    }

    /// True if the first scan has all components.
    pub(super) fn is_interleaved(&self) -> bool {
        self.scans[0].len() == self.frame.components.len()
    }

    /// Reads the segments after the first scan.
    fn read_scans<'a>(
        &mut self,
        segments: Segments<'a>,
        mut tables: Tables<'a>,
        progression: &mut Progression,
    ) -> Result<(), Unreadable> {
        for segment in segments {
            match segment.marker {
                START_OF_SCAN => self.add_scan(segment.body, progression)?,
                QUANTIZATION => {
                    self.late_tables = true;
                    self.changed_tables |= tables.read(segment.body);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn add_scan(&mut self, header: &[u8], progression: &mut Progression) -> Result<(), Unreadable> {
        if self.scans.len() == MAX_SCANS {
            return Err(unsupported("a JPEG of at most 100 scans", "more"));
        }
        let (scan, parameters) = scan(&self.frame.components, header)?;
        if self.frame.progressive {
            progression.add(&scan, parameters)?;
        }
        self.scans.push(scan);
        Ok(())
    }

    /// Checks that every component has its scans.
    fn check_scans(&self, progression: &Progression) -> Result<(), Unreadable> {
        let scans = |component| {
            self.scans
                .iter()
                .filter(move |s| s.contains(&component))
                .count()
        };
        let mut missing = self.frame.progressive && !progression.has_means();
        for component in 0..self.frame.components.len() {
            let scans = scans(component);
            missing |= scans == 0;
            if scans > 1 && !self.frame.progressive {
                return Err("a JPEG with two scans of a component".into());
            }
        }
        if missing {
            return Err("a JPEG without the scans of all its components".into());
        }
        Ok(())
    }
}

const QUANTIZATION: u8 = 0xdb;

/// Segments up to the first scan.
#[derive(Default)]
struct Header<'a> {
    frame: Option<Frame>,
    jfif: bool,
    adobe: Option<u8>,
    tables: Tables<'a>,
    foreign_bytes: bool,
}

impl<'a> Header<'a> {
    /// Returns the header of the first scan.
    fn read_until_scan(
        &mut self,
        segments: &mut Segments<'a>,
    ) -> Result<Option<&'a [u8]>, Unreadable> {
        for segment in segments {
            let body = segment.body;
            self.foreign_bytes |= segment.follows_bytes;
            match segment.marker {
                START_OF_SCAN => return Ok(Some(body)),
                QUANTIZATION => _ = self.tables.read(body),
                0xe0 => self.jfif |= body.starts_with(b"JFIF\0"),
                0xee if body.starts_with(b"Adobe") => self.adobe = body.get(11).copied(),
                // Huffman tables and conditioning of arithmetic coding lie between the frames.
                0xc4 | 0xc8 | 0xcc => {}
                marker @ 0xc0..=0xcf => self.frame = Some(Frame::read(marker, body)?),
                _ => {}
            }
        }
        Ok(None)
    }
}

/// The values of the four quantization tables.
#[derive(Default)]
struct Tables<'a>([Option<&'a [u8]>; 4]);

impl<'a> Tables<'a> {
    /// Reads a segment of tables. Returns true if it changes one.
    fn read(&mut self, mut body: &'a [u8]) -> bool {
        let mut changed = false;
        while let [kind, rest @ ..] = body {
            let length = if kind >> 4 == 0 { 64 } else { 128 };
            let Some((values, rest)) = rest.split_at_checked(length) else {
                break;
            };
            let before = self.0[usize::from(kind & 3)].replace(values);
            changed |= before.is_some_and(|before| before != values);
            body = rest;
        }
        changed
    }
}

/// The components of a scan header, and its last three bytes.
fn scan(components: &[Component], body: &[u8]) -> Result<(Vec<usize>, [u8; 3]), Unreadable> {
    let damaged = "a JPEG with a damaged scan header";
    let (&n, rest) = body.split_first().ok_or(damaged)?;
    let (named, rest) = rest.split_at_checked(2 * usize::from(n)).ok_or(damaged)?;
    let index = |id: u8| components.iter().position(|c| c.id == id);
    let found: Option<Vec<usize>> = named.iter().step_by(2).map(|&id| index(id)).collect();
    let found = found.filter(|found| !found.is_empty()).ok_or(damaged)?;
    Ok((found, *rest.first_chunk().ok_or(damaged)?))
}

#[cfg(test)]
mod tests {
    use super::super::tests::fixture;
    use super::*;

    fn structure(name: &str) -> Structure {
        Structure::read(&fixture(name)).unwrap()
    }

    fn error(bytes: &[u8]) -> String {
        Structure::read(bytes).err().unwrap().to_string()
    }

    #[test]
    fn scans_of_sequential_files_are_listed_until_all_components_are_complete() {
        assert_eq!(structure("ycc_420").scans, [[0, 1, 2]]);
        assert_eq!(structure("ycc_trailing_bytes").scans, [[0], [1], [2]]);
        assert_eq!(structure("ycc_420_pair").scans, [vec![0], vec![1, 2]]);
    }

    #[test]
    fn colors_follow_the_rules_of_libjpeg() {
        for (name, colors) in [
            ("grey_22", Colors::Grey),
            ("ycc_420", Colors::YCbCr),
            ("rgb_adobe", Colors::Rgb),
            ("rgb_names", Colors::Rgb),
            ("ycc_names_jfif", Colors::YCbCr),
            ("ycc_adobe_jfif", Colors::YCbCr),
            ("cmyk", Colors::Cmyk),
            ("cmyk_apart", Colors::Cmyk),
            ("ycck", Colors::Ycck),
        ] {
            assert_eq!(structure(name).colors(), colors, "{name}");
        }
    }

    #[test]
    fn late_and_changed_tables_are_found() {
        let late = structure("ycc_late_tables_progressive");
        assert!(late.late_tables && !late.changed_tables);
        assert!(!structure("ycc_420_progressive").late_tables);
        // The first table again, in front of the second scan, with another value.
        let mut file = fixture("ycc_420_progressive");
        let scan = |b: &[u8]| b[..2] == [0xff, START_OF_SCAN];
        let second = file
            .windows(2)
            .enumerate()
            .filter(|(_, b)| scan(b))
            .nth(1)
            .unwrap()
            .0;
        let table = [&[0xff, QUANTIZATION, 0, 67, 0, 2][..], &[1; 63]].concat();
        file.splice(second..second, table);
        let changed = Structure::read(&file).unwrap();
        assert!(changed.late_tables && changed.changed_tables);
    }

    #[test]
    fn missing_and_repeated_scans_are_errors() {
        assert_eq!(error(&[0xff, 0xd8, 0xff, 0xd9]), "a JPEG without pixels");
        let file = fixture("ycc_444_apart");
        let scans: Vec<usize> = (0..file.len() - 1)
            .filter(|&at| file[at..at + 2] == [0xff, START_OF_SCAN])
            .collect();
        let two_scans = [&file[..scans[2]], &[0xff, 0xd9]].concat();
        assert_eq!(
            error(&two_scans),
            "a JPEG without the scans of all its components"
        );
        let twice = [&file[..file.len() - 2], &file[scans[2]..]].concat();
        assert_eq!(error(&twice), "a JPEG with two scans of a component");
    }

    #[test]
    fn the_number_of_scans_is_limited() {
        // Each scan has a coefficient of its own, those behind the last one are refinements.
        let scan = |n: usize| {
            let header = [
                0xff,
                START_OF_SCAN,
                0,
                8,
                1,
                1,
                0,
                (n % 64) as u8,
                (n % 64) as u8,
            ];
            [&header[..], &[0, 9]].concat()
        };
        let file = fixture("grey_progressive");
        let first = file
            .windows(2)
            .position(|b| b == [0xff, START_OF_SCAN])
            .unwrap();
        let scans = |n| {
            [
                &file[..first],
                &(0..n).flat_map(scan).collect::<Vec<u8>>(),
                &[0xff, 0xd9],
            ]
            .concat()
        };
        assert_eq!(Structure::read(&scans(100)).unwrap().scans.len(), 100);
        assert_eq!(
            error(&scans(101)),
            "expected a JPEG of at most 100 scans, got more. Save it again as an ordinary JPEG or as PNG"
        );
    }
}

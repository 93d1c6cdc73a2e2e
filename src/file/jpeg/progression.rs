//! [`Progression`]: the order in which the scans of a progressive file refine its coefficients.

use crate::file::unreadable::Unreadable;

const COEFFICIENTS: usize = 64;
const INCONSISTENT: &str = "a JPEG whose scans are in no consistent order";

/// The lowest bit that the coefficients of each component have so far.
///
/// Decoders differ in the pixels of a file with a lost or repeated scan, and report nothing.
pub(super) struct Progression(Vec<[Option<u8>; COEFFICIENTS]>);

impl Progression {
    pub(super) fn of(components: usize) -> Progression {
        Progression(vec![[None; COEFFICIENTS]; components])
    }

    /// Adds a scan of some components, by their index, with the last three bytes of its header.
    ///
    /// # Errors
    /// If it does not continue the scans before (ITU-T T.81, annex G.1.1.1).
    pub(super) fn add(&mut self, scan: &[usize], parameters: [u8; 3]) -> Result<(), Unreadable> {
        let [first, last, bits] = parameters;
        let (before, lowest) = (bits >> 4, bits & 15);
        // A refinement adds one bit.
        if before != 0 && lowest + 1 != before {
            return Err(INCONSISTENT.into());
        }
        let range = usize::from(first)..usize::from(last) + 1;
        for &component in scan {
            let coefficients = &mut self.0[component];
            for known in coefficients.get_mut(range.clone()).ok_or(INCONSISTENT)? {
                if known.unwrap_or(0) != before {
                    return Err(INCONSISTENT.into());
                }
                *known = Some(lowest);
            }
        }
        Ok(())
    }

    /// True if each component has at least its means, the first coefficients.
    pub(super) fn has_means(&self) -> bool {
        self.0.iter().all(|coefficients| coefficients[0].is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The DC coefficients of two components and the AC coefficients of the first, then a last bit of each.
    const SCANS: [(&[usize], [u8; 3]); 4] = [
        (&[0, 1], [0, 0, 0x01]),
        (&[0], [1, 63, 0x02]),
        (&[0, 1], [0, 0, 0x10]),
        (&[0], [1, 63, 0x21]),
    ];

    fn is_complete(scans: &[(&[usize], [u8; 3])]) -> bool {
        let mut progression = Progression::of(2);
        scans
            .iter()
            .all(|(scan, parameters)| progression.add(scan, *parameters).is_ok())
            && progression.has_means()
    }

    #[test]
    fn scans_refine_those_before() {
        // The last scans may be missing: a coarser image.
        for n in 1..=SCANS.len() {
            assert!(is_complete(&SCANS[..n]), "{n} scans");
        }
    }

    #[test]
    fn lost_and_repeated_scans_are_found() {
        for (scan, repeated) in SCANS.into_iter().enumerate() {
            let mut twice = SCANS.to_vec();
            twice.insert(scan, repeated);
            assert!(!is_complete(&twice), "scan {scan} twice");
        }
        for scan in 0..2 {
            let mut lost = SCANS.to_vec();
            lost.remove(scan);
            assert!(!is_complete(&lost), "scan {scan} lost");
        }
        assert!(!is_complete(&[(&[0], [0, 64, 0])]));
        // A refinement by two bits, and one that raises them.
        for bits in [0x20, 0x23] {
            assert!(!is_complete(&[
                (&[0, 1], [0, 0, 0x02]),
                (&[0, 1], [0, 0, bits])
            ]));
        }
    }
}

//! Mutated files, the same in every run.

use crate::packing::{pack, unpack};

/// Numbers at the ends of their ranges, as they break arithmetic on sizes.
const EXTREMES: [u64; 6] = [0, 1, 0x7fff, 0xffff_ffff, u64::MAX / 2, u64::MAX];

/// A source of mutations, SplitMix64.
pub struct Mutator(pub u64);

impl Mutator {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }

    /// A copy with one to four changes in the bytes of the file or, in half of the copies, in what the reader unpacks.
    pub fn mutated(&mut self, reader: &str, file: &[u8]) -> Vec<u8> {
        let packed = self.below(2) == 0;
        let contents = unpack(reader, file).filter(|_| packed);
        match contents {
            Some(contents) => pack(reader, file, self.changed(contents)).unwrap(),
            None => self.changed(file.to_vec()),
        }
    }

    fn changed(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..=self.below(4) {
            self.change(&mut bytes);
        }
        bytes
    }

    /// Changes a byte, a bit or a number, or cuts out or doubles a part.
    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        let end = (at + 1 + self.below(16)).min(bytes.len());
        match self.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at.min(end)..end)),
            2 => {
                let part = bytes[at.min(end)..end].to_vec();
                let to = self.below(bytes.len());
                bytes.splice(to..to, part);
            }
            3 => self.number(bytes, at),
            4 => bytes
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|byte| *byte ^= 1 << (end % 8)),
            _ => {
                let value = self.below(256) as u8;
                bytes
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|byte| *byte = value);
            }
        }
    }

    /// Writes an extreme number of 1, 2, 4 or 8 bytes.
    fn number(&mut self, bytes: &mut [u8], at: usize) {
        let value = EXTREMES[self.below(EXTREMES.len())];
        let width = 1 << self.below(4);
        let big_endian = self.below(2) == 1;
        for (i, byte) in bytes.iter_mut().skip(at).take(width).enumerate() {
            let place = if big_endian { width - 1 - i } else { i };
            *byte = (value >> (8 * place)) as u8;
        }
    }
}

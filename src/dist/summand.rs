//! Numbers that ranks exchange.

use crate::dist::transport::Transport;
use crate::error::Result;

/// A number that ranks can sum and send.
pub(crate) trait Summand: Copy {
    /// Length of a number in bytes.
    const BYTES: usize;

    /// Replaces each value by its sum over all ranks.
    fn sum(transport: &dyn Transport, values: &mut [Self]) -> Result<()>;

    /// Appends the number's bytes.
    fn write(self, bytes: &mut Vec<u8>);

    /// The number of these bytes.
    fn read(bytes: &[u8]) -> Self;
}

macro_rules! summand {
    ($type:ty, $sum:ident) => {
        impl Summand for $type {
            const BYTES: usize = size_of::<$type>();

            fn sum(transport: &dyn Transport, values: &mut [Self]) -> Result<()> {
                transport.$sum(values)
            }

            fn write(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }

            fn read(bytes: &[u8]) -> Self {
                <[u8; Self::BYTES]>::try_from(bytes).map_or(0.0, Self::from_le_bytes)
            }
        }
    };
}

summand!(f32, sum_f32);
summand!(f64, sum_f64);

/// Bytes of some numbers.
pub(super) fn to_bytes<T: Summand>(values: &[T]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(values.len() * T::BYTES);
    values.iter().for_each(|value| value.write(&mut bytes));
    bytes
}

/// The numbers of some bytes.
pub(super) fn from_bytes<T: Summand>(bytes: &[u8]) -> impl Iterator<Item = T> {
    bytes.chunks_exact(T::BYTES).map(T::read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_as_bytes() {
        let values = [0.1f32, -0.0, f32::INFINITY];
        let bytes = to_bytes(&values);
        assert_eq!(
            (bytes.len(), from_bytes(&bytes).collect::<Vec<f32>>()),
            (12, values.to_vec())
        );
        let read: Vec<f64> = from_bytes(&to_bytes(&[std::f64::consts::PI])).collect();
        assert_eq!(read, [std::f64::consts::PI]);
    }
}

//! The connection between the ranks: MPI, or in tests the threads of one process.

use crate::error::Result;
use std::fmt::Debug;

/// Collective operations between ranks. All ranks call the same ones in the same order.
pub(crate) trait Transport: Debug + Send + Sync {
    /// Number of this rank, from 0.
    fn rank(&self) -> usize;

    /// Number of ranks.
    fn size(&self) -> usize;

    /// Replaces each value by its sum over all ranks.
    fn sum_f32(&self, values: &mut [f32]) -> Result<()>;

    /// Replaces each value by its sum over all ranks.
    fn sum_f64(&self, values: &mut [f64]) -> Result<()>;

    /// Collects equally many bytes of every rank, in the order of the ranks.
    fn gather(&self, own: &[u8], all: &mut [u8]) -> Result<()>;

    /// Copies the bytes of rank 0 to all ranks.
    fn broadcast(&self, bytes: &mut [u8]) -> Result<()>;
}

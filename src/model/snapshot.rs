//! Copies of a model's variables and buffers at one moment.

use crate::error::Result;
use crate::file::Sha256;
use candle_core::{Device, Tensor, Var};

/// Copies of variables and buffers, in the order of the model. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot(Vec<Tensor>);

impl Snapshot {
    /// Copies the current values.
    ///
    /// # Errors
    /// Not enough memory on the device.
    pub(crate) fn of<'a>(variables: impl IntoIterator<Item = &'a Var>) -> Result<Self> {
        let copies = variables.into_iter().map(|var| Ok(var.as_tensor().copy()?));
        Ok(Snapshot(copies.collect::<Result<_>>()?))
    }

    /// The copies, in the order of the variables.
    pub(crate) fn tensors(&self) -> &[Tensor] {
        &self.0
    }

    /// A snapshot of these values.
    pub(crate) fn from_tensors(tensors: Vec<Tensor>) -> Self {
        Snapshot(tensors)
    }

    /// Sets the variables to the copies, also on another device.
    ///
    /// # Errors
    /// Variables of other shapes.
    pub(crate) fn restore<'a>(&self, variables: impl IntoIterator<Item = &'a Var>) -> Result<()> {
        for (var, copy) in variables.into_iter().zip(&self.0) {
            var.set(&copy.to_device(var.device())?)?;
        }
        Ok(())
    }

    /// Hash of all bits, to tell whether weights have changed.
    ///
    /// # Errors
    /// A copy that cannot be read.
    pub(crate) fn hash(&self) -> Result<String> {
        let mut hash = Sha256::default();
        for copy in &self.0 {
            let values: Vec<f32> = copy.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            hash.update(bytes);
        }
        Ok(hash.hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_restores_the_bits_of_its_moment() {
        let var = Var::new(&[0.1f32, -2.5], &Device::Cpu).unwrap();
        let before = Snapshot::of([&var]).unwrap();
        var.set(&Tensor::new(&[3f32, 4.0], &Device::Cpu).unwrap())
            .unwrap();
        let after = Snapshot::of([&var]).unwrap();
        assert_ne!(before.hash().unwrap(), after.hash().unwrap());
        before.restore([&var]).unwrap();
        assert_eq!(var.to_vec1::<f32>().unwrap(), [0.1, -2.5]);
        let again = Snapshot::of([&var]).unwrap();
        assert_eq!(before.hash().unwrap(), again.hash().unwrap());
    }
}

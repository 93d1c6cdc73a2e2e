//! Sums between GPUs by NVIDIA's NCCL: feature `nccl`. Each rank needs a GPU of its own.

use crate::dist::World;
use crate::error::{Error, Result};
use crate::show::note;
use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::nccl::{Comm, Id, ReduceOp};
use candle_core::{CpuStorage, CudaStorage, CustomOp1, DType, Device, Layout, Shape, Tensor};
use std::sync::{Arc, Mutex};

/// Length of a communicator's identifier.
const ID_BYTES: usize = 128;

/// Sums tensors over the GPUs of all ranks.
#[derive(Clone, Debug)]
pub(crate) struct GpuSum(Arc<Mutex<SendComm>>);

/// A communicator, which is used by one thread at a time.
#[derive(Debug)]
struct SendComm(Comm);

// SAFETY: NCCL allows calls from any thread, one at a time, as the mutex ensures.
#[allow(unsafe_code)]
unsafe impl Send for SendComm {}

impl GpuSum {
    /// Connects the GPUs of all ranks; `None` if gradients go through the host, because a rank is on the
    /// CPU or shares its GPU with another.
    ///
    /// # Errors
    /// A rank that is gone.
    pub(crate) fn new(world: &World, device: &Device) -> Result<Option<Self>> {
        if world.is_alone() {
            return Ok(None);
        }
        let on_gpu = world.gather_equal(&[f64::from(u8::from(device.is_cuda()))])?;
        if on_gpu.contains(&0.0) {
            return Ok(None);
        }
        match connect(world, device) {
            Ok(comm) => Ok(Some(GpuSum(Arc::new(Mutex::new(SendComm(comm)))))),
            Err(error @ Error::Stopped) => Err(error),
            Err(error) => {
                world.go_on();
                note(format_args!(
                    "team: gradients go through the host, because {error}"
                ));
                Ok(None)
            }
        }
    }

    /// The sum over all ranks.
    ///
    /// # Errors
    /// Those of NCCL.
    pub(crate) fn sum(&self, tensor: &Tensor) -> Result<Tensor> {
        let dtype = tensor.dtype();
        let full = tensor.to_dtype(DType::F32)?.contiguous()?;
        Ok(full.apply_op1_no_bwd(self)?.to_dtype(dtype)?)
    }
}

fn connect(world: &World, device: &Device) -> Result<Comm> {
    let id = match world.rank() {
        0 => Id::new().map(|id| id.internal().map(|c| c as u8).to_vec()),
        _ => Ok(Vec::new()),
    };
    let (id, _) = world.agree(id.map_err(|error| failed(&error)), false)?;
    let bytes = <[u8; ID_BYTES]>::try_from(world.broadcast(id)?).unwrap_or([0; ID_BYTES]);
    let id = Id::uninit(bytes.map(|byte| byte as std::ffi::c_char));
    let stream = device.as_cuda_device()?.cuda_stream();
    let comm = Comm::from_rank(stream, world.rank(), world.size(), id);
    let (comm, _) = world.agree(comm.map_err(|error| failed(&error)), false)?;
    Ok(comm)
}

fn failed(error: &impl std::fmt::Debug) -> Error {
    let hint = "Start one rank per GPU";
    Error::setting("NCCL", "a GPU for each rank", format!("{error:?}"), hint)
}

impl CustomOp1 for GpuSum {
    fn name(&self) -> &'static str {
        "sum-over-gpus"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        candle_core::bail!("NCCL sums tensors on GPUs only")
    }

    fn cuda_fwd(
        &self,
        storage: &CudaStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let device = storage.device().clone();
        let values = storage.as_cuda_slice::<f32>()?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            candle_core::bail!("expected a contiguous tensor")
        };
        let mut sums = device.alloc_zeros::<f32>(end - start)?;
        let comm = crate::lock::lock(&self.0);
        let summed = comm
            .0
            .all_reduce(&values.slice(start..end), &mut sums, &ReduceOp::Sum);
        summed.map_err(|error| candle_core::Error::Msg(format!("NCCL: {error:?}")))?;
        let storage = CudaStorage::wrap_cuda_slice(sums, device);
        Ok((storage, layout.shape().clone()))
    }
}

//! The identity op, for an activation or dropout that cannot be fused into the stage before it.

use crate::layer::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::math::Real;

/// y = x
#[derive(Debug)]
pub(crate) struct Identity;

impl CpuOp for Identity {}

impl<T: Real> Arithmetic<T> for Identity {
    fn forward(
        &self,
        _shape: OpShape,
        x: &[T],
        y: &mut [T],
        _args: ForwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        y.copy_from_slice(x);
    }

    fn backward(
        &self,
        _shape: OpShape,
        args: BackwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        if let Some(dx) = args.dx {
            dx.copy_from_slice(args.dy);
        }
    }
}

//! The engine: evcxr, the process that runs cells, and the output of both. Uses `build`.

pub(crate) mod child;
pub(crate) mod code;
pub(crate) mod relay;
pub(crate) mod engine;
pub(crate) mod warm_up;

pub(crate) use engine::{
    CellError, ChildHandle, Engine, Outcome, end_descendants, set_environment,
};
pub(crate) use relay::{Display, Event, Op, Sink};

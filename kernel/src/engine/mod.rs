//! The engine: evcxr, the process that runs cells, and the output of both. Uses `build`.

pub mod child;
pub mod code;
pub mod relay;
pub mod engine;
pub mod warm_up;

pub use engine::{CellError, ChildHandle, Engine, Outcome, end_descendants, set_environment};
pub use relay::{Display, Event, Op, Sink};

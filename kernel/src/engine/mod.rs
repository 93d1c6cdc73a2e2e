//! The engine: evcxr, the process that runs cells, and the output of both.
//!
//! Uses `home` and `build`; knows nothing of Jupyter. Offers [`Engine`], which turns a cell into an
//! [`Outcome`] and sends [`Event`]s while the cell runs, and functions that analyze cells as text.

mod protocol;
mod process;
mod interrupt;
mod report;
mod kept;
mod failure;
mod input;
mod standard_input;
mod write_order;
mod streams;
mod event;
mod outbox;
mod not_shown;
mod pipes;
mod relay;
mod control;
mod child;
mod code;
mod items;
mod prepared;
mod optimization;
mod outcome;
mod place;
mod memory;
mod output;
mod dependencies;
mod reference;
mod magic;
mod lookup;
mod evaluator;
mod hidden;
mod explanation;
mod types;
mod naming;
mod execution;
mod warm_up;

pub(crate) use child::{HELPER, is_child, is_own_child, run_child, run_stock_child};
pub(crate) use code::{
    byte_at, characters_before, check_depth, is_complete, parse_cell, question, word_at,
};
pub(crate) use evaluator::{Cell, Engine, SEED, STACK, helper_library, set_environment};
pub(crate) use event::{Display, Event, Op, Sink};
pub(crate) use input::CANNOT_ASK;
pub(crate) use interrupt::is_urgent;
pub(crate) use lookup::is_always_known;
pub(crate) use outcome::{CellError, Outcome};
pub(crate) use process::{ChildHandle, end_descendants};
pub(crate) use warm_up::run_warm_up;

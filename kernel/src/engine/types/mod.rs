//! Types of variables that the engine cannot name.
//!
//! The engine stores each variable under the name of its type, which rust-analyzer infers. That name is
//! missing or wrong for trait objects of traits that are not imported, for instance candle's
//! `VarBuilder`. The compiler then tells the type, and the cell runs again with the type written out. A
//! type without a name, such as a closure's, is explained.
//!
//! Uses `code`. Offers the questions to the compiler, its answers, and the explanations.

mod binding;
mod question;
mod written;
mod advice;

pub(super) use advice::{Unkept, advice};
pub(super) use binding::{Binding, bindings};
pub(super) use question::{answers, question};
pub(super) use written::{can_be_written, with_types};

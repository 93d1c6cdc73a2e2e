//! Types of variables, as the compiler tells them.
//!
//! The engine stores each variable under the name of its type. The compiler tells the types of those that a
//! cell binds, and the cell runs with them written out. A type without a name, such as a closure's, is
//! explained.
//!
//! Uses `code`. Offers the questions to the compiler, its answers, and the explanations.

mod binding;
mod question;
mod written;
mod advice;

pub(super) use advice::{Unkept, advice};
pub(super) use binding::{Binding, bindings};
pub(super) use question::{answers, question};
pub(super) use written::{can_be_written, type_of, with_types};

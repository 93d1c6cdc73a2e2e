//! The last expression of a cell, for types that have no rendering of their own.
//!
//! A large value is cut: formatted in full, millions of numbers would take seconds and tens of
//! megabytes of the notebook.

use crate::show::beginning::{MAX_BYTES, beginning};
use crate::show::display::print_result;
use crate::show::format::thousands;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::{Arguments, Debug};
use std::path::Path;

/// End of a value whose size is not known before it is formatted.
const CUT: &str = r#"cut here; println!("{:?}", value) prints all of it"#;

/// Prints the `Debug` form of a cell's last expression. In scope in notebooks through the prelude.
/// A type's own `evcxr_display` method has precedence.
pub trait ShowDebug {
    /// Prints the value under the cell. Called on the last expression of a cell.
    fn evcxr_display(&self);
}

// References to unsized types are left to `ShowCounted`, or named below: two traits that apply to
// one type would be an error.
impl<T: Debug> ShowDebug for &T {
    fn evcxr_display(&self) {
        print_value(format_args!("{self:?}"), CUT);
    }
}

impl ShowDebug for &dyn Debug {
    fn evcxr_display(&self) {
        print_value(format_args!("{self:?}"), CUT);
    }
}

impl ShowDebug for &Path {
    fn evcxr_display(&self) {
        print_value(format_args!("{self:?}"), CUT);
    }
}

/// Prints a text or collection that is a cell's last expression. The end of a long one says how much
/// there is.
pub trait ShowCounted {
    /// Prints the value under the cell. Called on the last expression of a cell.
    fn evcxr_display(&self);
}

macro_rules! show_counted {
    ($word:literal: $([$($generics:tt)*] $type:ty,)*) => { $(
        impl<$($generics)*> ShowCounted for $type {
            fn evcxr_display(&self) {
                let rest = format!("{} {} in all", thousands(self.len()), $word);
                print_value(format_args!("{self:?}"), &rest);
            }
        }
    )* };
}
show_counted! { "values":
    [T: Debug] [T],
    [T: Debug] &[T],
    [T: Debug, const N: usize] [T; N],
    [T: Debug] Vec<T>,
    [T: Debug] VecDeque<T>,
    [T: Debug] BTreeSet<T>,
    [T: Debug, S] HashSet<T, S>,
}
show_counted! { "entries":
    [K: Debug, V: Debug] BTreeMap<K, V>,
    [K: Debug, V: Debug, S] HashMap<K, V, S>,
}

macro_rules! show_text {
    ($($type:ty)*) => { $(
        impl ShowCounted for $type {
            fn evcxr_display(&self) {
                let rest = format!("{} characters in all", thousands(self.chars().count()));
                // `Debug` of a text looks at all of it before it writes.
                let head = &self[..self.floor_char_boundary(2 * MAX_BYTES)];
                print_value(format_args!("{head:?}"), &rest);
            }
        }
    )* };
}
show_text!(str &str String);

/// Prints the values of a tensor that is a cell's last expression. `show(&tensor)` renders it as
/// images.
pub trait ShowValues {
    /// Prints the value under the cell. Called on the last expression of a cell.
    fn evcxr_display(&self);
}

impl ShowValues for candle_core::Tensor {
    fn evcxr_display(&self) {
        let rest = format!("{} values in all", thousands(self.elem_count()));
        print_value(format_args!("{self}"), &rest);
    }
}

fn print_value(value: Arguments, rest: &str) {
    let text = beginning(value, rest);
    // A function without a return value has no result to print.
    if text != "()" {
        print_result(&text);
    }
}

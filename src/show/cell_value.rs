//! The last expression of a cell, for types that have no rendering of their own.

use crate::show::display::print_result;

/// Prints the `Debug` form of a cell's last expression. In scope in notebooks through the prelude.
/// A type's own `evcxr_display` method has precedence.
pub trait ShowDebug {
    /// Prints the value under the cell. Called on the last expression of a cell.
    fn evcxr_display(&self);
}

impl<T: std::fmt::Debug + ?Sized> ShowDebug for &T {
    fn evcxr_display(&self) {
        let text = format!("{self:?}");
        // A function without a return value has no result to print.
        if text != "()" {
            print_result(&text);
        }
    }
}

/// Prints the values of a tensor that is a cell's last expression. `show(&tensor)` renders it as
/// images.
pub trait ShowValues {
    /// Prints the value under the cell. Called on the last expression of a cell.
    fn evcxr_display(&self);
}

impl ShowValues for candle_core::Tensor {
    fn evcxr_display(&self) {
        print_result(&self.to_string());
    }
}

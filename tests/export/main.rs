//! Tests of `export`: weights files.

mod load;
mod save;

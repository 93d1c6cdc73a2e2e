//! `candlebook run`: a notebook without Jupyter. Uses `engine`.

pub mod file;
pub mod run;

//! `candlebook run`: a notebook without Jupyter. Uses `engine`.

pub(crate) mod file;
pub(crate) mod run;

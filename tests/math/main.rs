//! Arithmetic and random numbers.

mod rng;

//! Tests of `math`'s public part, the random numbers. The rest is tested inside the crate.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod rng;

//! Tests of `math`'s public part, the random numbers. The rest is tested inside the crate.

mod rng;

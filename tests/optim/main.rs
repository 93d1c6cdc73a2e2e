//! Optimizers.

mod methods;

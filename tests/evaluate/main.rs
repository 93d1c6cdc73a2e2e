//! Tests of `evaluate`: measures of images and codes, against scikit-image and scikit-learn.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod common;

mod active_units;
mod code_usage;
mod kl_per_unit;
mod knn;
mod linear_probe;
mod mutual_information;
mod psnr;
mod report;
mod roc;
mod ssim;

//! Measures of a trained model: quality of reconstructions, use of the code, what a code tells about
//! labels, and detection of anomalies.
//!
//! Adds methods to [`Autoencoder`](crate::model::Autoencoder):
//! [`report`](crate::model::Autoencoder::report), a table of all measures that apply to the data,
//! and one method for each of them. The functions here measure images and codes from anywhere. Uses
//! `data`, `look`, `loss`, `model` and `show`; never changes a model.

mod pairs;
mod psnr;
mod ssim;
mod active_units;
mod kl_per_unit;
mod code_usage;
mod discrete_code;
mod labels;
mod lbfgs;
mod softmax_regression;
mod linear_probe;
mod knn;
mod roc;
mod mutual_information;
mod elbo;
mod report;

pub use active_units::ActiveUnits;
pub use code_usage::CodeUsage;
pub use elbo::Elbo;
pub use kl_per_unit::KlPerUnit;
pub use knn::knn_accuracy;
pub use linear_probe::{LinearProbe, linear_probe};
pub use mutual_information::mutual_information_gap;
pub use psnr::psnr;
pub use report::Report;
pub use roc::Roc;
pub use ssim::ssim;

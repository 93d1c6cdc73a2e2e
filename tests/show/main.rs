//! Pictures, charts and pages.

mod image;
mod page;
mod montage;
mod plot;
mod progress;
mod reference;
mod table;

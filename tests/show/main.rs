//! Tests of `show`: images, charts, tables, pages and progress.

mod image;
mod page;
mod montage;
mod plot;
mod progress;
mod reference;
mod table;

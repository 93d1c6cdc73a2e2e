//! Tests of `show`: images, charts, tables, pages and progress.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod animation;
mod bars;
mod cell_value;
mod common;
mod content;
mod description;
mod image;
mod images;
mod marker;
mod markup;
mod matrix;
mod montage;
mod numbers;
mod painter;
mod player;
mod plot;
mod plots;
mod points;
mod progress;
mod reference;
mod rendering;
mod sound;
mod spans;
mod style;
mod table;

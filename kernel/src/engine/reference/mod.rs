//! The public interface of crates, read from their source: pages for `?name`, and the members that
//! completion must not offer.
//!
//! Uses no other part of the engine. Offers [`Reference`] and the [`Page`]s that it writes.

mod docs;
mod item;
mod signature;
mod parse;
mod group;
mod page;
mod catalog;

pub(super) use catalog::Reference;
pub(crate) use page::Page;
pub(super) use parse::SLICE;

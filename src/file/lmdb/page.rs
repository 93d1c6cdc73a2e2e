//! [`Page`]: a branch page or a leaf page, and its nodes.

use super::bytes::{u16_at, u32_at, u64_at};
use super::damage::LmdbDamage;
use std::ops::Range;

/// Length of a page's header.
pub(super) const HEADER_BYTES: usize = 16;
/// Length of a node's header; key and value follow.
const NODE_BYTES: usize = 8;
/// The flags that give a page's kind. The others are of use in memory only.
pub(super) const PAGE_KIND_MASK: u16 = 0x6f;

// Flags of a leaf page's node.
const BIG_DATA: u16 = 0x01;
const SUB_DATABASE: u16 = 0x02;
const DUPLICATES: u16 = 0x04;

/// Kind of a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PageKind {
    Branch = 0x01,
    Leaf = 0x02,
    Overflow = 0x04,
    Meta = 0x08,
}

/// Place of a value.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    /// Bytes of the leaf page.
    Inline(Range<usize>),
    /// Bytes after the header of an overflow page.
    Overflow { page: u64, length: u32 },
}

/// Checks the number and the kind in a page's header.
pub(super) fn check_header(bytes: &[u8], number: u64, kind: PageKind) -> Result<(), LmdbDamage> {
    let found = u16_at(bytes, 10).map(|flags| flags & PAGE_KIND_MASK);
    if u64_at(bytes, 0) == Some(number) && found == Some(kind as u16) {
        return Ok(());
    }
    Err(LmdbDamage::page(
        number,
        match kind {
            PageKind::Branch => "no branch page",
            PageKind::Leaf => "no leaf page",
            PageKind::Overflow => "no large value",
            PageKind::Meta => "no meta page",
        },
    ))
}

/// A branch page or a leaf page.
#[derive(Debug)]
pub(super) struct Page {
    bytes: Vec<u8>,
    number: u64,
    nodes: usize,
}

impl Page {
    /// Checks the header.
    ///
    /// # Errors
    /// If it is another page, or an empty one: only an empty tree would have that, and it has no
    /// root.
    pub(super) fn parse(bytes: Vec<u8>, number: u64, kind: PageKind) -> Result<Page, LmdbDamage> {
        check_header(&bytes, number, kind)?;
        let offset = |at| u16_at(&bytes, at).map_or(usize::MAX, usize::from);
        // The offsets of the nodes end at `lower`; the nodes begin at `upper`.
        let (lower, upper) = (offset(12), offset(14));
        if lower <= HEADER_BYTES || lower % 2 != 0 || lower > upper || upper > bytes.len() {
            return Err(LmdbDamage::page(number, "an impossible number of nodes"));
        }
        let nodes = (lower - HEADER_BYTES) / 2;
        Ok(Page {
            bytes,
            number,
            nodes,
        })
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The number of nodes, at least 1.
    pub(super) fn nodes(&self) -> usize {
        self.nodes
    }

    fn damaged(&self, found: &str) -> LmdbDamage {
        LmdbDamage::page(self.number, found)
    }

    /// A node: header, key and value, up to the end of the page.
    fn node(&self, i: usize) -> Result<(usize, &[u8]), LmdbDamage> {
        let at = u16_at(&self.bytes, HEADER_BYTES + 2 * i).map(usize::from);
        let first = HEADER_BYTES + 2 * self.nodes;
        at.filter(|&at| at >= first)
            .and_then(|at| Some((at, self.bytes.get(at..)?)))
            .filter(|(_, node)| node.len() >= NODE_BYTES)
            .ok_or_else(|| self.damaged("a node outside the page"))
    }

    /// The child of a branch page's node.
    ///
    /// # Errors
    /// If the node is damaged.
    pub(super) fn child(&self, i: usize) -> Result<u64, LmdbDamage> {
        let (_, node) = self.node(i)?;
        // 48 bits: low, middle and high 16.
        Ok(u64_at(node, 0).unwrap_or_default() & 0xffff_ffff_ffff)
    }

    /// The key of a leaf page's node, and the place of its value.
    ///
    /// # Errors
    /// If the node is damaged, or the value is not a plain one.
    pub(super) fn record(&self, i: usize) -> Result<(&[u8], Value), LmdbDamage> {
        let (at, node) = self.node(i)?;
        let length = u32_at(node, 0).unwrap_or_default();
        let [flags, key_bytes] = [4, 6].map(|at| u16_at(node, at).unwrap_or_default());
        let start = NODE_BYTES + usize::from(key_bytes);
        let outside = || self.damaged("a record outside the page");
        let key = node.get(NODE_BYTES..start).ok_or_else(outside)?;
        let value = match flags {
            0 => {
                let end = start.checked_add(length as usize);
                let end = end.filter(|&end| end <= node.len()).ok_or_else(outside)?;
                Value::Inline(at + start..at + end)
            }
            BIG_DATA => Value::Overflow {
                page: u64_at(node, start).ok_or_else(outside)?,
                length,
            },
            _ if flags & !(BIG_DATA | SUB_DATABASE | DUPLICATES) != 0 => {
                return Err(self.damaged("a record with unknown flags"));
            }
            _ if flags & DUPLICATES != 0 => {
                return Err(LmdbDamage::kind("one with several values per key"));
            }
            _ => return Err(LmdbDamage::kind("one with named databases")),
        };
        Ok((key, value))
    }
}

//! [`LmdbCursor`]: a walk over the records in the order of their keys.

use super::blocks::Blocks;
use super::bytes::u32_at;
use super::damage::LmdbDamage;
use super::meta::Meta;
use super::page::{HEADER_BYTES, Page, PageKind, Value, check_header};
use std::fs::File;
use std::ops::Range;

/// Values up to this length are read with their neighbors; of longer ones, only the parts that the
/// caller asks for. Two system calls take about as long as copying this many bytes.
pub(crate) const LONG_VALUE_BYTES: u32 = 1 << 13;

/// Place of a value in the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Location {
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

/// A position in the tree. A damaged tree cannot lead into a cycle: leaf pages are at one depth, no
/// page is empty, and keys must ascend, which those of a page visited again would not.
#[derive(Debug)]
pub(crate) struct LmdbCursor<'a> {
    meta: &'a Meta,
    /// Pages and short values.
    pages: Blocks<'a>,
    /// Parts of long values.
    parts: Blocks<'a>,
    /// The pages from the root to the current one, with the next node of each.
    path: Vec<(Page, usize)>,
    key: Vec<u8>,
    location: Location,
    found: u64,
}

impl<'a> LmdbCursor<'a> {
    pub(super) fn new(file: &'a File, meta: &'a Meta) -> Self {
        LmdbCursor {
            meta,
            pages: Blocks::new(file, 1 << 12, 1 << 16),
            parts: Blocks::new(file, 128, 128),
            path: Vec::new(),
            key: Vec::new(),
            location: Location {
                offset: 0,
                length: 0,
            },
            found: 0,
        }
    }

    /// Moves to the next record; returns false after the last one.
    ///
    /// # Errors
    /// If the tree is damaged or incomplete.
    pub(crate) fn advance(&mut self) -> Result<bool, LmdbDamage> {
        if self.found == 0
            && let Some(root) = self.meta.root
        {
            self.descend(root)?;
        }
        while self
            .path
            .last()
            .is_some_and(|(page, next)| *next == page.nodes())
        {
            self.path.pop();
        }
        // The loop ends: a path is at most as long as the tree is deep.
        loop {
            let depth = self.path.len();
            let Some((page, next)) = self.path.last_mut() else {
                break;
            };
            let node = *next;
            *next += 1;
            if depth == self.meta.depth {
                self.enter(node)?;
                return Ok(true);
            }
            let child = page.child(node)?;
            self.descend(child)?;
        }
        let (found, entries) = (self.found, self.meta.entries);
        if found < entries {
            let got = format!("a damaged one ({found} of its {entries} records)");
            return Err(LmdbDamage::new(got));
        }
        Ok(false)
    }

    /// The key of the current record.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The place of the current record's value.
    pub(crate) fn location(&self) -> Location {
        self.location
    }

    /// Reads a part of the current record's value.
    ///
    /// # Errors
    /// If the part is not inside the value, or the file became shorter.
    pub(crate) fn value(&mut self, part: Range<u64>) -> Result<&[u8], LmdbDamage> {
        let Location { offset, length } = self.location;
        if part.start > part.end || part.end > u64::from(length) {
            return Err(LmdbDamage::new("a record that ends too early"));
        }
        let bytes = (part.end - part.start) as usize;
        Ok(self.blocks(length).read(offset + part.start, bytes)?)
    }

    fn blocks(&mut self, length: u32) -> &mut Blocks<'a> {
        if length > LONG_VALUE_BYTES {
            &mut self.parts
        } else {
            &mut self.pages
        }
    }

    /// Adds a page to the path.
    fn descend(&mut self, number: u64) -> Result<(), LmdbDamage> {
        let kind = if self.path.len() + 1 == self.meta.depth {
            PageKind::Leaf
        } else {
            PageKind::Branch
        };
        let offset = self.offset(number, 1)?;
        let bytes = self.pages.read(offset, self.meta.page_bytes as usize)?;
        let page = Page::parse(bytes.to_vec(), number, kind)?;
        self.path.push((page, 0));
        Ok(())
    }

    /// Offset of pages that must be inside the file.
    fn offset(&self, number: u64, pages: u64) -> Result<u64, LmdbDamage> {
        let end = number.checked_add(pages);
        if number < 2 || end.is_none_or(|end| end - 1 > self.meta.last_page) {
            let from = self.path.last().map_or(0, |(page, _)| page.number());
            return Err(LmdbDamage::page(
                from,
                "a reference to a page outside the file",
            ));
        }
        // No overflow: the last page is inside the file.
        Ok(number * u64::from(self.meta.page_bytes))
    }

    /// Makes a node of the current leaf page the current record.
    fn enter(&mut self, node: usize) -> Result<(), LmdbDamage> {
        let Some((page, _)) = self.path.last() else {
            return Ok(());
        };
        let number = page.number();
        let (key, value) = page.record(node)?;
        if self.found > 0 && !ascend(&self.key, key, self.meta.reversed_keys) {
            return Err(LmdbDamage::page(number, "keys in another order"));
        }
        self.key.clear();
        self.key.extend_from_slice(key);
        self.found += 1;
        if self.found > self.meta.entries {
            let got = format!(
                "a damaged one (more than its {} records)",
                self.meta.entries
            );
            return Err(LmdbDamage::new(got));
        }
        self.location = match value {
            Value::Inline(bytes) => Location {
                offset: self.offset(number, 1)? + bytes.start as u64,
                length: bytes.len() as u32,
            },
            Value::Overflow { page, length } => self.large_value(page, length)?,
        };
        Ok(())
    }

    /// Checks the header of a value's overflow pages; all of them must be inside the file.
    fn large_value(&mut self, number: u64, length: u32) -> Result<Location, LmdbDamage> {
        let bytes = HEADER_BYTES as u64 + u64::from(length);
        let pages = bytes.div_ceil(u64::from(self.meta.page_bytes));
        let offset = self.offset(number, pages)?;
        let header = self.blocks(length).read(offset, HEADER_BYTES)?;
        check_header(header, number, PageKind::Overflow)?;
        if u32_at(header, 12).is_none_or(|available| u64::from(available) < pages) {
            return Err(LmdbDamage::page(number, "a value longer than its pages"));
        }
        Ok(Location {
            offset: offset + HEADER_BYTES as u64,
            length,
        })
    }
}

/// Returns true if keys are in strictly ascending order.
fn ascend(before: &[u8], after: &[u8], reversed: bool) -> bool {
    if reversed {
        before.iter().rev().lt(after.iter().rev())
    } else {
        before < after
    }
}

//! [`Meta`]: the contents of the newer meta page.

use super::bytes::{u16_at, u32_at, u64_at};
use super::damage::LmdbDamage;
use super::page::{HEADER_BYTES, PAGE_KIND_MASK, PageKind};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Bytes of a meta page that are in use.
const META_BYTES: usize = 152;
const MAGIC: u32 = 0xBEEF_C0DE;
const VERSION: u32 = 1;
/// The smallest and the largest page size that an LMDB library writes.
const PAGE_BYTES: std::ops::RangeInclusive<u32> = 512..=1 << 16;
/// Root of an empty tree.
const NO_PAGE: u64 = u64::MAX;
/// The library's own limit on the depth of a tree.
const MAX_DEPTH: u16 = 32;

// Flags of a tree.
const REVERSE_KEY: u16 = 0x02;
const DUP_SORT: u16 = 0x04;
const INTEGER_KEY: u16 = 0x08;

/// The newest committed state of a database.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Meta {
    pub(super) page_bytes: u32,
    pub(super) last_page: u64,
    /// Root of the main tree; `None` if it is empty.
    pub(super) root: Option<u64>,
    /// Levels of the tree, 1 to 32; 0 if it is empty.
    pub(super) depth: usize,
    /// The number of records.
    pub(super) entries: u64,
    /// Set if keys are compared from their last byte, as little-endian integers are.
    pub(super) reversed_keys: bool,
    transaction: u64,
}

impl Meta {
    /// Reads both meta pages and chooses the one of the later transaction. The older one is no
    /// substitute for a damaged newer one: the records of the last transaction would be missing.
    ///
    /// # Errors
    /// If one is damaged, or the file has fewer pages than the newer one says.
    pub(super) fn read(file: &File) -> Result<Meta, LmdbDamage> {
        let length = file.metadata()?.len();
        let first = Meta::parse(&start_of_page(file, 0)?, 0)?;
        let bytes = start_of_page(file, u64::from(first.page_bytes));
        let cut =
            |needed: u64| LmdbDamage::new(format!("one cut off after {length} of {needed} bytes"));
        let second = bytes.map_err(|_| cut(2 * u64::from(first.page_bytes)))?;
        let second = Meta::parse(&second, 1)?;
        if second.page_bytes != first.page_bytes {
            return Err(LmdbDamage::page(1, "another page size"));
        }
        let newer = if first.transaction < second.transaction {
            second
        } else {
            first
        };
        let pages = newer.last_page.checked_add(1);
        let needed = pages.and_then(|pages| pages.checked_mul(u64::from(newer.page_bytes)));
        match needed {
            Some(needed) if needed <= length => Ok(newer),
            Some(needed) => Err(cut(needed)),
            None => Err(LmdbDamage::new("one with too many pages for any file")),
        }
    }

    fn parse(bytes: &[u8; META_BYTES], number: u64) -> Result<Meta, LmdbDamage> {
        let damaged = |found| LmdbDamage::page(number, found);
        // In range: the array is longer than every offset.
        let u16_at = |at| u16_at(bytes, at).unwrap_or_default();
        let u32_at = |at| u32_at(bytes, at).unwrap_or_default();
        let u64_at = |at| u64_at(bytes, at).unwrap_or_default();
        check_format(bytes, u32_at(HEADER_BYTES), u32_at(20))?;
        if u16_at(10) & PAGE_KIND_MASK != PageKind::Meta as u16 {
            return Err(damaged("no meta page"));
        }
        let page_bytes = u32_at(40);
        if !(page_bytes.is_power_of_two() && PAGE_BYTES.contains(&page_bytes)) {
            return Err(LmdbDamage::new(format!(
                "one with pages of {page_bytes} bytes"
            )));
        }
        let (flags, depth, root) = (u16_at(92), u16_at(94), u64_at(128));
        if flags & DUP_SORT != 0 {
            return Err(LmdbDamage::kind("one with several values per key"));
        }
        let root = (root != NO_PAGE).then_some(root);
        if depth > MAX_DEPTH || (depth == 0) != root.is_none() {
            return Err(damaged("a tree of impossible depth"));
        }
        Ok(Meta {
            page_bytes,
            last_page: u64_at(136),
            root,
            depth: usize::from(depth),
            entries: u64_at(120),
            reversed_keys: flags & (REVERSE_KEY | INTEGER_KEY) != 0,
            transaction: u64_at(144),
        })
    }
}

fn start_of_page(file: &File, offset: u64) -> Result<[u8; META_BYTES], LmdbDamage> {
    let mut bytes = [0; META_BYTES];
    match file.read_exact_at(&mut bytes, offset) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(LmdbDamage::new("another file format"))
        }
        Err(error) => Err(error.into()),
        Ok(()) => Ok(bytes),
    }
}

/// Rejects other file formats, and databases whose numbers have another size or byte order.
fn check_format(bytes: &[u8], magic: u32, version: u32) -> Result<(), LmdbDamage> {
    // 32-bit page numbers make the header of a page four bytes shorter.
    let shorter = u32_at(bytes, HEADER_BYTES - 4).unwrap_or_default();
    let big_endian = [magic, shorter].contains(&MAGIC.swap_bytes());
    match (magic, version) {
        (MAGIC, VERSION) => Ok(()),
        (MAGIC, _) => Err(LmdbDamage::layout(&format!(
            "one of format version {version}"
        ))),
        _ if big_endian => Err(LmdbDamage::layout("one of a big-endian computer")),
        _ if shorter == MAGIC => Err(LmdbDamage::layout("one of a 32-bit computer")),
        _ => Err(LmdbDamage::new("another file format")),
    }
}

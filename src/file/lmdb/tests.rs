//! Databases made by hand: page sizes and trees that the LMDB library does not write here.

use super::LmdbFile;
use std::io::Write;

const BRANCH: u16 = 1;
const LEAF: u16 = 2;
const INTEGER_KEY: u16 = 8;

/// A key and a value.
type Record = (Vec<u8>, Vec<u8>);

/// Pages from number 2 on, and the tree that the meta pages describe.
struct Plan {
    page_bytes: usize,
    pages: Vec<Vec<u8>>,
    root: u64,
    depth: u16,
    entries: u64,
    flags: u16,
}

fn leaf_node(key: &[u8], value: &[u8]) -> Vec<u8> {
    let length = (value.len() as u32).to_le_bytes();
    let key_length = (key.len() as u16).to_le_bytes();
    [&length[..], &[0, 0], &key_length, key, value].concat()
}

fn branch_node(key: &[u8], child: u64) -> Vec<u8> {
    let key_length = (key.len() as u16).to_le_bytes();
    [&child.to_le_bytes()[..6], &key_length, key].concat()
}

/// A page whose nodes are stored from its end.
fn page(page_bytes: usize, number: u64, kind: u16, nodes: &[Vec<u8>]) -> Vec<u8> {
    let mut page = vec![0; page_bytes];
    page[..8].copy_from_slice(&number.to_le_bytes());
    page[10..12].copy_from_slice(&kind.to_le_bytes());
    let mut at = page_bytes;
    for (i, node) in nodes.iter().enumerate() {
        at -= node.len();
        page[at..][..node.len()].copy_from_slice(node);
        page[16 + 2 * i..][..2].copy_from_slice(&(at as u16).to_le_bytes());
    }
    let lower = 16 + 2 * nodes.len() as u16;
    page[12..14].copy_from_slice(&lower.to_le_bytes());
    page[14..16].copy_from_slice(&(at as u16).to_le_bytes());
    page
}

impl Plan {
    fn meta(&self, transaction: u64) -> Vec<u8> {
        let mut page = page(self.page_bytes, transaction % 2, 8, &[]);
        let mut put = |at: usize, bytes: &[u8]| page[at..][..bytes.len()].copy_from_slice(bytes);
        put(16, &0xBEEF_C0DE_u32.to_le_bytes());
        put(20, &[1]);
        put(40, &(self.page_bytes as u32).to_le_bytes());
        put(92, &self.flags.to_le_bytes());
        put(94, &self.depth.to_le_bytes());
        put(120, &self.entries.to_le_bytes());
        put(128, &self.root.to_le_bytes());
        put(136, &(self.pages.len() as u64 + 1).to_le_bytes());
        put(144, &transaction.to_le_bytes());
        page
    }

    /// The keys and values, or the damage.
    fn read(&self) -> Result<Vec<Record>, String> {
        let mut file = tempfile::tempfile().unwrap();
        let metas = [self.meta(2), self.meta(3)].concat();
        file.write_all(&[metas, self.pages.concat()].concat())
            .unwrap();
        let database = LmdbFile::open(file).map_err(|damage| damage.got)?;
        let mut cursor = database.cursor();
        let mut records = Vec::new();
        while cursor.advance().map_err(|damage| damage.got)? {
            let location = cursor.location();
            let value = database.value(location).unwrap();
            let length = u64::from(location.length);
            assert_eq!(cursor.value(0..length).unwrap(), value);
            assert!(cursor.value(0..length + 1).is_err(), "no bytes behind it");
            records.push((cursor.key().to_vec(), value));
        }
        Ok(records)
    }
}

/// One branch page above leaf pages of one record each.
fn two_levels(page_bytes: usize, keys: &[&[u8]]) -> Plan {
    let children = (3..).zip(keys);
    let nodes: Vec<_> = children.map(|(n, key)| branch_node(key, n)).collect();
    let leaf = |(n, key): (u64, &&[u8])| page(page_bytes, n, LEAF, &[leaf_node(key, b"value")]);
    let mut pages = vec![page(page_bytes, 2, BRANCH, &nodes)];
    pages.extend((3..).zip(keys).map(leaf));
    Plan {
        page_bytes,
        pages,
        root: 2,
        depth: 2,
        entries: keys.len() as u64,
        flags: 0,
    }
}

#[test]
fn pages_have_512_to_65536_bytes() {
    for page_bytes in (9..=16).map(|bits| 1 << bits) {
        let records = two_levels(page_bytes, &[b"a", b"b", b"bb"]).read().unwrap();
        let keys: Vec<_> = records.iter().map(|(key, _)| &key[..]).collect();
        assert_eq!(keys, [&b"a"[..], b"b", b"bb"]);
        assert!(records.iter().all(|(_, value)| value == b"value"));
    }
    for page_bytes in [256, 1 << 17, 768] {
        let got = two_levels(page_bytes, &[b"a"]).read().unwrap_err();
        assert_eq!(got, format!("one with pages of {page_bytes} bytes"));
    }
}

#[test]
fn integer_keys_ascend_from_the_last_byte() {
    let keys = [255_u32, 256, 70_000].map(u32::to_le_bytes);
    let mut plan = two_levels(512, &keys.each_ref().map(|key| &key[..]));
    assert_eq!(
        plan.read().unwrap_err(),
        "a damaged one (keys in another order on page 4)"
    );
    plan.flags = INTEGER_KEY;
    assert_eq!(plan.read().map(|records| records.len()), Ok(3));
}

#[test]
fn an_empty_database_has_no_root() {
    let mut plan = two_levels(512, &[]);
    (plan.root, plan.depth) = (u64::MAX, 0);
    assert_eq!(plan.read(), Ok(Vec::new()));
    plan.entries = 1;
    assert_eq!(
        plan.read().unwrap_err(),
        "a damaged one (0 of its 1 records)"
    );
    plan.depth = 1;
    assert!(plan.read().unwrap_err().contains("impossible depth"));
}

/// Changes a plan of three leaf pages, and reads it.
fn damaged(change: impl FnOnce(&mut Plan)) -> String {
    let mut plan = two_levels(512, &[b"a", b"b", b"c"]);
    change(&mut plan);
    plan.read().unwrap_err()
}

#[test]
fn a_tree_with_a_cycle_is_damaged() {
    let cycle = |plan: &mut Plan| plan.pages[0] = page(512, 2, BRANCH, &[branch_node(b"", 2)]);
    assert_eq!(damaged(cycle), "a damaged one (no leaf page on page 2)");
    let deep = damaged(|plan| {
        cycle(plan);
        plan.depth = 32;
    });
    assert_eq!(deep, "a damaged one (no leaf page on page 2)");
    let twice = damaged(|plan| {
        let nodes = [branch_node(b"a", 3), branch_node(b"b", 3)];
        plan.pages[0] = page(512, 2, BRANCH, &nodes);
    });
    assert_eq!(twice, "a damaged one (keys in another order on page 3)");
    let deeper = damaged(|plan| plan.depth = 33);
    assert_eq!(
        deeper,
        "a damaged one (a tree of impossible depth on page 0)"
    );
}

#[test]
fn references_outside_the_file_are_damage() {
    for child in [0, 1, 6, (1 << 48) - 1] {
        let text = damaged(|plan| {
            plan.pages[0] = page(512, 2, BRANCH, &[branch_node(b"", child)]);
        });
        assert_eq!(
            text,
            "a damaged one (a reference to a page outside the file on page 2)"
        );
    }
    let text = damaged(|plan| plan.root = 6);
    assert!(text.contains("outside the file"), "{text}");
}

#[test]
fn counts_and_nodes_must_fit() {
    let count = |entries| damaged(|plan| plan.entries = entries);
    assert_eq!(count(4), "a damaged one (3 of its 4 records)");
    assert_eq!(count(2), "a damaged one (more than its 2 records)");
    let leaf = |at: usize, value: u16| {
        damaged(|plan| plan.pages[1][at..at + 2].copy_from_slice(&value.to_le_bytes()))
    };
    let node = 512 - leaf_node(b"a", b"value").len();
    for (at, value, found) in [
        (8 + 2, 1, "no leaf page"),
        (0, 4, "no leaf page"),
        (12, 16, "an impossible number of nodes"),
        (12, 19, "an impossible number of nodes"),
        (14, 513, "an impossible number of nodes"),
        (16, 16, "a node outside the page"),
        (16, 505, "a node outside the page"),
        (node, 6, "a record outside the page"),
        (node + 2, 1, "a record outside the page"),
        (node + 6, 15, "a record outside the page"),
        (node + 4, 8, "a record with unknown flags"),
        (node + 4, 1, "a record outside the page"),
    ] {
        let expected = format!("a damaged one ({found} on page 3)");
        assert_eq!(leaf(at, value), expected, "{at}: {value}");
    }
}

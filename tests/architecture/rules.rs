//! The direction rules: what uses what.

use crate::graph::{Arrow, Names, circles, ends};
use crate::order::root_order;
use crate::source::{Module, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    pub file: String,
    pub line: Option<usize>,
    pub found: String,
    pub rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let line = self
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        write!(f, "{}{line}: {}. {}", self.file, self.found, self.rule)
    }
}

/// The arrows of a crate and the rules they break.
#[derive(Default)]
pub struct Directions {
    pub files: usize,
    /// Pairs of files, one of which uses the other.
    pub arrows: usize,
    pub up: Vec<Violation>,
    pub circles: Vec<Violation>,
    /// Reaches past a face, and files or folders that have no place.
    pub others: Vec<Violation>,
}

impl Directions {
    pub fn of(tree: &Tree) -> Directions {
        let names = Names::new(tree);
        let all = names.arrows();
        let past = all
            .iter()
            .filter_map(|arrow| past_a_face(tree, &names, arrow));
        let arrows = one_of_each_pair(&all);
        let circles = tree.folders();
        let circles = circles
            .iter()
            .flat_map(|folder| circles_in(tree, &arrows, folder));
        Directions {
            files: tree.sources.len(),
            arrows: arrows.len(),
            up: arrows
                .iter()
                .filter_map(|arrow| upward(tree, arrow))
                .collect(),
            circles: circles.collect(),
            others: undeclared(tree)
                .into_iter()
                .chain(unique(past.collect()))
                .collect(),
        }
    }

    pub fn violations(&self) -> Vec<Violation> {
        [&self.up[..], &self.circles, &self.others].concat()
    }

    pub fn summary(&self) -> String {
        let Directions {
            files,
            arrows,
            up,
            circles,
            ..
        } = self;
        format!(
            "{files} files, {arrows} arrows, {} up, {} circles",
            up.len(),
            circles.len()
        )
    }
}

/// The first path from each file to each other, without those that a face only shows.
fn one_of_each_pair(arrows: &[Arrow]) -> Vec<Arrow> {
    let mut pairs: BTreeMap<(&Module, &Module), &Arrow> = BTreeMap::new();
    for arrow in arrows.iter().filter(|arrow| !arrow.shows) {
        let first = pairs.entry((&arrow.from, &arrow.to)).or_insert(arrow);
        if arrow.line < first.line {
            *first = arrow;
        }
    }
    pairs.into_values().cloned().collect()
}

fn unique(violations: Vec<Violation>) -> Vec<Violation> {
    violations
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// Rule 3, between the modules of the root. The root itself may use all of them.
fn upward(tree: &Tree, arrow: &Arrow) -> Option<Violation> {
    let order = root_order(tree);
    let place = |module: &Module| match module.first() {
        None => Some(order.len()),
        Some(name) => order.iter().position(|known| known == name),
    };
    let (from, to) = (place(&arrow.from)?, place(&arrow.to)?);
    (to > from).then(|| Violation {
        file: tree.path(&arrow.from),
        line: Some(arrow.line),
        found: format!(
            "uses {}, which is in {}",
            arrow.written(),
            tree.path(&arrow.to)
        ),
        rule: format!("A module uses only those above it in {}", tree.root),
    })
}

/// Rule 3, inside a folder. A folder inside it is one node.
fn circles_in(tree: &Tree, arrows: &[Arrow], folder: &[String]) -> Vec<Violation> {
    let edges = arrows
        .iter()
        .filter_map(|arrow| ends(arrow, folder))
        .collect();
    let describe = |circle: BTreeSet<String>| {
        let inside = |arrow: &&Arrow| {
            ends(arrow, folder)
                .is_some_and(|(from, to)| circle.contains(&from) && circle.contains(&to))
        };
        let uses: BTreeSet<String> = arrows
            .iter()
            .filter(inside)
            .map(|arrow| {
                format!(
                    "{}:{} uses {}",
                    tree.path(&arrow.from),
                    arrow.line,
                    arrow.written()
                )
            })
            .collect();
        Violation {
            file: format!("{}{}/", tree.prefix, folder.join("/")),
            line: None,
            found: format!(
                "a circle of {} ({})",
                circle.iter().cloned().collect::<Vec<_>>().join(", "),
                uses.into_iter().collect::<Vec<_>>().join("; ")
            ),
            rule: "The files of a folder use each other in one direction".into(),
        }
    };
    circles(&edges).into_iter().map(describe).collect()
}

/// Rule 4.
fn past_a_face(tree: &Tree, names: &Names, arrow: &Arrow) -> Option<Violation> {
    let (module, _) = names.split(&arrow.absolute);
    let reach = |length: &usize| {
        let (folder, child) = (module[..*length].to_vec(), &module[..*length + 1]);
        let hidden = tree.declaration(child).is_none_or(|line| !line.public);
        let past = match arrow.absolute.get(*length + 1) {
            Some(name) => hidden || names.has_on_its_face(&folder, child, name),
            // `progress::progress` shown as `progress`: the function, not the file.
            None => hidden && !names.has_on_its_face(&folder, child, &module[*length]),
        };
        past && !arrow.from.starts_with(&folder)
    };
    let at = (1..module.len()).find(reach)?;
    Some(Violation {
        file: tree.path(&arrow.from),
        line: Some(arrow.line),
        found: format!(
            "uses {}, past the face of {}/",
            arrow.written(),
            module[..at].join("/")
        ),
        rule:
            "From another folder a path names what the folder's mod.rs shows, not a file inside it"
                .into(),
    })
}

/// Rule 1: a file that no `mod` line names is in no order, and a folder without `mod.rs` has no face.
fn undeclared(tree: &Tree) -> Vec<Violation> {
    let violation = |module: &Module, found: &str, rule: String| Violation {
        file: tree.path(module),
        line: None,
        found: found.into(),
        rule,
    };
    let mut found = Vec::new();
    for module in tree.sources.keys() {
        let Some((_, parent)) = module.split_last() else {
            continue;
        };
        if !tree.is_folder(parent) || !tree.sources.contains_key(parent) {
            let rule = "A folder has a mod.rs, which says what it offers".into();
            found.push(violation(module, "is in a folder without mod.rs", rule));
        } else if tree.declaration(module).is_none() {
            let rule = format!(
                "Every file is named by a `mod` line in {}",
                tree.path(parent)
            );
            found.push(violation(module, "is in no `mod` line", rule));
        }
    }
    found
}

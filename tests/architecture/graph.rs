//! Paths followed to the files that hold their names: the arrows of a crate.

use crate::paths::{Imported, Used};
use crate::source::{Module, SourceFile, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// A path from one file to another.
#[derive(Clone, Debug)]
pub struct Arrow {
    pub from: Module,
    /// The file that holds the name, looked up through re-exports.
    pub to: Module,
    /// From the crate's root, without `crate`.
    pub absolute: Vec<String>,
    pub line: usize,
    /// A face that shows a name of its own folder: no use.
    pub shows: bool,
}

impl Arrow {
    pub fn written(&self) -> String {
        format!("crate::{}", self.absolute.join("::"))
    }
}

/// A re-export that leads to a re-export that leads ..., at most this often.
const MAX_HOPS: usize = 8;

/// The names of a crate's files, looked up.
pub struct Names<'a> {
    tree: &'a Tree,
    /// For each file, the names it imports from this crate, with their paths from the root.
    aliases: BTreeMap<&'a Module, BTreeMap<&'a str, Vec<String>>>,
}

impl<'a> Names<'a> {
    pub fn new(tree: &'a Tree) -> Names<'a> {
        let mut names = Names {
            tree,
            aliases: BTreeMap::new(),
        };
        for (module, source) in &tree.sources {
            let found = source
                .imports
                .iter()
                .filter(|import| import.name != "*")
                .filter_map(|import| {
                    Some((import.name.as_str(), names.absolute(module, &import.used)?))
                });
            let found = found.collect();
            names.aliases.insert(module, found);
        }
        names
    }

    /// All paths that lead to another file of the crate.
    pub fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (module, source) in &self.tree.sources {
            for import in &source.imports {
                let shows = import.reexport && self.tree.is_folder(module);
                arrows.extend(self.arrow(module, &import.used, shows));
            }
            arrows.extend(
                source
                    .paths
                    .iter()
                    .filter_map(|used| self.arrow(module, used, false)),
            );
        }
        arrows
    }

    fn arrow(&self, module: &Module, used: &Used, reexport: bool) -> Option<Arrow> {
        let absolute = self.absolute(module, used)?;
        let to = self.owner(&absolute, MAX_HOPS)?;
        let shows = reexport && to.starts_with(module);
        let arrow = Arrow {
            from: module.clone(),
            to,
            absolute,
            line: used.line,
            shows,
        };
        (arrow.to != *module).then_some(arrow)
    }

    /// The path from the crate's root; none if it leads out of the crate or to a local name.
    fn absolute(&self, module: &Module, used: &Used) -> Option<Vec<String>> {
        let mut here: Vec<String> = module.iter().chain(&used.inner).cloned().collect();
        let mut rest = &used.segments[..];
        match rest.first()?.as_str() {
            "crate" => return Some(rest[1..].to_vec()),
            "self" | "super" => {}
            first => return self.relative(module, first, &rest[1..], used),
        }
        while let Some(first) = rest.first() {
            match first.as_str() {
                "self" => {}
                "super" => drop(here.pop()),
                _ => break,
            }
            rest = &rest[1..];
        }
        here.extend(rest.iter().cloned());
        Some(here)
    }

    /// A path that begins with a child module or an imported name. A single word may be an imported name only: a
    /// variable may be called like a module.
    fn relative(
        &self,
        module: &Module,
        first: &str,
        rest: &[String],
        used: &Used,
    ) -> Option<Vec<String>> {
        let mut child = module.clone();
        child.push(first.to_owned());
        let is_child =
            !rest.is_empty() && used.inner.is_empty() && self.tree.sources.contains_key(&child);
        let alias = || {
            self.aliases
                .get(module)
                .and_then(|known| known.get(first))
                .cloned()
        };
        let mut start = if is_child { child } else { alias()? };
        start.extend(rest.iter().cloned());
        Some(start)
    }

    /// The module that a path leads to, as far as its segments are modules, and the rest of it.
    pub fn split<'p>(&self, absolute: &'p [String]) -> (&'p [String], &'p [String]) {
        let deepest = (0..=absolute.len())
            .rev()
            .find(|&end| self.tree.sources.contains_key(&absolute[..end]));
        absolute.split_at(deepest.unwrap_or(0))
    }

    fn owner(&self, absolute: &[String], hops: usize) -> Option<Module> {
        let (module, rest) = self.split(absolute);
        let module = module.to_vec();
        let Some(name) = rest
            .first()
            .filter(|_| hops > 0 && self.tree.is_folder(&module))
        else {
            return Some(module);
        };
        match self.shown(&module, name) {
            Some(Shown::Here(path)) if path.starts_with(&module) => self.owner(&path, hops - 1),
            Some(Shown::Elsewhere) if module.is_empty() => None,
            None if module.is_empty() => Some(self.exported_macro(name).unwrap_or(module)),
            _ => Some(module),
        }
    }

    /// The source of a name that a folder's face imports.
    fn shown(&self, folder: &Module, name: &str) -> Option<Shown> {
        let face = self.tree.sources.get(folder)?;
        if face
            .imports
            .iter()
            .any(|import| import.name == name && import.used.inner.is_empty())
        {
            let path = self.aliases.get(folder).and_then(|known| known.get(name));
            return Some(path.map_or(Shown::Elsewhere, |path| Shown::Here(path.clone())));
        }
        let mut globs = face.imports.iter().filter(|import| import.name == "*");
        globs
            .find_map(|import| self.through_glob(folder, import, name))
            .map(Shown::Here)
    }

    fn through_glob(&self, folder: &Module, import: &Imported, name: &str) -> Option<Vec<String>> {
        let mut path = self.absolute(folder, &import.used)?;
        path.pop();
        let source = self.tree.sources.get(&path)?;
        let defines = source.items.iter().any(|item| item == name);
        path.push(name.to_owned());
        defines.then_some(path)
    }

    fn exported_macro(&self, name: &str) -> Option<Module> {
        let exports = |source: &SourceFile| {
            source
                .exported_macros
                .iter()
                .any(|exported| exported == name)
        };
        self.tree
            .sources
            .iter()
            .find(|(_, source)| exports(source))
            .map(|(module, _)| module.clone())
    }

    /// Does a folder's face show this name of this child under its own path?
    pub fn has_on_its_face(&self, folder: &Module, child: &[String], name: &str) -> bool {
        let shows = |import: &Imported| {
            self.absolute(folder, &import.used).is_some_and(|path| {
                let (last, module) = path
                    .split_last()
                    .map_or(("", &[][..]), |(last, module)| (last, module));
                module == child && (last == name || last == "*")
            })
        };
        let face = self.tree.sources.get(folder);
        face.is_some_and(|face| {
            face.imports
                .iter()
                .any(|import| import.reexport && shows(import))
        })
    }
}

enum Shown {
    Here(Vec<String>),
    Elsewhere,
}

/// The two ends of an arrow as seen in a folder: names of its children, or `mod` for its face.
pub fn ends(arrow: &Arrow, folder: &[String]) -> Option<(String, String)> {
    if arrow.shows || !arrow.from.starts_with(folder) || !arrow.to.starts_with(folder) {
        return None;
    }
    let child = |module: &Module| {
        module
            .get(folder.len())
            .map_or("mod", String::as_str)
            .to_owned()
    };
    let (from, to) = (child(&arrow.from), child(&arrow.to));
    (from != to).then_some((from, to))
}

/// Groups of nodes that all reach each other.
pub fn circles(edges: &BTreeSet<(String, String)>) -> Vec<BTreeSet<String>> {
    let reach = |start: &str| {
        let mut seen = BTreeSet::new();
        let mut open = vec![start.to_owned()];
        while let Some(at) = open.pop() {
            let next = edges
                .iter()
                .filter(|(from, _)| *from == at)
                .map(|(_, to)| to.clone());
            open.extend(next.filter(|to| seen.insert(to.clone())));
        }
        seen
    };
    let nodes: BTreeSet<&String> = edges.iter().map(|(from, _)| from).collect();
    let reached: BTreeMap<&String, BTreeSet<String>> =
        nodes.iter().map(|node| (*node, reach(node))).collect();
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for (node, there) in &reached {
        let back = |other: &&String| reached.get(*other).is_some_and(|seen| seen.contains(*node));
        let circle: BTreeSet<String> = there.iter().filter(back).cloned().collect();
        if circle.contains(*node) && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

//! Folders that differ between machines, and the placeholders that stand for them in recordings.

use super::install::cargo_home;
use super::variables::{ANSWERS, SESSION, SYSROOT};
use crate::build::sources::sources_folder;
use crate::toolchain::rust_src;
use std::path::{Path, PathBuf};

/// Folders of toolchains that are part of too many other paths. A toolchain of the system is not
/// replaced, so a seed that was recorded elsewhere does not fit it.
const SYSTEM: [&str; 2] = ["/", "/usr"];

/// Folders, each with the name of its placeholder; those with longer paths first, because some are
/// inside of others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Vec<(&'static str, String)>);

impl Places {
    /// The places of the session whose kernel started this process; `None` outside a session.
    pub(crate) fn of_this_process() -> Option<Places> {
        let variable = |name| std::env::var_os(name).map(PathBuf::from);
        let answers = variable(ANSWERS)?;
        let seed = answers.parent()?;
        let sysroot = variable(SYSROOT);
        Some(Places::new([
            ("session", variable(SESSION)),
            ("seed", Some(seed.to_owned())),
            ("home", seed.ancestors().nth(2).map(Path::to_owned)),
            ("sources", sources_folder(seed, &cargo_home().ok()?)),
            ("rust-src", sysroot.as_deref().map(|it| rust_src(seed, it))),
            ("sysroot", sysroot),
            ("cargo", cargo_home().ok()),
        ]))
    }

    pub(super) fn new(places: impl IntoIterator<Item = (&'static str, Option<PathBuf>)>) -> Places {
        let usable = |(name, path): (&'static str, Option<PathBuf>)| {
            Some((name, path?.to_str()?.to_owned()))
        };
        let mut places: Vec<_> = places.into_iter().filter_map(usable).collect();
        places.sort_by_key(|(_, path)| std::cmp::Reverse(path.len()));
        Places(places)
    }

    /// The folder of a place.
    pub(super) fn folder(&self, wanted: &str) -> Option<PathBuf> {
        let mut places = self.0.iter();
        let found = places.find(|(name, _)| *name == wanted);
        found.map(|(_, path)| PathBuf::from(path))
    }

    /// The text with placeholders.
    pub(super) fn generalized(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let is_specific = |(_, path): &&(_, String)| !SYSTEM.contains(&path.as_str());
        for (name, path) in self.0.iter().filter(is_specific) {
            text = replace_folder(&text, &in_json(path), &in_json_placeholder(name));
            text = replace_folder(&text, path, &placeholder(name));
        }
        text
    }

    /// The text with the folders of this machine.
    pub(super) fn specialized(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, path) in &self.0 {
            text = text.replace(&in_json_placeholder(name), &in_json(path));
            text = text.replace(&placeholder(name), path);
        }
        text
    }
}

fn placeholder(name: &str) -> String {
    format!("{{candlebook-{name}}}")
}

/// Stands for the folder as JSON writes it, with quotes escaped.
fn in_json_placeholder(name: &str) -> String {
    format!("{{candlebook-{name}-in-json}}")
}

/// A path as it is in a JSON string.
fn in_json(path: &str) -> String {
    let quoted = serde_json::Value::from(path).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Replaces a folder where its name ends: `/a/b` is not part of `/a/bc`.
fn replace_folder(text: &str, folder: &str, with: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(folder) {
        let (before, after) = (&rest[..at], &rest[at + folder.len()..]);
        let goes_on = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        replaced.push_str(before);
        replaced.push_str(if after.starts_with(goes_on) {
            folder
        } else {
            with
        });
        rest = after;
    }
    replaced + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(list: &[(&'static str, &str)]) -> Places {
        Places::new(list.iter().map(|(name, path)| (*name, Some(path.into()))))
    }

    #[test]
    fn a_recording_for_another_machine_names_its_folders_also_in_json() {
        let here = places(&[
            ("home", "/a \"b\""),
            ("session", "/a \"b\"/s/1-0"),
            ("sysroot", "/opt/rust"),
        ]);
        let there = places(&[
            ("home", "/h/c"),
            ("session", "/h/c/s/7-0"),
            ("sysroot", "/r u/\"s\"/t"),
        ]);
        let text = "/a \"b\"/s/1-0/x {\"path\": \"/a \\\"b\\\"/s/1-0/y\"} /opt/rust/bin";
        let moved = there.specialized(&here.generalized(text));
        assert_eq!(
            moved,
            "/h/c/s/7-0/x {\"path\": \"/h/c/s/7-0/y\"} /r u/\\\"s\\\"/t/bin"
        );
        assert_eq!(
            here.specialized(&there.generalized("/h/c/s/7-0 /h/c/z")),
            "/a \\\"b\\\"/s/1-0 /a \\\"b\\\"/z"
        );
    }

    #[test]
    fn a_folder_is_replaced_only_where_its_name_ends() {
        let here = places(&[("session", "/s/1-0"), ("sysroot", "/usr")]);
        let text = "/s/1-01 /s/1-0.lock /usr/bin -L/s/1-0";
        let placeholder = in_json_placeholder("session");
        assert_eq!(
            here.generalized(text),
            format!("/s/1-01 /s/1-0.lock /usr/bin -L{placeholder}")
        );
    }
}

//! The `:dep` lines of a cell.

use super::cell::parse_cell;
use crate::build::CrateList;
use ra_ap_syntax::AstNode;
use std::path::Path;

/// The form that every error shows.
const FORM: &str =
    "`:dep csv = \"1\"`, `:dep csv = { version = \"1\", features = [..] }` or `:dep ../folder`";

/// The `:dep` lines of a cell, and the cell without them.
#[derive(Debug, PartialEq)]
pub(crate) struct Dependencies {
    pub(crate) crates: CrateList,
    /// The lines as the engine reads them.
    pub(crate) commands: String,
    /// The cell with empty lines in their place, so that line numbers stay.
    pub(crate) rest: String,
}

/// Takes the `:dep` lines out of a cell, from wherever they are. `None` if there are none.
///
/// # Errors
/// A message, if a line names no crate.
pub(crate) fn take_dependencies(code: &str, folder: &Path) -> Result<Option<Dependencies>, String> {
    if !code.contains(":dep") {
        return Ok(None);
    }
    let mut found = Dependencies {
        crates: CrateList::default(),
        commands: String::new(),
        rest: String::new(),
    };
    let is_code = code_outside_texts(code);
    let mut start = 0;
    for line in code.split_inclusive('\n') {
        let at = start + line.len() - line.trim_start().len();
        start += line.len();
        let Some(dependency) = dependency_in(line).filter(|_| is_code(at)) else {
            found.rest.push_str(line);
            continue;
        };
        let (name, requirement) = parse(dependency, folder)?;
        found.crates.insert(&name, requirement.clone());
        found.commands += &format!(":dep {name} = {requirement}\n");
        found.rest.push('\n');
    }
    Ok((!found.crates.is_empty()).then_some(found))
}

/// The text after `:dep`.
fn dependency_in(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix(":dep")?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(rest.trim())
}

/// True at a byte that is in no string and no comment.
fn code_outside_texts(code: &str) -> impl Fn(usize) -> bool {
    let parsed = parse_cell(code);
    let tree = parsed.syntax.tree().syntax().clone();
    move |byte| {
        let offset = parsed.offset(byte);
        tree.token_at_offset(offset)
            .right_biased()
            .is_none_or(|token| token.text_range().start() == offset)
    }
}

/// The name and the requirement.
fn parse(line: &str, folder: &Path) -> Result<(String, toml::Value), String> {
    if line.starts_with(['.', '/']) {
        return local(line, folder);
    }
    let without_comment = line.split(" //").next().unwrap_or(line);
    let (name, requirement) = [line, without_comment]
        .into_iter()
        .find_map(requirement)
        .ok_or_else(|| format!("expected {FORM}, got `:dep {line}`"))?;
    Ok((name, with_absolute_path(requirement, folder)))
}

fn requirement(line: &str) -> Option<(String, toml::Value)> {
    let is_name = |name: &str| {
        let mut letters = name.chars();
        !name.is_empty() && letters.all(|c| c.is_alphanumeric() || "-_".contains(c))
    };
    let (name, version) = line.split_once('@').unwrap_or((line, "*"));
    if is_name(name) && !version.contains(char::is_whitespace) {
        return Some((name.to_owned(), version.into()));
    }
    let table: toml::Table = line.parse().ok()?;
    let (name, value) = table.into_iter().next()?;
    let is_requirement = value.is_str() || value.is_table();
    (is_name(&name) && is_requirement).then_some((name, value))
}

/// A folder: the crate has the name of its manifest.
fn local(path: &str, folder: &Path) -> Result<(String, toml::Value), String> {
    let absolute = folder.join(path);
    let name = package_name(&absolute).ok_or_else(|| {
        format!(
            "expected the folder of a crate, got {}, whose Cargo.toml is missing or names no package. The \
             path is relative to the notebook's folder",
            absolute.display()
        )
    })?;
    let table = toml::Table::from_iter([("path".to_owned(), path.into())]);
    Ok((name, with_absolute_path(table.into(), folder)))
}

fn package_name(folder: &Path) -> Option<String> {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    let manifest: toml::Table = manifest.parse().ok()?;
    Some(manifest.get("package")?.get("name")?.as_str()?.to_owned())
}

/// Paths are relative to the notebook's folder, but cargo works in another one.
fn with_absolute_path(mut requirement: toml::Value, folder: &Path) -> toml::Value {
    let table = requirement.as_table_mut();
    if let Some(path) = table.and_then(|table| table.get_mut("path"))
        && let Some(relative) = path.as_str()
    {
        let absolute = folder.join(relative);
        // A folder that does not exist keeps its name for cargo's error.
        let absolute = absolute.canonicalize().unwrap_or(absolute);
        *path = toml::Value::String(absolute.to_string_lossy().into_owned());
    }
    requirement
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(code: &str) -> Option<Dependencies> {
        take_dependencies(code, Path::new("/a \"b\"")).unwrap()
    }

    #[test]
    fn lines_are_taken_from_anywhere_and_others_keep_their_numbers() {
        let cell = taken(":dep csv = \"1\"\nlet a = 1;\n  :dep rand@0.9\na").unwrap();
        assert_eq!(cell.commands, ":dep csv = \"1\"\n:dep rand = \"0.9\"\n");
        assert_eq!(cell.rest, "\nlet a = 1;\n\na");
        assert_eq!(taken("let path = 1;"), None);
        assert_eq!(taken("let s = \"a\n:dep csv\n\";\n/*\n:dep rand\n*/"), None);
        assert_eq!(taken(":depth"), None);
    }

    #[test]
    fn every_form_of_a_requirement_is_read() {
        let command = |line: &str| taken(line).unwrap().commands;
        assert_eq!(command(":dep csv"), ":dep csv = \"*\"\n");
        assert_eq!(command(":dep csv = \"1\" // tables"), ":dep csv = \"1\"\n");
        let git = ":dep own = { git = \"https://example.org/own//x\" }";
        assert_eq!(command(git), format!("{git}\n"));
        let features = command(":dep csv = { version = \"1\", features = [\"x\"] }");
        assert!(features.contains("features = [\"x\"]"), "{features}");
        let path = command(":dep own = { path = \"../own\" }");
        let table: toml::Table = path.strip_prefix(":dep ").unwrap().parse().unwrap();
        assert_eq!(table["own"]["path"].as_str(), Some("/a \"b\"/../own"));
    }

    #[test]
    fn a_folder_alone_is_a_crate() {
        let folder = tempfile::tempdir().unwrap();
        let take = |code: &str| take_dependencies(code, folder.path());
        let message = take(":dep ./own").unwrap_err();
        assert!(
            message.contains("/own, whose Cargo.toml is missing"),
            "{message}"
        );
        std::fs::create_dir(folder.path().join("own")).unwrap();
        let manifest = "[package]\nname = \"mine\"\n";
        std::fs::write(folder.path().join("own/Cargo.toml"), manifest).unwrap();
        let commands = take(":dep ./own").unwrap().unwrap().commands;
        assert!(
            commands.starts_with(":dep mine = { path = \"/"),
            "{commands}"
        );
    }

    #[test]
    fn a_line_without_a_crate_is_answered_with_the_form() {
        for line in [
            ":dep",
            ":dep = \"1\"",
            ":dep csv 1.3",
            ":dep csv = 1",
            ":dep csv = \"1",
        ] {
            let message = take_dependencies(line, Path::new("/")).unwrap_err();
            assert!(
                message.starts_with("expected `:dep csv"),
                "{line}: {message}"
            );
        }
    }
}

//! Paths in `:dep` lines.

use std::path::Path;

/// Makes the paths of `:dep` lines absolute. They are relative to the notebook's folder, but the
/// engine works in another one. `None` if there are none.
pub(crate) fn with_absolute_paths(code: &str, folder: &Path) -> Option<String> {
    let lines: Vec<Option<String>> = code
        .lines()
        .map(|line| absolute_line(line, folder))
        .collect();
    if lines.iter().all(Option::is_none) {
        return None;
    }
    let lines = code.lines().zip(lines);
    let lines: Vec<String> = lines
        .map(|(line, changed)| changed.unwrap_or_else(|| line.to_owned()))
        .collect();
    Some(lines.join("\n"))
}

fn absolute_line(line: &str, folder: &Path) -> Option<String> {
    let dependency = line.trim_start().strip_prefix(":dep")?;
    let mut table: toml::Table = dependency.trim().parse().ok()?;
    let (name, value) = table.iter_mut().next()?;
    let name = name.clone();
    let path = value.as_table_mut()?.get_mut("path")?;
    let relative = path.as_str().filter(|path| Path::new(path).is_relative())?;
    let absolute = folder.join(relative);
    // A folder that does not exist keeps its name for the engine's error.
    let absolute = absolute.canonicalize().unwrap_or(absolute);
    *path = toml::Value::String(absolute.to_str()?.to_owned());
    Some(format!(":dep {name} = {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_refer_to_the_notebooks_folder() {
        let folder = Path::new("/a \"b\"");
        let changed = |code: &str| with_absolute_paths(code, folder);
        let code = ":dep own = { path = \"../own\", features = [\"x\"] }\nown::f()";
        let changed_code = changed(code).unwrap();
        let (line, rest) = changed_code.split_once('\n').unwrap();
        assert_eq!(rest, "own::f()");
        let table: toml::Table = line.strip_prefix(":dep ").unwrap().parse().unwrap();
        assert_eq!(table["own"]["path"].as_str(), Some("/a \"b\"/../own"));
        assert_eq!(table["own"]["features"][0].as_str(), Some("x"));
        for same in [
            ":dep rand = \"0.9\"",
            ":dep own = { path = \"/own\" }",
            ":dep",
            "let path = 1;",
        ] {
            assert_eq!(changed(same), None, "{same}");
        }
    }
}

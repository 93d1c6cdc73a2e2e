//! The check that no shipped text names a folder of the machine that built it.

use super::sources::{cargo_home, sysroot};
use super::{Dist, at, files_below};
use crate::workspace::Workspace;
use std::path::Path;

/// Checks all texts of the stage.
pub(super) fn check(workspace: &Workspace, dist: &Dist) -> Result<(), String> {
    let folders = [
        workspace.root.clone(),
        workspace.target.clone(),
        cargo_home()?,
        sysroot()?,
    ];
    let folders = folders.map(|folder| folder.to_string_lossy().into_owned());
    let stage = dist.stage();
    for file in files_below(&stage)? {
        let bytes = std::fs::read(&file).map_err(|error| at(&file, error))?;
        if let Some(line) = std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| local_line(text, &folders))
        {
            let file = file.strip_prefix(&stage).unwrap_or(Path::new(""));
            return Err(at(
                file,
                format!("expected no folder of this machine, got: {line:.200}"),
            ));
        }
    }
    Ok(())
}

/// The first line that contains one of the folders.
fn local_line<'a>(text: &'a str, folders: &[String]) -> Option<&'a str> {
    let is_local = |line: &&str| folders.iter().any(|folder| line.contains(folder.as_str()));
    text.lines().find(is_local)
}

#[cfg(test)]
mod tests {
    use super::local_line;

    #[test]
    fn a_line_with_a_local_folder_is_found() {
        let folders = ["/home/me/src".to_owned()];
        assert_eq!(
            local_line("a\nb = \"/home/me/src/x\"", &folders),
            Some("b = \"/home/me/src/x\"")
        );
        assert_eq!(local_line("/home/you/src", &folders), None);
    }
}

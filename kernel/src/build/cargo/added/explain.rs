//! Cargo's errors about added crates, in the words of the notebook.

/// The end of every message: nothing has changed.
pub(super) const UNCHANGED: &str = "Variables and crates are as before.";

/// Start of the message about a cargo that cannot be started.
pub(super) const NO_CARGO: &str = "cannot run cargo";

/// Lines of a compiler's or build script's error that a message shows.
const MAX_LINES: usize = 40;

/// Explains what cargo has written to standard error.
pub(super) fn explain(stderr: &str) -> String {
    let explained = unknown_crate(stderr)
        .or_else(|| unknown_version(stderr))
        .or_else(|| unknown_feature(stderr))
        .or_else(|| no_package(stderr))
        .or_else(|| unreachable(stderr))
        .or_else(|| not_cached(stderr))
        .or_else(|| no_linker(stderr))
        .or_else(|| no_cargo(stderr))
        .or_else(|| build_script(stderr));
    let message = explained.unwrap_or_else(|| format!("cargo says:\n{}", shortened(stderr)));
    format!("{message}\n{UNCHANGED}")
}

/// True if the registry or a repository could not be reached.
pub(super) fn is_unreachable(stderr: &str) -> bool {
    const SIGNS: [&str; 8] = [
        "download of config.json failed",
        "failed to download",
        "Could not resolve host",
        "Couldn't resolve host",
        "Couldn't connect to server",
        "Could not connect to server",
        "failed to fetch",
        "network failure",
    ];
    SIGNS.iter().any(|sign| stderr.contains(sign))
}

/// True if cargo was not allowed to use the network.
fn is_offline(stderr: &str) -> bool {
    stderr.contains("--offline") || stderr.contains("offline mode")
}

fn unknown_crate(stderr: &str) -> Option<String> {
    let named = quoted_after(stderr, "no matching package named `")
        .or_else(|| quoted_after(stderr, "searched package name: `"))?;
    if is_offline(stderr) {
        return Some(format!(
            "the crate `{named}` is not in cargo's cache on this machine, and downloads are off or the \
             crate registry cannot be reached. Run the cell again with a connection"
        ));
    }
    let searched = line_with(stderr, "location searched: ").unwrap_or("the crate registry");
    let place = if searched.starts_with('/') {
        searched
    } else {
        "the crate registry"
    };
    let hint = line_with(stderr, "perhaps you meant:").map(str::trim);
    let hint = hint.filter(|hint| !hint.is_empty());
    let hint = hint.map_or(String::new(), |hint| format!(" Perhaps you meant {hint}."));
    Some(format!(
        "expected the name of a crate, got `{named}`, which {place} does not have.{hint} Check the spelling"
    ))
}

/// A repository or a crate that is missing while downloads are off.
fn not_cached(stderr: &str) -> Option<String> {
    is_offline(stderr).then(|| {
        "the crate is not in cargo's cache on this machine, and downloads are off \
         (CANDLEBOOK_OFFLINE) or there is no connection. Run the cell again with a connection"
            .into()
    })
}

fn unknown_version(stderr: &str) -> Option<String> {
    let wanted = quoted_after(stderr, "failed to select a version for the requirement `")?;
    let found = line_with(stderr, "candidate versions found which didn't match: ");
    let found = found.map_or("no version that can be used", str::trim);
    Some(format!(
        "expected a version that exists, got {wanted}. The crate has {found}"
    ))
}

fn unknown_feature(stderr: &str) -> Option<String> {
    const HAS_NOT: &str = " does not have ";
    let line = stderr.lines().find(|line| {
        line.contains("feature") && (line.contains(HAS_NOT) || line.contains("doesn't have"))
    })?;
    let line = line.trim().trim_start_matches("error: ");
    let line = line.replace("package `candlebook-added v1.0.0`", "the notebook");
    Some(format!("expected features that the crate has: {line}"))
}

fn no_package(stderr: &str) -> Option<String> {
    let manifest = quoted_after(stderr, "failed to read `")?;
    let folder = manifest.strip_suffix("/Cargo.toml")?;
    Some(format!(
        "expected the folder of a crate, got {folder}, which has no Cargo.toml. The path is relative to \
         the notebook's folder"
    ))
}

fn unreachable(stderr: &str) -> Option<String> {
    if !is_unreachable(stderr) {
        return None;
    }
    let reason = stderr.lines().rev().find(|line| line.trim().len() > 1)?;
    Some(format!(
        "the crate could not be downloaded ({}). Check the connection and run the cell again; crates \
         that cargo has downloaded before need none",
        reason.trim()
    ))
}

/// A build script or procedural macro without a C compiler. Cells need none.
fn no_linker(stderr: &str) -> Option<String> {
    let package = quoted_after(stderr, "could not compile `").unwrap_or("a crate");
    let signs = ["linker `cc` not found", "could not exec the linker `cc`"];
    signs.iter().any(|sign| stderr.contains(sign)).then(|| {
        format!(
            "{package} has a build script or is a procedural macro, which needs a C compiler to be linked, \
             and this machine has none. Install gcc or clang and run the cell again"
        )
    })
}

fn no_cargo(stderr: &str) -> Option<String> {
    let reason = stderr.strip_prefix(NO_CARGO)?;
    Some(format!(
        "expected cargo in the chosen toolchain, which `:dep` needs, but it cannot be run{reason}. \
         `candlebook doctor` names the toolchain"
    ))
}

fn build_script(stderr: &str) -> Option<String> {
    let package = quoted_after(stderr, "failed to run custom build command for `")?;
    Some(format!(
        "the build script of {package} failed. It may need a library or program of the system:\n{}",
        shortened(stderr)
    ))
}

/// The errors, without cargo's progress and without more lines than a page shows.
fn shortened(stderr: &str) -> String {
    const PROGRESS: [&str; 9] = [
        "Compiling ",
        "Downloading ",
        "Downloaded ",
        "Updating ",
        "Locking ",
        "Adding ",
        "Blocking ",
        "warning: build failed",
        "required by package `candlebook-added",
    ];
    let is_progress = |line: &&str| {
        let line = line.trim_start();
        PROGRESS.iter().any(|start| line.starts_with(start))
    };
    let lines: Vec<&str> = stderr.lines().filter(|line| !is_progress(line)).collect();
    let first = lines
        .iter()
        .position(|line| line.starts_with("error"))
        .unwrap_or(0);
    let lines = &lines[first..];
    let shown = lines[..lines.len().min(MAX_LINES)].join("\n");
    match lines.len().saturating_sub(MAX_LINES) {
        0 => shown.trim().to_owned(),
        more => format!("{}\n({more} more lines)", shown.trim()),
    }
}

fn quoted_after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once('`')?.0)
}

fn line_with<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.lines().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_named() {
        let stderr = "    Updating crates.io index\nerror: no matching package named `csvv` found\n\
            location searched: crates.io index\nrequired by package `candlebook-added v1.0.0 (/s/added)`\n";
        let text = explain(stderr);
        assert!(text.contains("`csvv`, which the crate registry does not have"));
        assert!(text.ends_with(UNCHANGED) && !text.contains("added v1.0.0"));
    }

    #[test]
    fn a_version_that_does_not_exist_is_answered_with_those_that_do() {
        let stderr = "error: failed to select a version for the requirement `csv = \"^99\"`\n\
            candidate versions found which didn't match: 1.4.0, 1.3.1, ...\n\
            location searched: crates.io index\nrequired by package `candlebook-added v1.0.0`";
        let text = explain(stderr);
        assert!(
            text.contains("got csv = \"^99\". The crate has 1.4.0, 1.3.1, ..."),
            "{text}"
        );
    }

    #[test]
    fn a_missing_connection_is_told_from_a_missing_crate() {
        let offline = "error: no matching package named `csv` found\nlocation searched: crates.io index\n\
            As a reminder, you're using offline mode (--offline) which can sometimes cause surprising failures";
        assert!(explain(offline).contains("not in cargo's cache"));
        let git = "error: failed to get `own` as a dependency\nCaused by:\n  can't checkout from 'file:///own': \
            you are in the offline mode (--offline)\n";
        assert!(explain(git).starts_with("the crate is not in cargo's cache"));
        let down = "error: failed to get `csv` as a dependency\n\nCaused by:\n  download of config.json failed\n\n\
            Caused by:\n  [6] Couldn't resolve host name (Could not resolve host: index)\n";
        let text = explain(down);
        assert!(
            is_unreachable(down) && text.contains("[6] Couldn't resolve host name"),
            "{text}"
        );
    }

    #[test]
    fn a_folder_without_a_crate_and_a_missing_feature_are_explained() {
        let folder = "error: failed to get `own` as a dependency\nCaused by:\n  failed to read `/n/own/Cargo.toml`\n";
        assert!(explain(folder).contains("got /n/own, which has no Cargo.toml"));
        let feature = "error: failed to select a version for `csv`.\nthe package `candlebook-added` depends on `csv`, with \
            features: `fast` but `csv` does not have these features.\n";
        assert!(explain(feature).contains("`csv` does not have these features"));
    }

    #[test]
    fn a_missing_program_is_named() {
        let linker = "error: linker `cc` not found\n  |\n\nerror: could not compile `own` (build script) due to 1 previous error";
        assert!(explain(linker).starts_with("own has a build script or is"));
        let cargo = format!("{NO_CARGO}: No such file (os error 2)");
        assert!(explain(&cargo).contains("cannot be run: No such file (os error 2)"));
    }

    #[test]
    fn an_error_of_the_compiler_is_shown_without_progress() {
        let stderr = format!(
            "   Compiling own v0.1.0 (/n/own)\nerror: expected `;`\n{}",
            "a line\n".repeat(60)
        );
        let text = explain(&stderr);
        assert!(text.starts_with("cargo says:\nerror: expected `;`\na line"));
        assert!(text.contains("(21 more lines)"));
    }
}

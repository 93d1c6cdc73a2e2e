//! The notebook's commands.

use super::super::reference::Page;
use serde_json::{Map, Value, json};

/// A command: how it is written, and what it does.
struct Command {
    usage: &'static str,
    does: &'static str,
}

const fn command(usage: &'static str, does: &'static str) -> Command {
    Command { usage, does }
}

/// The commands that `:help` lists.
const COMMANDS: [Command; 6] = [
    command(
        ":dep rand = \"0.9\"",
        "adds a crate; options as in Cargo.toml: :dep serde = { version = \"1\", features = [\"derive\"] }",
    ),
    command(":vars", "lists the variables with their types"),
    command(":type ae", "shows the type of a variable"),
    command(":clear", "forgets all variables, functions and types"),
    command(":explain", "explains the last compiler error"),
    command(":help", "shows this list"),
];

/// Other lines and keys that `:help` lists.
const OTHERS: [Command; 5] = [
    command(
        "?Fit",
        "describes a name: settings, methods, a variable's value; also Fit? and ?ae.fit",
    ),
    command(
        "!ls -l",
        "runs a line in the system's shell, at the top of a cell",
    ),
    command(
        "!flag",
        "is Rust, because it is a complete expression of names that cells can use",
    ),
    command("Tab", "completes a name"),
    command("Shift-Tab", "describes the name at the cursor"),
];

/// Commands for compiler settings, which `:help` does not list.
const EXPERT: [&str; 25] = [
    ":allow_static_linking",
    ":build_env",
    ":cache",
    ":clear_cache",
    ":codegen_backend",
    ":doc",
    ":efmt",
    ":env",
    ":fmt",
    ":internal_debug",
    ":last_compile_dir",
    ":last_error_json",
    ":linker",
    ":load_config",
    ":offline",
    ":opt",
    ":preserve_vars_on_panic",
    ":restart",
    ":sccache",
    ":show_deps",
    ":t",
    ":time_passes",
    ":timing",
    ":toolchain",
    ":types",
];

/// Who runs a command.
#[derive(Debug, PartialEq)]
pub(super) enum Runner {
    /// It is answered with this content by MIME type.
    Notebook(Map<String, Value>),
    Engine,
    /// `:clear`, after which the prelude has to be loaded again.
    Clear,
}

/// Finds a command.
///
/// # Errors
/// A message, if there is none of that name, or it does not belong into a notebook.
pub(super) fn find(name: &str) -> Result<Runner, String> {
    match name {
        ":help" => Ok(Runner::Notebook(help())),
        ":version" => Ok(Runner::Notebook(text(concat!(
            "Candlebook ",
            env!("CARGO_PKG_VERSION")
        )))),
        ":quit" | ":exit" => Err(format!(
            "`{name}` is not for notebooks. Restart or shut down the kernel in the Kernel menu"
        )),
        ":clear" => Ok(Runner::Clear),
        known if command_names().any(|name| name == known) || EXPERT.contains(&known) => {
            Ok(Runner::Engine)
        }
        ":" => Err(format!("expected a command after the colon. {}", listed())),
        unknown => Err(format!("there is no command `{unknown}`. {}", listed())),
    }
}

fn listed() -> String {
    let names: Vec<&str> = command_names().collect();
    format!(
        "The commands are {}; `:help` describes them",
        names.join(", ")
    )
}

/// The names of the commands that `:help` lists.
pub(crate) fn command_names() -> impl Iterator<Item = &'static str> {
    COMMANDS
        .iter()
        .filter_map(|command| command.usage.split(' ').next())
}

fn text(text: &str) -> Map<String, Value> {
    [("text/plain".to_owned(), json!(text))]
        .into_iter()
        .collect()
}

/// The answer of `:help`.
pub(super) fn help() -> Map<String, Value> {
    let rows = |commands: &[Command]| -> Vec<(String, String)> {
        let rows = commands.iter();
        rows.map(|it| (it.usage.to_owned(), it.does.to_owned()))
            .collect()
    };
    let mut page = Page::default();
    page.list(
        "Commands, each on a line of its own at the top of a cell",
        &rows(&COMMANDS),
    );
    page.list("Other lines and keys", &rows(&OTHERS));
    let mut data = text(page.text.trim_end());
    data.insert("text/markdown".into(), json!(page.markdown));
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_the_commands_and_unknown_ones_are_answered_with_them() {
        let Ok(Runner::Notebook(help)) = find(":help") else {
            panic!("no help");
        };
        let text = help["text/plain"].as_str().unwrap();
        for name in command_names().chain(["!ls -l", "?Fit"]) {
            assert!(text.contains(name), "{name}");
        }
        assert!(!text.to_lowercase().contains("evcxr"));
        let error = find(":foo").unwrap_err();
        assert!(
            error.starts_with("there is no command `:foo`. The commands are :dep, "),
            "{error}"
        );
        assert_eq!(find(":dep"), Ok(Runner::Engine));
        assert_eq!(find(":load_config"), Ok(Runner::Engine));
        assert!(find(":quit").unwrap_err().contains("Kernel menu"));
    }
}

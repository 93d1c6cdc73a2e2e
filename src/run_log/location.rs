//! Where the run log is.

use std::ffi::OsString;
use std::path::PathBuf;

/// Name of the file in Candlebook's home folder.
const FILE: &str = "runs.sqlite";

/// The run log's file: `$CANDLEBOOK_RUNS`, else `runs.sqlite` in `$CANDLEBOOK_HOME`, in
/// `$XDG_DATA_HOME/candlebook`, or in `~/.local/share/candlebook`. `None` if `$CANDLEBOOK_RUNS` is
/// `off`, and without a home folder.
///
/// One file for all notebooks, in the folder of the cells' history: nobody asked for a file beside
/// the notebook.
pub(crate) fn log_file() -> Option<PathBuf> {
    let names = ["CANDLEBOOK_RUNS", "CANDLEBOOK_HOME", "XDG_DATA_HOME"];
    resolve(names.map(std::env::var_os), std::env::home_dir())
}

/// The file, given the variables `CANDLEBOOK_RUNS`, `CANDLEBOOK_HOME` and `XDG_DATA_HOME`.
fn resolve(variables: [Option<OsString>; 3], user: Option<PathBuf>) -> Option<PathBuf> {
    let [runs, home, data] = variables.map(|value| value.filter(|value| !value.is_empty()));
    if let Some(runs) = runs {
        return (runs != "off").then(|| runs.into());
    }
    let folder = match (home, data) {
        (Some(home), _) => PathBuf::from(home),
        (None, Some(data)) => PathBuf::from(data).join("candlebook"),
        (None, None) => user?.join(".local/share/candlebook"),
    };
    Some(folder.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candlebook_runs_wins_and_can_turn_the_log_off() {
        let file = |variables: [&str; 3]| {
            let variables = variables.map(|value| Some(OsString::from(value)));
            resolve(variables, Some("/user".into()))
        };
        let cases = [
            (["/r.sqlite", "/h", "/d"], Some("/r.sqlite")),
            (["off", "/h", "/d"], None),
            (["", "/h", "/d"], Some("/h/runs.sqlite")),
            (["", "", "/d"], Some("/d/candlebook/runs.sqlite")),
            (
                ["", "", ""],
                Some("/user/.local/share/candlebook/runs.sqlite"),
            ),
        ];
        for (variables, expected) in cases {
            assert_eq!(file(variables), expected.map(PathBuf::from));
        }
        assert_eq!(resolve([None, None, None], None), None);
    }
}

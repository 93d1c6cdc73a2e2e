//! The runs of the run log.

use super::run::Run;
use super::settings::{settings_of, text};
use super::sortable::{SortableCell, sortable_table};
use crate::error::{Error, Result};
use crate::run_log::{log_file, read_runs};
use crate::show::{Content, Show, Table, duration, escape, evcxr_display};
use crate::train::Fit;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Rows of the table; older runs are counted.
const MAX_ROWS: usize = 200;

const HEADER: [&str; 12] = [
    "run",
    "started",
    "data",
    "layers",
    "settings",
    "epochs",
    "train loss",
    "validation loss",
    "best loss",
    "time",
    "ended",
    "tags",
];

/// The runs of the run log that belong to the working folder, newest first. As the last expression
/// of a cell it is a table: a click on a header sorts it, the field above it filters it, and the
/// best run on each data set is marked.
///
/// Every [`fit`](crate::model::Autoencoder::fit) is recorded in a SQLite file, except with
/// [`Fit { log: false, .. }`](crate::train::Fit::log): `$CANDLEBOOK_RUNS`, by default `runs.sqlite` in
/// Candlebook's home folder, `~/.local/share/candlebook`.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// show(runs());
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn runs() -> Runs {
    let folder = std::env::current_dir().ok();
    Runs {
        path: log_file(),
        folder: folder.map(|folder| folder.to_string_lossy().into_owned()),
    }
}

/// Runs of a run log, newest first. Each method reads the file. Returned by [`runs()`].
#[derive(Clone, Debug, PartialEq)]
pub struct Runs {
    /// The file; `None` if the log is turned off.
    path: Option<PathBuf>,
    /// Working folder of the runs; `None` for those of all folders.
    folder: Option<String>,
}

impl Runs {
    /// All runs of another file, such as a colleague's.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::Runs;
    /// assert!(Runs::open("none.sqlite").list()?.is_empty());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Self {
        Runs {
            path: Some(path.as_ref().to_owned()),
            folder: None,
        }
    }

    /// The runs of all working folders.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(runs().of_all_folders());
    /// ```
    pub fn of_all_folders(self) -> Self {
        Runs {
            folder: None,
            ..self
        }
    }

    /// The runs, newest first. Empty if the log is turned off.
    ///
    /// # Errors
    /// A file that cannot be read.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// for run in runs().list()? {
    ///     println!("{} {:?}", run.id, run.best_loss);
    /// }
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn list(&self) -> Result<Vec<Run>> {
        let Some(path) = &self.path else {
            return Ok(Vec::new());
        };
        let rows = read_runs(path, self.folder.as_deref())?;
        Ok(rows.into_iter().map(|row| Run::new(path, row)).collect())
    }

    /// The run of a number, also if it belongs to another folder.
    ///
    /// # Errors
    /// A file that cannot be read, or no run of this number in it.
    ///
    /// # Examples
    /// ```no_run
    /// use candlebook::prelude::*;
    /// let history = runs().get(17)?.history()?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn get(&self, id: u64) -> Result<Run> {
        let all = self.clone().of_all_folders().list()?;
        let newest = all.first().map(|run| run.id);
        all.into_iter().find(|run| run.id == id).ok_or_else(|| {
            let expected = newest.map_or("a recorded run; there is none".into(), |newest| {
                format!("a run from 1 to {newest}")
            });
            Error::setting("run", expected, id, "runs() lists the numbers")
        })
    }

    /// The run with the lowest validation loss (training loss without validation images), among the
    /// runs with the data and the loss of the newest one: others cannot be compared with it.
    ///
    /// # Errors
    /// A file that cannot be read, or no run with a finished epoch.
    ///
    /// # Examples
    /// ```no_run
    /// use candlebook::prelude::*;
    /// let best = runs().best()?;
    /// println!("run {}: {:?}", best.id, best.best_loss);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn best(&self) -> Result<Run> {
        let all = self.list()?;
        let loss = |run: &Run| run.best_loss.unwrap_or(f64::INFINITY);
        let finished = || all.iter().filter(|run| run.best_loss.is_some());
        let best = finished().next().and_then(|newest| {
            let alike = finished().filter(|run| run.comparable() == newest.comparable());
            alike.min_by(|a, b| loss(a).total_cmp(&loss(b)))
        });
        best.cloned().ok_or_else(|| {
            let expected = "at least one recorded run with a finished epoch";
            Error::setting("runs().best()", expected, "none", self.place())
        })
    }

    /// One sentence about the file.
    fn place(&self) -> String {
        match (&self.path, &self.folder) {
            (None, _) => "The run log is off, CANDLEBOOK_RUNS=off".into(),
            (Some(path), None) => format!("Runs are recorded in {}", path.display()),
            (Some(path), Some(_)) => format!(
                "Runs are recorded in {}; runs().of_all_folders() has those of other folders",
                path.display()
            ),
        }
    }
}

/// Number of the best of each group of at least two runs that can be compared.
fn best_of_each(runs: &[Run]) -> Vec<u64> {
    let mut groups: BTreeMap<_, Vec<(f64, u64)>> = BTreeMap::new();
    for run in runs {
        let loss = run.best_loss.map(|loss| (loss, run.id));
        groups.entry(run.comparable()).or_default().extend(loss);
    }
    let groups = groups.into_values().filter(|group| group.len() > 1);
    let best = groups.filter_map(|group| group.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)));
    best.map(|(_, id)| id).collect()
}

/// The settings that differ from their defaults.
fn changed_settings(run: &Run) -> String {
    let defaults = settings_of(&Fit::default());
    let hidden = ["tags", "log", "epochs"];
    let changed = |(name, value): &(String, Value)| {
        defaults.get(name) != Some(value) && !hidden.contains(&name.as_str())
    };
    let settings = run.settings().into_iter().filter(changed);
    let texts = settings.map(|(name, value)| format!("{name} {}", text(&value)));
    texts.collect::<Vec<_>>().join(", ")
}

fn cells(run: &Run, best: bool) -> Vec<SortableCell> {
    let loss = |loss| SortableCell::number(loss, |loss| format!("{loss:.5}"));
    let number = |number: u64| SortableCell::number(Some(number as f64), |_| number.to_string());
    let mark = if best { ", best" } else { "" };
    vec![
        number(run.id),
        SortableCell::text(&run.started),
        SortableCell::text(&run.data),
        SortableCell::long_text(&run.layers),
        SortableCell::long_text(&changed_settings(run)),
        number(run.epochs),
        loss(run.train_loss),
        loss(run.valid_loss),
        SortableCell::number(run.best_loss, |loss| format!("{loss:.5}{mark}")),
        SortableCell::number(Some(run.seconds), duration),
        SortableCell::long_text(&run.ended),
        SortableCell::text(run.tags.join(", ")),
    ]
}

impl Show for Runs {
    fn contents(&self) -> Result<Vec<Content>> {
        let all = self.list()?;
        let place = self.place();
        if all.is_empty() {
            return Ok(vec![Content::text(format!("no runs yet. {place}"))]);
        }
        let best = best_of_each(&all);
        let shown = all.iter().take(MAX_ROWS);
        let rows: Vec<_> = shown
            .map(|run| cells(run, best.contains(&run.id)))
            .collect();
        let mut remark = place;
        if all.len() > MAX_ROWS {
            let older = all.len() - MAX_ROWS;
            remark = format!("{older} older runs are not shown. {remark}");
        }
        let table = rows.iter().fold(Table::new(HEADER), |table, row| {
            table.row(row.iter().map(|cell| &cell.text))
        });
        let html = format!(
            "{}<p style=\"font-size:small\">{}</p>",
            sortable_table(&HEADER, &rows),
            escape(&remark)
        );
        let text = format!("{}\n{remark}", table.to_text());
        Ok(vec![Content::text(text).html(html)])
    }
}
evcxr_display!(Runs);

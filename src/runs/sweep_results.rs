//! Results of a sweep over notebooks.

use super::notebook_run::{NotebookRun, best};
use super::results_file::{ResultsFile, ValueNames};
use super::results_view::{html, plot, summary, table};
use crate::error::Result;
use crate::show::{Content, Show, Table, escape, evcxr_display};
use std::path::Path;

/// Name of the table in a sweep's folder.
const FILE: &str = "results.csv";

/// Reads the table that `candlebook sweep NOTEBOOK -p hidden=32,64 -o FOLDER` writes, also while
/// the sweep runs. As the last expression of a cell it is a table that sorts and filters, a chart
/// of the losses, and the name of the best notebook.
///
/// # Errors
/// A file that cannot be read, or was written by another program.
///
/// # Examples
/// ```no_run
/// use candlebook::prelude::*;
/// let found = sweep_results("runs")?;
/// println!("{:?}", found.best());
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn sweep_results(folder: impl AsRef<Path>) -> Result<SweepResults> {
    let path = folder.as_ref().join(FILE);
    let ResultsFile { names, mut runs } = ResultsFile::read(&path)?;
    // Stable: runs without a loss keep the order of the file.
    runs.sort_by(|a, b| a.rank().total_cmp(&b.rank()));
    Ok(SweepResults { runs, names })
}

/// The runs of a sweep over notebooks. Returned by [`sweep_results`].
#[derive(Clone, Debug, PartialEq)]
pub struct SweepResults {
    /// The runs, the one with the lowest loss first.
    pub runs: Vec<NotebookRun>,
    names: ValueNames,
}

impl SweepResults {
    /// The run with the lowest loss. `None` if no run has one.
    ///
    /// # Examples
    /// ```no_run
    /// # use candlebook::prelude::*;
    /// let found = sweep_results("runs")?;
    /// let best = found.best().unwrap();
    /// println!("{}: {}", best.point, best.notebook.display());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn best(&self) -> Option<&NotebookRun> {
        best(&self.runs)
    }

    /// The run with the lowest value of this name, such as one of
    /// [`result`](crate::runs::result()). `None` if no run has one.
    ///
    /// # Examples
    /// ```no_run
    /// # use candlebook::prelude::*;
    /// println!("{:?}", sweep_results("runs")?.lowest("test loss"));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn lowest(&self, name: &str) -> Option<&NotebookRun> {
        let with_number = |run| Some((NotebookRun::number(run, name)?, run));
        let runs = self.runs.iter().filter_map(with_number);
        let lowest = runs.min_by(|(a, _), (b, _)| a.total_cmp(b));
        lowest.map(|(_, run)| run)
    }

    /// The run with the highest value of this name, as [`SweepResults::lowest`].
    ///
    /// # Examples
    /// ```no_run
    /// # use candlebook::prelude::*;
    /// println!("{:?}", sweep_results("runs")?.highest("accuracy"));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn highest(&self, name: &str) -> Option<&NotebookRun> {
        let with_number = |run| Some((NotebookRun::number(run, name)?, run));
        let runs = self.runs.iter().filter_map(with_number);
        let highest = runs.max_by(|(a, _), (b, _)| a.total_cmp(b));
        highest.map(|(_, run)| run)
    }

    /// Number of runs, failed ones included.
    ///
    /// # Examples
    /// ```no_run
    /// # use candlebook::prelude::*;
    /// assert_eq!(sweep_results("runs")?.len(), 6);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// True if no notebook has ended yet.
    ///
    /// # Examples
    /// ```no_run
    /// # use candlebook::prelude::*;
    /// assert!(!sweep_results("runs")?.is_empty());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Table with one row per run.
    ///
    /// # Examples
    /// ```no_run
    /// # use candlebook::prelude::*;
    /// println!("{}", sweep_results("runs")?.table().to_text());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn table(&self) -> Table {
        table(&self.names, &self.runs)
    }
}

impl Show for SweepResults {
    fn contents(&self) -> Result<Vec<Content>> {
        let summary = summary(&self.runs);
        let text = format!("{}\n{summary}", self.table().to_text());
        let html = format!(
            "{}<p>{}</p>",
            html(&self.names, &self.runs),
            escape(&summary)
        );
        let mut contents = vec![Content::text(text).html(html)];
        if let Some(plot) = plot(&self.names, &self.runs) {
            contents.extend(plot.contents()?);
        }
        Ok(contents)
    }
}
evcxr_display!(SweepResults);

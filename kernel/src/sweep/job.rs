//! The work of a sweep: notebooks to run, and those that have finished in an earlier one.

use super::grid;
use super::grid::Axis;
use super::names::file_name;
use crate::notebook::{Notebook, Parameter, Record};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// The JSON that Python gets.
#[derive(Serialize)]
pub(super) struct Job {
    /// Path of this program, for machines on which it is the same.
    pub(super) program: PathBuf,
    version: &'static str,
    /// File name and folder of the notebook.
    name: String,
    folder: PathBuf,
    /// The notebook, which workers on other machines may not be able to read.
    text: String,
    pub(super) out: PathBuf,
    /// Names of the parameters in the order of the command line.
    parameters: Vec<String>,
    pub(super) points: Vec<NotebookPoint>,
    /// Number and files of all points, those that are not run again included.
    pub(super) count: usize,
    files: Vec<String>,
    /// Records of finished notebooks by file name.
    pub(super) rows: BTreeMap<String, Record>,
    #[serde(skip)]
    pub(super) failed_before: usize,
}

/// A point that is to be run.
#[derive(Serialize)]
pub(super) struct NotebookPoint {
    /// Name of the executed notebook.
    pub(super) file: String,
    /// NAME=VALUE of each parameter.
    pub(super) parameters: Vec<String>,
    /// Beginning of the record of its run.
    record: Record,
}

impl Job {
    /// The work of a command line.
    ///
    /// # Errors
    /// If the notebook cannot be read or lacks a parameter, or the points are too many.
    pub(super) fn new(path: &Path, axes: &[Axis], out: &Path) -> Result<Job> {
        let points = grid::points(axes)?;
        let notebook = Notebook::read(path)?;
        check_parameters(path, &points[0])?;
        let path = std::path::absolute(path)?;
        let out = std::path::absolute(out)?;
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            bail!("{}: expected a file", path.display());
        };
        let count = points.len();
        let earlier = earlier_records(&out);
        let point = |parameters: Vec<Parameter>| NotebookPoint {
            file: file_name(&parameters),
            record: Record::begin(&notebook, &parameters),
            parameters: parameters.iter().map(assignment).collect(),
        };
        let mut points: Vec<NotebookPoint> = points.into_iter().map(point).collect();
        check_files(&points, &out, &path)?;
        let files = points.iter().map(|point| point.file.clone()).collect();
        let begun = Record::begin(&notebook, &[]);
        let is_finished = |point: &NotebookPoint| {
            let record = earlier.get(&point.file);
            record.is_some_and(|record| record.is_finished_as(&point.record))
        };
        points.retain(|point| !is_finished(point));
        let again: HashSet<&String> = points.iter().map(|point| &point.file).collect();
        let failed_before = again.iter().filter(|file| earlier.contains_key(**file));
        let failed_before = failed_before.count();
        let mut rows = earlier.clone();
        rows.retain(|file, record| !again.contains(file) && record.is_comparable(&begun));
        Ok(Job {
            program: std::env::current_exe().context("cannot find the program's own path")?,
            version: env!("CARGO_PKG_VERSION"),
            name: name.to_string_lossy().into_owned(),
            folder: folder.to_owned(),
            text: notebook.without_outputs(),
            parameters: axes.iter().map(|axis| axis.name.clone()).collect(),
            out,
            points,
            count,
            files,
            rows,
            failed_before,
        })
    }

    /// A sentence about notebooks that are not run again; `None` if all are run for the first time.
    pub(super) fn earlier(&self) -> Option<String> {
        let finished = self.count - self.points.len();
        let again = match self.failed_before {
            0 => String::new(),
            1 => ", 1 failed one is run again".into(),
            n => format!(", {n} failed ones are run again"),
        };
        (finished + self.failed_before > 0).then(|| {
            let count = self.count;
            format!("{finished} of {count} notebooks have finished in an earlier sweep{again}")
        })
    }

    /// One shell command for each notebook.
    ///
    /// # Errors
    /// If a word contains a NUL.
    pub(super) fn commands(&self) -> Result<Vec<String>> {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let command = |point: &NotebookPoint| {
            let notebook = path(&self.folder.join(&self.name));
            let mut words = vec![path(&self.program), "run".into(), notebook];
            for parameter in &point.parameters {
                words.extend(["-p".into(), parameter.clone()]);
            }
            words.extend(["-o".into(), path(&self.out.join(&point.file))]);
            Ok(shlex::try_join(words.iter().map(String::as_str))?)
        };
        self.points.iter().map(command).collect()
    }
}

fn assignment(Parameter { name, value }: &Parameter) -> String {
    format!("{name}={value}")
}

/// Fails as `candlebook run` would at a parameter that the notebook does not have.
fn check_parameters(path: &Path, point: &[Parameter]) -> Result<()> {
    let mut notebook = Notebook::read(path)?;
    point
        .iter()
        .try_for_each(|parameter| notebook.set_parameter(parameter))
}

/// Fails if two notebooks would have one file, or one that of the source.
fn check_files(points: &[NotebookPoint], out: &Path, source: &Path) -> Result<()> {
    let mut files = HashSet::new();
    for NotebookPoint {
        file, parameters, ..
    } in points
    {
        if !files.insert(file) || out.join(file) == source {
            let parameters = parameters.join(" ");
            bail!(
                "{parameters}: expected a file of its own, got {file}. Choose another folder, -o"
            );
        }
    }
    Ok(())
}

/// Records of all executed notebooks in a folder, by file name.
fn earlier_records(folder: &Path) -> BTreeMap<String, Record> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let records = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let notebook = Notebook::read(&entry.path()).ok();
        let record = notebook.filter(|_| name.ends_with(".ipynb"))?.record()?;
        Some((name, record))
    });
    records.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn book(code: &str) -> serde_json::Value {
        let cell = json!({ "cell_type": "code", "metadata": { "tags": ["parameters"] }, "source": code, "outputs": ["x"] });
        json!({ "cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5 })
    }

    fn job(folder: &Path, values: &str) -> Result<Job> {
        Job::new(
            &folder.join("a b.ipynb"),
            &[Axis::parse(values).unwrap()],
            &folder.join("runs"),
        )
    }

    fn execute(folder: &Path, values: &str, error: Option<&str>) {
        let mut book = book("let x = 1;");
        for point in job(folder, values).unwrap().points {
            let mut record = point.record.clone();
            record.error = error.map(str::to_owned);
            book["metadata"]["candlebook"] = json!(record);
            std::fs::create_dir_all(folder.join("runs")).unwrap();
            std::fs::write(folder.join("runs").join(point.file), book.to_string()).unwrap();
        }
    }

    #[test]
    fn finished_notebooks_are_not_run_again_until_the_code_changes() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let write =
            |code| std::fs::write(folder.join("a b.ipynb"), book(code).to_string()).unwrap();
        write("let x = 1;");
        assert_eq!(job(folder, "x=1,2").unwrap().earlier(), None);
        execute(folder, "x=1,2", None);
        execute(folder, "x=3", Some("cell 1: no"));
        let next = job(folder, "x=2,3,4").unwrap();
        let files: Vec<&str> = next.points.iter().map(|point| &*point.file).collect();
        assert_eq!(files, ["x-3.ipynb", "x-4.ipynb"]);
        // Those of another grid stay in the table.
        assert_eq!(
            next.rows.keys().collect::<Vec<_>>(),
            ["x-1.ipynb", "x-2.ipynb"]
        );
        assert_eq!(
            next.earlier().unwrap(),
            "1 of 3 notebooks have finished in an earlier sweep, 1 failed one is run again"
        );
        assert!(!next.text.contains("\"x\""), "outputs are not sent");
        write("let x = 1; // changed");
        let next = job(folder, "x=1,2").unwrap();
        assert_eq!((next.points.len(), next.rows.len()), (2, 0));
    }

    #[test]
    fn commands_are_quoted_and_unknown_parameters_are_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b.ipynb");
        std::fs::write(&path, book("let x = 1;").to_string()).unwrap();
        let commands = job(folder.path(), "x=\"it's\"")
            .unwrap()
            .commands()
            .unwrap();
        let [command] = commands.as_slice() else {
            panic!("{commands:?}");
        };
        let words = shlex::split(command).unwrap();
        assert_eq!(
            words[1..5],
            ["run", &path.to_string_lossy(), "-p", "x=\"it's\""]
        );
        let error = job(folder.path(), "y=1").err().unwrap().to_string();
        assert!(
            error
                .ends_with("a b.ipynb: -p y: expected one of the notebook's parameters (x), got y"),
            "{error}"
        );
    }
}

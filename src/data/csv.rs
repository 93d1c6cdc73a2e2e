//! Vectors from tables of numbers as text: [`csv_vectors`].

use crate::data::dataset::{Dataset, TestSplit};
use crate::data::split::Split;
use crate::error::{Error, Result};
use crate::file::{CsvColumns, CsvTable, name_or};
use std::collections::BTreeSet;
use std::path::Path;

/// Settings of [`csv_vectors`].
///
/// Columns have the names in the header. Without a header, they have the names 1, 2, 3, ...
///
/// # Examples
/// ```
/// use candlebook::data::CsvSettings;
/// let settings = CsvSettings { labels: Some("species".into()), ..Default::default() };
/// # assert_eq!(settings.delimiter, ',');
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CsvSettings {
    /// True if the first line has the names of the columns. Defaults to `None`: if none of its
    /// fields is a number.
    pub header: Option<bool>,
    /// Name of the column of labels. Labels are whole numbers, or else names of classes, which are
    /// numbered in alphabetical order. Defaults to `None`: no labels.
    pub labels: Option<String>,
    /// Names of columns that are left out, such as dates. Defaults to none.
    pub ignore: Vec<String>,
    /// Character between fields, such as `'\t'` or `';'`. Defaults to `','`.
    pub delimiter: char,
    /// File of the test vectors, with the same columns. Defaults to `None`: a share of the vectors
    /// is held out.
    pub test: Option<String>,
    /// Share of the vectors held out for testing if there is no `test`, in (0, 1). Defaults to 0.1.
    pub test_split: f64,
    /// Seed of the test split. Defaults to 0.
    pub seed: u64,
}

impl Default for CsvSettings {
    fn default() -> Self {
        CsvSettings {
            header: None,
            labels: None,
            ignore: Vec::new(),
            delimiter: ',',
            test: None,
            test_split: 0.1,
            seed: 0,
        }
    }
}

/// Loads vectors from a CSV file (RFC 4180): a line for each vector, a column for each value.
///
/// Every column is a value, except for those that the settings name. Values are numbers of any
/// range. Scale columns of different units, for example to mean 0 and variance 1: the loss weighs
/// all alike.
///
/// # Errors
/// A file that cannot be read; a named column that is missing; a line with another number of fields;
/// a field that is empty, NaN, infinite or no number, with its line and column; test vectors with
/// other columns or with labels that the training vectors do not have; a setting outside its range.
///
/// # Examples
/// ```
/// use candlebook::data::{CsvSettings, csv_vectors};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("flowers.csv");
/// std::fs::write(&path, "length,width,species\n5.1,3.5,setosa\n6.2,2.9,virginica\n")?;
/// let settings = CsvSettings { labels: Some("species".into()), ..Default::default() };
/// let data = csv_vectors(&path, &settings)?;
/// assert_eq!(data.image_shape(), (1, 1, 2));
/// assert_eq!(data.train.classes().map(|classes| classes.join(" ")), Some("setosa virginica".into()));
/// # Ok::<(), candlebook::anyhow::Error>(())
/// ```
pub fn csv_vectors(path: impl AsRef<Path>, settings: &CsvSettings) -> Result<Dataset> {
    let (path, held_out) = (path.as_ref(), settings.test_split());
    held_out.check("CsvSettings::test_split")?;
    let columns = settings.columns()?;
    let train = CsvTable::read(path, columns)?;
    let classes = Classes::new(&train.classes);
    let (name, source) = (name_or(path, "vectors"), path.display().to_string());
    let Some(test_path) = settings.test.as_ref().map(Path::new) else {
        let all = classes.split(path, train)?;
        return Dataset::hold_out(name, source, all, held_out);
    };
    let test = CsvTable::read(test_path, columns)?;
    if test.names != train.names {
        let expected = format!("the columns of {}", path.display());
        let hint = "Both files need the same columns in the same order";
        return Err(Error::file(test_path, expected, "others", hint));
    }
    let test = classes.split(test_path, test)?;
    Dataset::new(name, source, classes.split(path, train)?, test)
}

impl CsvSettings {
    fn columns(&self) -> Result<CsvColumns<'_>> {
        let ascii = self.delimiter.is_ascii() && !matches!(self.delimiter, '"' | '\n' | '\r');
        if !ascii {
            let got = format!("{:?}", self.delimiter);
            let expected = "an ASCII character other than quotes and line ends";
            return Err(Error::setting(
                "CsvSettings::delimiter",
                expected,
                got,
                "',' is usual",
            ));
        }
        Ok(CsvColumns {
            header: self.header,
            labels: self.labels.as_deref(),
            ignore: &self.ignore,
            delimiter: self.delimiter as u8,
        })
    }

    fn test_split(&self) -> TestSplit {
        TestSplit {
            share: self.test_split,
            seed: self.seed,
        }
    }
}

/// Labels as they are written, and their numbers.
enum Classes {
    Numbers,
    /// In alphabetical order.
    Names(Vec<String>),
}

impl Classes {
    fn new(written: &[String]) -> Classes {
        if written.iter().all(|label| label.parse::<u32>().is_ok()) {
            return Classes::Numbers;
        }
        let names: BTreeSet<String> = written.iter().cloned().collect();
        Classes::Names(names.into_iter().collect())
    }

    fn number(&self, path: &Path, label: &String) -> Result<u32> {
        let number = match self {
            Classes::Numbers => label.parse().ok(),
            Classes::Names(names) => names.binary_search(label).ok().map(|at| at as u32),
        };
        number.ok_or_else(|| {
            let expected = "labels of the training vectors";
            let hint = "Both files need labels of the same classes";
            Error::file(path, expected, format!("{label:?}"), hint)
        })
    }

    /// The table of a file as a split.
    fn split(&self, path: &Path, table: CsvTable) -> Result<Split> {
        let numbers = table.classes.iter().map(|label| self.number(path, label));
        let numbers = numbers.collect::<Result<Vec<u32>>>()?;
        let of_row = |labels: Vec<u32>| labels.iter().map(|&i| numbers[i as usize]).collect();
        let labels = table.labels.map(of_row);
        let labeled = labels.is_some();
        let split = Split::from_vectors(table.values, table.names.len(), labels)?;
        match self {
            Classes::Names(names) if labeled => split.named(names.clone()),
            _ => Ok(split),
        }
    }
}

//! Tables of numbers as text: CSV, read by the `csv` crate.

use crate::cell::check_stopped;
use crate::error::{Error, Result};
use crate::file::read::open_file;
use csv::{ByteRecord, Reader, ReaderBuilder};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Maximum number of classes: bounds the memory of their names.
const MAX_CLASSES: usize = 65_536;
/// Records between two checks for Stop.
const CHECK_EVERY: usize = 4096;

/// Selects and names the columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CsvColumns<'a> {
    /// True if the first line has names. `None`: if none of its fields is a number.
    pub(crate) header: Option<bool>,
    /// Name of the column of labels.
    pub(crate) labels: Option<&'a str>,
    /// Names of columns to leave out.
    pub(crate) ignore: &'a [String],
    pub(crate) delimiter: u8,
}

/// The numbers of a table, row by row.
#[derive(Debug)]
pub(crate) struct CsvTable {
    /// Names of the columns of numbers: those of the header, or their positions counted from 1.
    pub(crate) names: Vec<String>,
    /// (rows, names), row-major.
    pub(crate) values: Vec<f32>,
    /// Positions in `classes`, if there is a column of labels.
    pub(crate) labels: Option<Vec<u32>>,
    /// Distinct labels, in the order in which they appear.
    pub(crate) classes: Vec<String>,
}

impl CsvTable {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read; a column that is missing; a line with another number of fields; a
    /// field that is no finite number; no line of numbers.
    pub(crate) fn read(path: &Path, columns: CsvColumns<'_>) -> Result<CsvTable> {
        let (file, _) = open_file(path)?;
        let mut lines = Lines {
            reader: ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .delimiter(columns.delimiter)
                .from_reader(file),
            record: ByteRecord::new(),
            path: path.to_owned(),
        };
        if !lines.next()? {
            let hint = "Check the program that wrote it";
            return Err(Error::file(path, "lines of numbers", "none", hint));
        }
        let named = columns.header.unwrap_or_else(|| !lines.has_number());
        let all: Vec<String> = match named {
            true => (0..lines.record.len())
                .map(|i| lines.text(i).into_owned())
                .collect(),
            false => (1..=lines.record.len()).map(|i| i.to_string()).collect(),
        };
        let roles = Roles::new(path, &all, columns)?;
        let mut table = CsvTable {
            names: roles.numbers.iter().map(|&i| all[i].clone()).collect(),
            values: Vec::new(),
            labels: roles.label.map(|_| Vec::new()),
            classes: Vec::new(),
        };
        table.fill(&mut lines, &all, &roles, named)?;
        Ok(table)
    }

    /// Reads all lines of numbers; the first one is in `lines` already, unless it has the names.
    fn fill(
        &mut self,
        lines: &mut Lines,
        all: &[String],
        roles: &Roles,
        named: bool,
    ) -> Result<()> {
        let mut classes: HashMap<Vec<u8>, u32> = HashMap::new();
        let mut more = !named || lines.next()?;
        let mut rows = 0;
        while more {
            if rows % CHECK_EVERY == 0 {
                check_stopped()?;
            }
            lines.check_fields(all.len())?;
            for &i in &roles.numbers {
                self.values.push(lines.number(i, &all[i])?);
            }
            if let (Some(i), Some(labels)) = (roles.label, &mut self.labels) {
                let field = lines.record.get(i).unwrap_or_default().trim_ascii();
                let next = classes.len() as u32;
                let class = *classes.entry(field.to_vec()).or_insert(next);
                if class == next {
                    lines.check_class(i, &all[i], self.classes.len())?;
                    self.classes
                        .push(String::from_utf8_lossy(field).into_owned());
                }
                labels.push(class);
            }
            rows += 1;
            more = lines.next()?;
        }
        if rows == 0 {
            let hint = "If the first line has numbers, set CsvSettings { header: Some(false), .. }";
            return Err(Error::file(
                &lines.path,
                "lines of numbers",
                "only a header",
                hint,
            ));
        }
        Ok(())
    }
}

/// Positions of the columns.
struct Roles {
    numbers: Vec<usize>,
    label: Option<usize>,
}

impl Roles {
    fn new(path: &Path, all: &[String], columns: CsvColumns<'_>) -> Result<Roles> {
        let find = |name: &str| {
            all.iter().position(|column| column == name).ok_or_else(|| {
                let got = listed(all);
                let hint = "Columns without a header have the names 1, 2, 3, ...";
                Error::file(path, format!("a column {name:?}"), got, hint)
            })
        };
        let label = columns.labels.map(find).transpose()?;
        let ignored = columns.ignore.iter().map(|name| find(name));
        let ignored = ignored.collect::<Result<Vec<usize>>>()?;
        let is_number = |i: &usize| Some(*i) != label && !ignored.contains(i);
        let numbers: Vec<usize> = (0..all.len()).filter(is_number).collect();
        if numbers.is_empty() {
            let expected = "at least one column of numbers";
            let hint = "Check CsvSettings::labels, ignore and delimiter";
            return Err(Error::file(path, expected, listed(all), hint));
        }
        Ok(Roles { numbers, label })
    }
}

/// The first names, shortened.
fn listed(names: &[String]) -> String {
    const MAX_NAMES: usize = 12;
    let shortened = |name: &String| name.chars().take(40).collect::<String>();
    let mut shown: Vec<String> = names.iter().take(MAX_NAMES).map(shortened).collect();
    if names.len() > MAX_NAMES {
        shown.push(format!("{} more", names.len() - MAX_NAMES));
    }
    shown.join(", ")
}

/// Number of blank lines from an offset on; 0 if the file has become unreadable.
fn blank_lines(path: &Path, offset: u64) -> u64 {
    let Ok(mut file) = File::open(path) else {
        return 0;
    };
    if file.seek(SeekFrom::Start(offset)).is_err() {
        return 0;
    }
    let bytes = BufReader::new(file).bytes().map_while(|byte| byte.ok());
    let blank = bytes.take_while(|byte| matches!(byte, b'\n' | b'\r'));
    blank.filter(|byte| *byte == b'\n').count() as u64
}

/// The lines of a file, one at a time.
struct Lines {
    reader: Reader<File>,
    record: ByteRecord,
    path: PathBuf,
}

impl Lines {
    /// Reads the next line; false at the end.
    fn next(&mut self) -> Result<bool> {
        let read = self.reader.read_byte_record(&mut self.record);
        read.map_err(|error| Error::io("read", &self.path)(error.into()))
    }

    fn line(&self) -> u64 {
        let position = self.record.position();
        // The position of a line is that of the blank lines before it.
        position.map_or(0, |at| at.line() + blank_lines(&self.path, at.byte()))
    }

    fn text(&self, i: usize) -> Cow<'_, str> {
        String::from_utf8_lossy(self.record.get(i).unwrap_or_default().trim_ascii())
    }

    fn has_number(&self) -> bool {
        (0..self.record.len()).any(|i| self.text(i).parse::<f64>().is_ok())
    }

    fn check_fields(&self, expected: usize) -> Result<()> {
        if self.record.len() == expected {
            return Ok(());
        }
        let expected = format!("{expected} fields in each line, as in the first one");
        let got = format!("{} in line {}", self.record.len(), self.line());
        let hint = "Correct that line, or set CsvSettings::delimiter";
        Err(Error::file(&self.path, expected, got, hint))
    }

    fn check_class(&self, i: usize, name: &str, classes: usize) -> Result<()> {
        let (expected, got) = if self
            .record
            .get(i)
            .is_none_or(|field| field.trim_ascii().is_empty())
        {
            ("a label".to_owned(), "an empty field".to_owned())
        } else if classes == MAX_CLASSES {
            (
                format!("at most {MAX_CLASSES} different labels"),
                "one more".to_owned(),
            )
        } else {
            return Ok(());
        };
        let got = format!("{got} in line {}, column {} ({name})", self.line(), i + 1);
        let hint = "Remove that line, or choose another column of labels";
        Err(Error::file(&self.path, expected, got, hint))
    }

    /// A field as a finite number.
    fn number(&self, i: usize, name: &str) -> Result<f32> {
        let text = self.text(i);
        if let Ok(value) = text.parse::<f64>()
            && (value as f32).is_finite()
        {
            return Ok(value as f32);
        }
        let shown: String = text.chars().take(40).collect();
        let what = if shown.is_empty() {
            "an empty field".into()
        } else {
            format!("{shown:?}")
        };
        let name: String = name.chars().take(40).collect();
        let got = format!("{what} in line {}, column {} ({name})", self.line(), i + 1);
        let hint = "Remove such lines, or name the column in CsvSettings::labels or ignore; if line \
                    1 has names, set header: Some(true)";
        Err(Error::file(&self.path, "finite numbers", got, hint))
    }
}

//! Photographs in folders: ImageNet's `split/class/*.JPEG`, classes as folders, or a folder of photographs.
//!
//! Only names are held in memory. Each picture is decoded when it is asked for; in training, ahead of the step that needs
//! it.

use crate::cell::check_stopped;
use crate::data::photo::{Crop, Framing, PhotoSource, PhotoStream};
use crate::data::split::{Dataset, Split};
use crate::error::{Error, Result};
use crate::file::{cache_folder, decode_image, extension, name_or};
use crate::math::{Purpose, Rng};
use crate::show::StatusLine;
use image::RgbImage;
use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// How a folder of photographs is read: `ImageFolder { size: 64, flip: true, ..Default::default() }`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageFolder {
    /// Height and width of the pictures, in pixels, 1 to 4096. Defaults to 64.
    pub size: usize,
    /// What is cut from each photograph. Defaults to its middle.
    pub crop: Crop,
    /// Whether training sees half of the pictures mirrored, chosen anew each time. Defaults to false.
    pub flip: bool,
    /// Share of the photographs kept for test where there are no folders for that, in (0, 1). Defaults to 0.1.
    pub test: f64,
    /// How many files may be unreadable; others stand in for them. Defaults to 10.
    pub unreadable: usize,
    /// Whether reduced photographs are kept in a file in the cache (`~/.cache/candlebook/frames`), so that each is decoded
    /// once, in this run and the next: about `4 size²` bytes a photograph, more with [`Crop::Random`]. Other photographs or
    /// another size make another file; old ones stay until they are removed by hand. Defaults to false.
    pub packed: bool,
    /// What the test photographs are drawn from. Defaults to 0.
    pub seed: u64,
}

impl Default for ImageFolder {
    fn default() -> Self {
        ImageFolder {
            size: 64,
            crop: Crop::Center,
            flip: false,
            test: 0.1,
            unreadable: 10,
            packed: false,
            seed: 0,
        }
    }
}

/// Names of folders that hold a split.
pub(crate) const TRAIN: [&str; 2] = ["train", "training"];
pub(crate) const TEST: [&str; 4] = ["val", "valid", "validation", "test"];
/// Endings of the files that are pictures, in any case.
const ENDINGS: [&str; 6] = ["jpg", "jpeg", "png", "webp", "bmp", "gif"];

/// Photographs of a folder: JPEG, PNG, WebP, BMP and GIF (its first frame), as pictures of three channels and one size.
///
/// `path/train/CLASS/*` with `path/val/CLASS/*` (or `valid`, `validation`, `test`) are training and test pictures with
/// labels, as ImageNet's; of `path/CLASS/*` and of a folder of photographs, in folders of any depth, a share is kept for test.
/// The camera's orientation (EXIF) is followed, transparency put on white, grey and CMYK turned to RGB.
///
/// # Errors
/// A folder that cannot be read or has no pictures; a setting outside its range.
///
/// # Examples
/// ```no_run
/// use candlebook::prelude::*;
/// let data = image_folder("photos", &ImageFolder { size: 128, flip: true, ..Default::default() })?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn image_folder(path: impl AsRef<Path>, settings: &ImageFolder) -> Result<Dataset> {
    let path = path.as_ref();
    settings.check()?;
    let name = name_or(path, "photographs");
    let subfolder = |names: &[&str]| {
        names
            .iter()
            .map(|name| path.join(name))
            .find(|path| path.is_dir())
    };
    let source = path.display().to_string();
    let Some(train) = subfolder(&TRAIN) else {
        return divided(name, source, whole(list(path)?, settings)?, settings);
    };
    let train = list(&train)?;
    let Some(test) = subfolder(&TEST) else {
        return divided(name, source, whole(train, settings)?, settings);
    };
    let test = list(&test)?;
    // One numbering for both.
    let mut classes: Vec<OsString> = train.classes.iter().chain(&test.classes).cloned().collect();
    classes.sort();
    classes.dedup();
    let train = split(train, &classes, settings)?;
    Dataset::new(name, source, train, split(test, &classes, settings)?)
}

impl ImageFolder {
    /// Finds what is outside its range.
    pub(crate) fn check(&self) -> Result<()> {
        if !(self.test > 0.0 && self.test < 1.0) {
            return Err(Error::setting(
                "ImageFolder::test",
                "a share in (0, 1)",
                self.test,
                "0.1 keeps a tenth",
            ));
        }
        self.framing().check()
    }

    fn framing(&self) -> Framing {
        Framing {
            size: self.size,
            crop: self.crop,
            flip: self.flip,
        }
    }
}

/// A data set of pictures of which a share is drawn for test.
pub(crate) fn divided(
    name: String,
    source: String,
    all: Split,
    settings: &ImageFolder,
) -> Result<Dataset> {
    let n = all.len();
    if n < 2 {
        let hint = "One is for training, one for test";
        return Err(Error::file(
            Path::new(&source),
            "at least two pictures",
            n,
            hint,
        ));
    }
    let order = Rng::new(settings.seed, Purpose::Split).permutation(n);
    let held_out = ((n as f64 * settings.test).round() as usize).clamp(1, n - 1);
    let (test, train) = all.divide(&order, held_out);
    Dataset::new(name, source, train, test)
}

/// Photographs of a source as pictures of one size, packed where the settings say so.
pub(crate) fn streamed(
    root: &Path,
    source: Box<dyn PhotoSource>,
    labels: Option<Vec<u32>>,
    settings: &ImageFolder,
) -> Result<Split> {
    let mut stream = PhotoStream::new(root, source, settings.framing(), settings.unreadable)?;
    if settings.packed {
        let folder = cache_folder().ok_or_else(|| {
            Error::setting(
                "ImageFolder::packed",
                "a place for the file",
                "no home folder",
                "Set CANDLEBOOK_CACHE to a folder",
            )
        })?;
        stream = stream.packed(&folder.join("frames"))?;
    }
    Split::from_stream(stream, labels)
}

fn whole(files: Files, settings: &ImageFolder) -> Result<Split> {
    let classes = files.classes.clone();
    split(files, &classes, settings)
}

fn split(files: Files, classes: &[OsString], settings: &ImageFolder) -> Result<Split> {
    let number = |name: &OsString| classes.binary_search(name).unwrap_or(0) as u32;
    let numbers: Vec<u32> = files.classes.iter().map(number).collect();
    let labels = (!files.classes.is_empty()).then(|| {
        files
            .labels
            .iter()
            .map(|&class| numbers[class as usize])
            .collect()
    });
    let labelled = labels.is_some();
    let root = files.root.clone();
    let split = streamed(&root, Box::new(files), labels, settings)?;
    if !labelled {
        return Ok(split);
    }
    split.named(
        classes
            .iter()
            .map(|name| name.to_string_lossy().into_owned())
            .collect(),
    )
}

/// The picture files below a folder. Names are bytes, whatever their encoding.
#[derive(Debug)]
struct Files {
    root: PathBuf,
    folders: Vec<PathBuf>,
    /// The folder and name of each file.
    names: Vec<(u32, Box<OsStr>)>,
    /// The class of each file, where the folders directly below the root are classes; else empty.
    labels: Vec<u32>,
    classes: Vec<OsString>,
}

impl Files {
    fn path(&self, i: usize) -> PathBuf {
        let (folder, name) = &self.names[i];
        self.folders[*folder as usize].join(name.as_ref())
    }
}

impl PhotoSource for Files {
    fn len(&self) -> usize {
        self.names.len()
    }

    fn name(&self, i: usize) -> PathBuf {
        self.path(i)
    }

    fn read(&self, i: usize) -> std::result::Result<RgbImage, String> {
        let bytes = std::fs::read(self.path(i)).map_err(|error| error.to_string())?;
        decode_image(&bytes).map(|(_, pixels)| pixels)
    }

    fn version(&self, i: usize) -> String {
        let known = std::fs::metadata(self.path(i)).ok();
        let time = known
            .as_ref()
            .and_then(|file| file.modified().ok()?.duration_since(UNIX_EPOCH).ok());
        format!(
            "{} {}",
            known.map_or(0, |file| file.len()),
            time.map_or(0, |time| time.as_nanos())
        )
    }
}

/// Finds the pictures below a folder, in the order of their names. Folders that links lead back to are visited once.
fn list(root: &Path) -> Result<Files> {
    let mut found: BTreeMap<PathBuf, Vec<Box<OsStr>>> = BTreeMap::new();
    let (mut pictures, mut others) = (0, 0);
    let mut visited = HashSet::new();
    let mut line = StatusLine::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        let real = folder.canonicalize().map_err(Error::io("read", &folder))?;
        if !visited.insert(real) {
            continue;
        }
        for entry in std::fs::read_dir(&folder).map_err(Error::io("read", &folder))? {
            check_stopped()?;
            let entry = entry.map_err(Error::io("read", &folder))?;
            let path = entry.path();
            // A link is what it leads to; one that leads nowhere is nothing.
            let kind = entry.file_type().map_err(Error::io("read", &path))?;
            let is_folder = if kind.is_symlink() {
                path.is_dir()
            } else {
                kind.is_dir()
            };
            if is_folder {
                open.push(path);
            } else if is_picture(&path) {
                pictures += 1;
                found
                    .entry(folder.clone())
                    .or_default()
                    .push(entry.file_name().into());
                line.update(|| format!("{}: {pictures} pictures found", root.display()));
            } else {
                others += 1;
            }
        }
    }
    line.finish(|| format!("{}: {pictures} pictures found", root.display()));
    if found.is_empty() {
        let got = match others {
            0 => "an empty folder".into(),
            1 => "1 file of another kind".into(),
            n => format!("{n} files of other kinds"),
        };
        let hint = "Give the folder that holds the photographs, or their classes";
        return Err(Error::file(
            root,
            "pictures (.jpg, .jpeg, .png, .webp, .bmp, .gif)",
            got,
            hint,
        ));
    }
    Ok(files(root, found))
}

fn files(root: &Path, found: BTreeMap<PathBuf, Vec<Box<OsStr>>>) -> Files {
    let classed = !found.contains_key(root);
    let mut files = Files {
        root: root.to_owned(),
        folders: Vec::new(),
        names: Vec::new(),
        labels: Vec::new(),
        classes: Vec::new(),
    };
    // Folders come in the order of their names, so those of one class follow each other.
    for (folder, mut names) in found {
        names.sort();
        if classed {
            let class = folder
                .strip_prefix(root)
                .ok()
                .and_then(|rest| rest.iter().next())
                .unwrap_or_default()
                .to_owned();
            if files.classes.last() != Some(&class) {
                files.classes.push(class);
            }
            let label = files.classes.len() as u32 - 1;
            files.labels.extend(std::iter::repeat_n(label, names.len()));
        }
        let number = files.folders.len() as u32;
        files.folders.push(folder);
        files
            .names
            .extend(names.into_iter().map(|name| (number, name)));
    }
    files
}

fn is_picture(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && ENDINGS.contains(&extension(path).as_str())
}

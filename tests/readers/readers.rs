//! The readers of files that may come from strangers. The tests here replay the corpora through them; the fuzzer (`fuzz/`)
//! includes this file and mutates the corpora.

use candlebook::data::{
    ArraySettings, CsvSettings, Idx, PhotoSettings, cifar10_folder, csv_vectors, idx_folder,
    image_folder, lmdb_folder, npy_images, npy_vectors, npz_images,
};
use candlebook::prelude::*;
use std::path::{Path, PathBuf};

/// Images of the data set that a checkpoint is resumed with.
const TRAINING_IMAGES: usize = 4;
/// Epochs that a checkpoint may still ask for: a longer training is no fault of the reader.
const MAX_EPOCHS: u64 = 2;

const PNG: &[u8] = include_bytes!("../corpus/png/rgb.png");
const JPEG: &[u8] = include_bytes!("../corpus/jpeg/baseline.jpg");
/// A database whose first record fills an overflow page.
const OVERFLOW: &[u8] = include_bytes!("../corpus/lmdb/overflow.mdb");
/// The place of that record in the file.
const OVERFLOW_RECORD: std::ops::Range<usize> = 1552..3552;

type Read = fn(&Path) -> Result<(), Error>;

/// A reader: the name of its corpus, the preparation of a folder, and the reading.
pub struct Reader {
    pub name: &'static str,
    /// Writes the files that the reader needs besides the one that is read, and returns the path of that one.
    prepare: fn(&Path) -> PathBuf,
    read: Read,
}

/// A reader with a folder of its own.
pub struct Prepared {
    /// The file that is read.
    pub path: PathBuf,
    read: Read,
}

pub const READERS: [Reader; 19] = [
    Reader::new("model", single, model),
    Reader::new("weights", single, weights),
    Reader::new("checkpoint", single, checkpoint),
    Reader::new("npy", single, npy),
    Reader::new("npz", single, npz),
    Reader::new("csv", single, csv),
    Reader::new("results", |folder| folder.join("results.csv"), results),
    Reader::new("idx", idx_files, idx),
    Reader::new(
        "cifar",
        |folder| cifar_files(folder, "data_batch_3.bin"),
        cifar,
    ),
    Reader::new(
        "cifar_names",
        |folder| cifar_files(folder, "batches.meta.txt"),
        cifar,
    ),
    Reader::new("jpeg", single, image),
    Reader::new("png", single, image),
    Reader::new("webp", single, image),
    Reader::new("bmp", single, image),
    Reader::new("gif", single, image),
    Reader::new("image_folder", photos, folder_of_images),
    Reader::new("packed", frames, packed),
    Reader::new("lmdb", |folder| folder.join("data.mdb"), lmdb),
    Reader::new("datum", |folder| folder.join("record"), datum),
];

impl Reader {
    const fn new(name: &'static str, prepare: fn(&Path) -> PathBuf, read: Read) -> Reader {
        Reader {
            name,
            prepare,
            read,
        }
    }

    /// The reader of a corpus.
    pub fn named(name: &str) -> Option<&'static Reader> {
        READERS.iter().find(|reader| reader.name == name)
    }

    /// Prepares an empty folder. `CANDLEBOOK_CACHE` must be another one.
    pub fn prepare(&self, folder: &Path) -> Prepared {
        Prepared {
            path: (self.prepare)(folder),
            read: self.read,
        }
    }
}

impl Prepared {
    /// Writes a file and reads it, as a user's cell does.
    pub fn read(&self, bytes: &[u8]) -> Result<(), Error> {
        std::fs::write(&self.path, bytes).unwrap();
        (self.read)(&self.path)
    }
}

fn single(folder: &Path) -> PathBuf {
    folder.join("file")
}

fn write(path: PathBuf, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn settings() -> PhotoSettings {
    PhotoSettings {
        size: 4,
        test_split: 0.5,
        ..Default::default()
    }
}

/// Decodes all images.
fn decode(data: &Dataset) -> Result<(), Error> {
    data.train.first(usize::MAX)?;
    data.test.first(usize::MAX)?;
    Ok(())
}

fn model(path: &Path) -> Result<(), Error> {
    Autoencoder::load(path).map(|_| ())
}

fn weights(path: &Path) -> Result<(), Error> {
    let encoder = [Conv2d(2, 3).padding(1), BatchNorm, Relu, Flatten, Linear(3)];
    Autoencoder::symmetric((1, 4, 4), &encoder)?.load_weights(path)
}

fn checkpoint(path: &Path) -> Result<(), Error> {
    if trains_for_long(&std::fs::read(path).unwrap()) {
        return Autoencoder::load(path).map(|_| ());
    }
    let images = Split::from_bytes(vec![100; TRAINING_IMAGES * 4], (1, 2, 2), None)?;
    let data = Dataset::new("images", "", images.clone(), images)?;
    Autoencoder::resume(path, &data).map(|_| ())
}

/// True for an intact checkpoint of more epochs than a test should train.
fn trains_for_long(file: &[u8]) -> bool {
    let json =
        |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap_or_default();
    let Some((length, rest)) = file.split_first_chunk() else {
        return false;
    };
    let length = (u64::from_le_bytes(*length) as usize).min(rest.len());
    let header = json(&rest[..length]);
    let run = header["__metadata__"]["candlebook.training"].as_str();
    let run = json(run.unwrap_or_default().as_bytes());
    let epochs = run["fit"]["epochs"].as_u64().unwrap_or_default();
    let done = run["history"].as_array().map_or(0, Vec::len) as u64;
    epochs.saturating_sub(done) > MAX_EPOCHS
}

fn npy(path: &Path) -> Result<(), Error> {
    let settings = ArraySettings::default();
    npy_images(path, &settings).or_else(|_| npy_vectors(path, &settings))?;
    Ok(())
}

fn csv(path: &Path) -> Result<(), Error> {
    let labeled = CsvSettings {
        labels: Some("kind".into()),
        ..Default::default()
    };
    csv_vectors(path, &labeled).or_else(|_| csv_vectors(path, &CsvSettings::default()))?;
    Ok(())
}

/// Reads and renders the table of a sweep.
fn results(path: &Path) -> Result<(), Error> {
    let found = sweep_results(path.parent().unwrap())?;
    found.table().to_text();
    found.lowest("psnr");
    Ok(())
}

fn npz(path: &Path) -> Result<(), Error> {
    let named = ArraySettings {
        images: Some("x".into()),
        labels: Some("y".into()),
        ..Default::default()
    };
    npz_images(path, &named).or_else(|_| npz_images(path, &ArraySettings::default()))?;
    Ok(())
}

fn idx_files(folder: &Path) -> PathBuf {
    let test = [
        &[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2][..],
        &[9; 4],
    ]
    .concat();
    write(folder.join("t10k-images-idx3-ubyte"), &test);
    folder.join("train-images-idx3-ubyte")
}

fn idx(path: &Path) -> Result<(), Error> {
    let images = idx_folder(path.parent().unwrap());
    images
        .map(|_| ())
        .or_else(|_| Idx::read(path, 1).map(|_| ()))
}

fn cifar_files(folder: &Path, name: &str) -> PathBuf {
    let batches = (1..6).map(|i| format!("data_batch_{i}.bin"));
    for name in batches.chain(["test_batch.bin".into()]) {
        write(folder.join(name), &[1; 3073]);
    }
    folder.join(name)
}

fn cifar(path: &Path) -> Result<(), Error> {
    cifar10_folder(path.parent().unwrap()).map(|_| ())
}

fn image(path: &Path) -> Result<(), Error> {
    Image::open(path)?.tensor().map(|_| ())
}

fn photos(folder: &Path) -> PathBuf {
    for (name, bytes) in [("a", PNG), ("b", JPEG), ("d", PNG), ("e", JPEG), ("f", PNG)] {
        write(
            folder.join("photos").join(name).with_extension("jpg"),
            bytes,
        );
    }
    folder.join("photos/c.jpg")
}

fn folder_of_images(path: &Path) -> Result<(), Error> {
    decode(&image_folder(path.parent().unwrap(), &settings())?)
}

fn cache() -> PathBuf {
    std::env::var_os("CANDLEBOOK_CACHE").unwrap().into()
}

/// The name of the packed file is a hash of the photographs' names and times: it is the one that the crate writes.
fn frames(_: &Path) -> PathBuf {
    write(cache().join("photos/a.png"), PNG);
    write(cache().join("photos/b.png"), PNG);
    packed(Path::new("")).unwrap();
    let mut files = std::fs::read_dir(cache().join("frames")).unwrap();
    files.next().unwrap().unwrap().path()
}

fn packed(_: &Path) -> Result<(), Error> {
    let settings = PhotoSettings {
        packed: true,
        ..settings()
    };
    decode(&image_folder(cache().join("photos"), &settings)?)
}

fn lmdb(path: &Path) -> Result<(), Error> {
    decode(&lmdb_folder(path.parent().unwrap(), &settings())?)
}

/// Reads a record in a database. The rest of its page is a field that no reader knows.
fn datum(path: &Path) -> Result<(), Error> {
    let record = std::fs::read(path).unwrap();
    let mut database = OVERFLOW.to_vec();
    let (value, rest) =
        database[OVERFLOW_RECORD].split_at_mut(record.len().min(OVERFLOW_RECORD.len() - 4));
    value.copy_from_slice(&record[..value.len()]);
    let unknown = rest.len() - 3;
    rest[..3].copy_from_slice(&[0x7a, unknown as u8 | 0x80, (unknown >> 7) as u8]);
    let path = path.with_file_name("data.mdb");
    std::fs::write(&path, database).unwrap();
    lmdb(&path)
}

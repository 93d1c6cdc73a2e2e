//! `docs/formats.md`: every file that its table refuses is refused with the words of the table.

use crate::common::environment;
use crate::support::error;
use candlebook::data::{
    ArraySettings, CsvSettings, cifar10_folder, csv_vectors, idx_folder, lmdb_folder, npy_images,
    npy_vectors, npz_images,
};
use candlebook::prelude::*;
use image::ImageFormat;
use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

/// Writes a file of this kind to an empty folder, and returns the error of its reader.
type Refusal = fn(&Path) -> String;

/// Format, file and refusal of each row.
const CASES: &[(&str, &str, Refusal)] = &[
    ("image", "empty", |dir| open(dir, b"")),
    ("image", "of another kind", |dir| open(dir, b"hello, world")),
    ("image", "of more than 64 megapixels", |dir| {
        open(dir, &changed(ImageFormat::Gif, 6, &[0xff; 4]))
    }),
    ("JPEG", "cut off in its header", |dir| {
        cut(dir, ImageFormat::Jpeg, 100)
    }),
    ("PNG", "cut off", |dir| cut(dir, ImageFormat::Png, 50)),
    ("GIF", "with a frame outside the image", |dir| {
        let gif = encoded(ImageFormat::Gif);
        let frame = [b',', 0, 0, 0, 0, 9, 0, 9, 0];
        let at = gif.windows(9).position(|bytes| bytes == frame).unwrap();
        open(dir, &changed(ImageFormat::Gif, at + 5, &[0xff; 4]))
    }),
    ("WebP", "with EXIF data longer than the file", |dir| {
        let mut webp = corpus("webp/exif.webp");
        let at = webp.windows(4).position(|bytes| bytes == b"EXIF").unwrap();
        webp[at + 4..at + 8].fill(0xff);
        open(dir, &webp)
    }),
    ("BMP", "cut off", |dir| cut(dir, ImageFormat::Bmp, 60)),
    ("npy", "of another format", |dir| npy(dir, b"hello, world")),
    ("npy", "cut off", |dir| {
        npy(dir, &array("|u1", "(1, 2, 2)", &[0; 3]))
    }),
    ("npy", "of objects", |dir| {
        npy(dir, &array("|O", "(1, 2, 2)", &[0; 32]))
    }),
    ("npy", "of int16", |dir| {
        npy(dir, &array("<i2", "(1, 2, 2)", &[0; 8]))
    }),
    ("npy", "of floats above 1", |dir| npy(dir, &floats(2.0))),
    ("npy", "with NaN", |dir| npy(dir, &floats(f32::NAN))),
    ("npy", "of two dimensions", |dir| {
        npy(dir, &array("|u1", "(2, 2)", &[0; 4]))
    }),
    ("npz", "of another format", |dir| {
        npz(dir, None, |path| std::fs::write(path, "hello").unwrap())
    }),
    ("npz", "of several arrays, none named", |dir| {
        npz(dir, None, |path| zip(path, &["a.npy", "b.npy"], 4))
    }),
    ("npz", "without the named array", |dir| {
        npz(dir, Some("x"), |path| zip(path, &["a.npy"], 4))
    }),
    ("npz", "that unpacks to more than 256 MiB", |dir| {
        npz(dir, None, |path| zip(path, &["a.npy"], (256 << 20) + 1))
    }),
    ("npy", "of vectors with NaN", |dir| {
        let nan = [1.0, f32::NAN].map(f32::to_le_bytes).concat();
        let path = put(dir, "x.npy", &array("<f4", "(2, 1)", &nan));
        error(npy_vectors(path, &ArraySettings::default()))
    }),
    ("CSV", "with an empty field", |dir| {
        csv(dir, None, "1,2\n3,\n")
    }),
    ("CSV", "with a line of another length", |dir| {
        csv(dir, None, "1,2\n3\n")
    }),
    ("CSV", "without lines of numbers", |dir| {
        csv(dir, None, "a,b\n")
    }),
    ("CSV", "without the column of labels", |dir| {
        csv(dir, Some("kind"), "a,b\n1,2\n")
    }),
    ("IDX", "missing", |dir| idx(dir, "notes.txt", b"")),
    ("IDX", "of labels for images", |dir| {
        idx(
            dir,
            TRAIN,
            &[0, 0, 8, 1, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
        )
    }),
    ("IDX", "cut off", |dir| {
        idx(
            dir,
            TRAIN,
            &[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 7],
        )
    }),
    ("IDX", "with damaged gzip", |dir| {
        idx(dir, TRAIN, &[0x1f, 0x8b, 8, 0, 0])
    }),
    ("IDX", "with a damaged zip archive", |dir| {
        idx(dir, "mnist.zip", b"PK damaged")
    }),
    ("MNIST", "with another checksum", |dir| {
        let names = [
            "train-images-idx3",
            "train-labels-idx1",
            "t10k-images-idx3",
            "t10k-labels-idx1",
        ];
        for name in names {
            put(dir, &format!("{name}-ubyte"), b"not digits");
        }
        let _guard = environment(&[("CANDLEBOOK_DATA", dir.to_str().unwrap())]);
        error(mnist())
    }),
    ("CIFAR-10", "cut off", |dir| cifar(dir, &[0; 3072])),
    ("CIFAR-10", "with a label without a class", |dir| {
        cifar(dir, &[10; 3073])
    }),
    ("CIFAR-10", "missing", |dir| error(cifar10_folder(dir))),
    ("LMDB", "of another format", |dir| {
        put(dir, "data.mdb", &[0; 1 << 14]);
        error(lmdb_folder(dir, &PhotoSettings::default()))
    }),
    ("LMDB", "missing", |dir| {
        error(lmdb_folder(dir, &PhotoSettings::default()))
    }),
    ("image folder", "without images", |dir| {
        folder(dir, &["notes.txt"])
    }),
    (
        "image folder",
        "with test images, but no training images",
        |dir| folder(dir, &["test/a/1.png"]),
    ),
    ("image folder", "with two training folders", |dir| {
        folder(dir, &["train/1.png", "Training/1.png"])
    }),
    (
        "image folder",
        "with `train` without classes beside other folders",
        |dir| folder(dir, &["train/1.png", "car/1.png"]),
    ),
    ("image folder", "with test images inside a class", |dir| {
        folder(dir, &["a/test/1.png", "b/1.png"])
    }),
    ("image folder", "with too many unreadable images", |dir| {
        for name in ["1.png", "2.png"] {
            put(dir, name, b"torn");
        }
        let settings = PhotoSettings {
            max_unreadable: 0,
            ..Default::default()
        };
        error(image_folder(dir, &settings).and_then(|data| data.train.first(1)))
    }),
    ("safetensors", "cut off", |dir| {
        let bytes = std::fs::read(saved(dir)).unwrap();
        error(Autoencoder::load(put(
            dir,
            "cut",
            &bytes[..bytes.len() / 2],
        )))
    }),
    ("safetensors", "of weights only, loaded as a model", |dir| {
        error(Autoencoder::load(weights(dir)))
    }),
    ("safetensors", "without a weight of the model", |dir| {
        let layers = [Flatten, Linear(3)];
        let mut ae = Autoencoder::symmetric((1, 2, 2), &layers).unwrap();
        error(ae.load_weights(weights(dir)))
    }),
    ("checkpoint", "without a training run", |dir| {
        let images = Split::from_bytes(vec![0; 16], (1, 2, 2), None).unwrap();
        let data = Dataset::new("images", "", images.clone(), images).unwrap();
        error(Autoencoder::resume(saved(dir), &data))
    }),
];

const TRAIN: &str = "train-images-idx3-ubyte";

fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

fn corpus(name: &str) -> Vec<u8> {
    std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/corpus")
            .join(name),
    )
    .unwrap()
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image::RgbImage::new(9, 9)
        .write_to(&mut bytes, format)
        .unwrap();
    bytes.into_inner()
}

/// An image with other bytes at a position.
fn changed(format: ImageFormat, at: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = encoded(format);
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes
}

fn open(dir: &Path, bytes: &[u8]) -> String {
    error(Image::open(put(dir, "image", bytes)))
}

fn cut(dir: &Path, format: ImageFormat, at: usize) -> String {
    open(dir, &encoded(format)[..at])
}

/// A `.npy` file.
fn array(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (head.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], head.as_bytes(), data].concat()
}

fn floats(last: f32) -> Vec<u8> {
    array(
        "<f4",
        "(1, 1, 2)",
        &[0.5, last].map(f32::to_le_bytes).concat(),
    )
}

fn npy(dir: &Path, bytes: &[u8]) -> String {
    error(npy_images(
        put(dir, "x.npy", bytes),
        &ArraySettings::default(),
    ))
}

fn npz(dir: &Path, images: Option<&str>, write: fn(&Path)) -> String {
    let path = dir.join("x.npz");
    write(&path);
    let settings = ArraySettings {
        images: images.map(str::to_owned),
        ..Default::default()
    };
    error(npz_images(path, &settings))
}

fn csv(dir: &Path, labels: Option<&str>, text: &str) -> String {
    let settings = CsvSettings {
        labels: labels.map(str::to_owned),
        ..Default::default()
    };
    error(csv_vectors(put(dir, "x.csv", text.as_bytes()), &settings))
}

/// A zip archive of arrays of zeros.
fn zip(path: &Path, names: &[&str], bytes: usize) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let options = zip::write::SimpleFileOptions::default().compression_level(Some(1));
    for name in names {
        archive.start_file(*name, options).unwrap();
        let head = array("|u1", &format!("(1, 1, {bytes})"), &[]);
        archive.write_all(&head).unwrap();
        let zeros = vec![0; 1 << 20];
        for at in (0..bytes).step_by(zeros.len()) {
            archive
                .write_all(&zeros[..zeros.len().min(bytes - at)])
                .unwrap();
        }
    }
    archive.finish().unwrap();
}

fn idx(dir: &Path, name: &str, bytes: &[u8]) -> String {
    put(dir, name, bytes);
    error(idx_folder(dir))
}

fn cifar(dir: &Path, bytes: &[u8]) -> String {
    put(dir, "data_batch_1.bin", bytes);
    error(cifar10_folder(dir))
}

/// Writes an image to each file.
fn folder(dir: &Path, names: &[&str]) -> String {
    for name in names {
        put(dir, name, &encoded(ImageFormat::Png));
    }
    error(image_folder(dir, &PhotoSettings::default()))
}

fn saved(dir: &Path) -> PathBuf {
    let path = dir.join("saved");
    let ae = Autoencoder::symmetric((1, 2, 2), &[Flatten, Linear(2)]).unwrap();
    ae.save(&path).unwrap();
    path
}

/// A file of other weights than the model's.
fn weights(dir: &Path) -> PathBuf {
    let path = dir.join("weights");
    let tensor = Tensor::zeros((2, 2), DType::F32, &Device::Cpu).unwrap();
    tensor.save_safetensors("other.weight", &path).unwrap();
    path
}

/// Format, file and words of each row of the table of refused files.
fn rows() -> Vec<[String; 3]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md");
    let text = std::fs::read_to_string(path).unwrap();
    let table = text.split_once("| words of the error |\n").unwrap().1;
    let cells = |row: &str| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [format, file, words] = cells[..] else {
            panic!("expected three cells, got {row}");
        };
        [format, file, words.trim_matches('`')].map(str::to_owned)
    };
    table
        .lines()
        .skip(1)
        .take_while(|row| row.starts_with('|'))
        .map(cells)
        .collect()
}

#[test]
fn refused_files_give_the_words_of_the_table() {
    let rows = rows();
    for [format, file, words] in &rows {
        let case = CASES.iter().find(|case| (case.0, case.1) == (format, file));
        let Some((_, _, refusal)) = case else {
            panic!("no test for {format} {file}");
        };
        let dir = tempfile::tempdir().unwrap();
        let error = refusal(dir.path());
        assert!(
            error.contains(words),
            "{format} {file}: expected {words}, got {error}"
        );
    }
    let named: BTreeSet<_> = rows
        .iter()
        .map(|[format, file, _]| (&format[..], &file[..]))
        .collect();
    let tested = CASES.iter().map(|case| (case.0, case.1)).collect();
    assert_eq!(named, tested);
}

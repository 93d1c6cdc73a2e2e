use super::*;
use crate::data::download::test_mirror;
use crate::file::sha256_hex;

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

const IMAGES: [u8; 17] = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 200];
const LABELS: [u8; 9] = [0, 0, 8, 1, 0, 0, 0, 1, 4];
/// Labels of another set.
const OTHER_LABELS: [u8; 9] = [0, 0, 8, 1, 0, 0, 0, 1, 5];

/// A data set of one image of one pixel, and a local mirror of it.
fn tiny() -> IdxSet {
    let (images, labels) = (IMAGES.to_vec(), LABELS.to_vec());
    let sums = [&images, &labels, &images, &labels];
    let sha256 = sums.map(|bytes| leaked(sha256_hex(bytes)));
    let answer = move |request: &str| {
        if request.contains("images") {
            images.clone()
        } else {
            labels.clone()
        }
    };
    let mirror = leaked(test_mirror::serve(8, answer));
    IdxSet {
        name: "Tiny",
        location: Location {
            folder: "tiny",
            torchvision: None,
            system: None,
        },
        mirrors: Box::leak(Box::new([mirror])),
        sha256,
    }
}

fn pixel(split: &Split) -> f32 {
    split
        .first(1)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1::<f32>()
        .unwrap()[0]
}

#[test]
fn verified_downloads_are_cached() {
    let set = tiny();
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().join("tiny");
    let data = set.download(Some(folder.clone()), &[]).unwrap();
    assert_eq!(
        (pixel(&data.train), data.test.labels()),
        (200.0 / 255.0, Some(vec![4]))
    );
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 4);
    let data = set.read(IdxFiles::find(&folder)).unwrap();
    assert_eq!(
        (pixel(&data.test), data.train.labels()),
        (200.0 / 255.0, Some(vec![4]))
    );
}

#[test]
fn an_unwritable_cache_does_not_fail_the_download() {
    let set = tiny();
    let file = tempfile::NamedTempFile::new().unwrap();
    let folder = file.path().join("tiny");
    let data = set.download(Some(folder.clone()), &[]).unwrap();
    assert_eq!(pixel(&data.train), 200.0 / 255.0);
    let (mirrors, hint) = (Vec::new(), String::new());
    let download = Download {
        name: "x",
        mirrors,
        cache: Some(folder),
        hint,
    };
    let error = download.keep(b"").unwrap_err().to_string();
    assert!(error.contains("cannot create"), "{error}");
}

/// Writes the four files, or the first `n`, with these test labels.
fn write(folder: &Path, n: usize, test_labels: &[u8]) {
    std::fs::create_dir_all(folder).unwrap();
    let contents = [&IMAGES[..], &LABELS, &IMAGES, test_labels];
    for (name, bytes) in IDX_NAMES.iter().zip(contents).take(n) {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

/// A shared folder, then the set's own.
fn folders(root: &Path) -> [DataFolder; 2] {
    [("data", true), ("own", false)].map(|(name, shared)| DataFolder {
        path: root.join(name),
        shared,
    })
}

/// A set that is known besides the tiny one.
fn other() -> IdxSet {
    let mut sha256 = MNIST.sha256;
    sha256[TEST_LABELS] = leaked(sha256_hex(&OTHER_LABELS));
    IdxSet {
        name: "Other",
        sha256,
        ..MNIST
    }
}

#[test]
fn a_folder_of_another_set_is_passed_over() {
    let set = tiny();
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let data = folders[0].path.display().to_string();
    write(&folders[0].path, 4, &OTHER_LABELS);
    for (known, words) in [
        (vec![other()], "holds Other"),
        (vec![], "holds another set: its test labels are not Tiny's"),
    ] {
        let Search::Passed(passed) = set.search(&folders, &known) else {
            panic!("the other set is used");
        };
        assert_eq!(passed, [format!("{data} {words}")]);
    }
    write(&folders[1].path, 4, &LABELS);
    let Search::Found(files) = set.search(&folders, &[other()]) else {
        panic!("the own folder is passed over");
    };
    assert_eq!(files.folder(), folders[1].path);
    assert_eq!(pixel(&set.read(*files).unwrap().train), 200.0 / 255.0);
}

#[test]
fn some_of_the_files_are_named_with_the_missing_ones() {
    let set = tiny();
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    write(&folders[0].path, 2, &LABELS);
    let Search::Passed(passed) = set.search(&folders, &[]) else {
        panic!("an incomplete set is used");
    };
    let sentence = format!(
        "{} has train-images-idx3-ubyte, train-labels-idx1-ubyte but no t10k-images-idx3-ubyte, \
         t10k-labels-idx1-ubyte",
        folders[0].path.display()
    );
    assert_eq!(passed, [sentence.as_str()]);
    let offline = IdxSet {
        mirrors: &[],
        ..set
    };
    let error = offline.download(None, &passed).unwrap_err().to_string();
    assert!(
        error.contains("put the four Tiny files into $CANDLEBOOK_DATA/tiny (")
            && error.contains(&sentence),
        "{error}"
    );
}

#[test]
fn damaged_labels_are_an_error_and_no_other_set() {
    let set = tiny();
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    write(&folders[0].path, 4, &LABELS[..8]);
    let Search::Found(files) = set.search(&folders, &[]) else {
        panic!("damaged files are passed over");
    };
    let error = set.read(*files).unwrap_err().to_string();
    let words = "t10k-labels-idx1-ubyte: expected Tiny's t10k-labels-idx1-ubyte (SHA-256 ";
    assert!(error.contains(words), "{error}");
}

#[test]
fn an_archive_beside_another_set_is_found() {
    let set = tiny();
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    write(&folders[0].path, 4, &OTHER_LABELS);
    let archive = folders[0].path.join("tiny.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&archive).unwrap());
    for (name, bytes) in IDX_NAMES
        .iter()
        .zip([&IMAGES[..], &LABELS, &IMAGES, &LABELS])
    {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(format!("raw/{name}"), options).unwrap();
        std::io::Write::write_all(&mut zip, bytes).unwrap();
    }
    zip.finish().unwrap();
    let Search::Found(files) = set.search(&folders, &[other()]) else {
        panic!("the archive is passed over");
    };
    assert_eq!(files.folder(), archive);
    assert_eq!(set.read(*files).unwrap().test.labels(), Some(vec![4]));
}

#[test]
fn a_missing_data_folder_is_named() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let Search::Passed(passed) = tiny().search(&folders, &[]) else {
        panic!("something is found");
    };
    assert_eq!(
        passed,
        [format!("{} does not exist", folders[0].path.display())]
    );
}

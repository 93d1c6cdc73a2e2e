use super::*;
use crate::data::download::test_mirror;
use crate::file::sha256_hex;

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// A data set of one image of one pixel, and a local mirror of it.
fn tiny() -> IdxSet {
    let images = vec![0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 200];
    let labels = vec![0, 0, 8, 1, 0, 0, 0, 1, 4];
    let files = MNIST.files.map(|file| {
        let bytes = if file.name.contains("images") {
            &images
        } else {
            &labels
        };
        IdxFile {
            name: file.name,
            sha256: leaked(sha256_hex(bytes)),
        }
    });
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
            system: None,
        },
        mirrors: Box::leak(Box::new([mirror])),
        files,
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
    let data = set.download(Some(folder.clone())).unwrap();
    assert_eq!(
        (pixel(&data.train), data.test.labels()),
        (200.0 / 255.0, Some(vec![4]))
    );
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 4);
    let data = set.read(&folder).unwrap();
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
    let data = set.download(Some(folder.clone())).unwrap();
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

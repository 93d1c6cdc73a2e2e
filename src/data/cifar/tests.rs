use super::*;
use crate::data::download::test_mirror;
use crate::file::sha256_hex;
use std::io::Write;

/// An archive of six small files, and a local mirror that answers once.
fn tiny() -> Archive {
    let mut tar = tar::Builder::new(Vec::new());
    let mut put = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, name, bytes).unwrap();
    };
    for (i, name) in TRAIN_FILES.iter().chain([&TEST_FILE]).enumerate() {
        let record = [vec![i as u8], vec![10 * i as u8; RECORD_BYTES - 1]].concat();
        put(&format!("{ARCHIVE_FOLDER}/{name}"), &record);
    }
    put(&format!("{ARCHIVE_FOLDER}/readme.html"), b"ignored");
    put("data_batch_1.bin", b"in another folder");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&tar.into_inner().unwrap()).unwrap();
    let body = gzip.finish().unwrap();
    let sum = sha256_hex(&body);
    let url = test_mirror::serve(1, move |_| body.clone());
    let url: &'static str = Box::leak(url.into_boxed_str());
    Archive {
        name: CIFAR10.name,
        sha256: Box::leak(sum.into_boxed_str()),
        mirrors: Box::leak(Box::new([url])),
    }
}

#[test]
fn a_download_is_cached_as_the_archive() {
    let archive = tiny();
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().join("cifar10");
    let data = archive.download(Some(folder.clone()), &[]).unwrap();
    let entries = std::fs::read_dir(&folder).unwrap();
    let cached: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(cached, [folder.join(CIFAR10.name)]);
    let raw = std::fs::read(&cached[0]).unwrap();
    let again = archive
        .unpack(&cached[0], "the cache".into(), &raw)
        .unwrap();
    for data in [data, again] {
        assert_eq!(data.train.labels().unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(
            (data.test.labels().unwrap(), data.image_shape()),
            (vec![5], SHAPE)
        );
        let last = data.test.first(1).unwrap().flatten_all().unwrap();
        assert_eq!(last.to_vec1::<f32>().unwrap(), [50.0 / 255.0; 3072]);
        assert_eq!(data.train.classes().unwrap(), CLASSES);
    }
    let error = archive
        .unpack(&cached[0], String::new(), &raw[1..])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("expected CIFAR-10's archive (SHA-256"),
        "{error}"
    );
    assert!(
        error.contains("Delete the file if it is damaged"),
        "{error}"
    );
}

#[test]
fn a_truncated_archive_is_an_error() {
    let archive = tiny();
    let cache = tempfile::tempdir().unwrap();
    archive
        .download(Some(cache.path().to_owned()), &[])
        .unwrap();
    let raw = std::fs::read(cache.path().join(CIFAR10.name)).unwrap();
    for end in [0, 1, 20, raw.len() / 2] {
        let part = &raw[..end];
        let sha256: &'static str = Box::leak(sha256_hex(part).into_boxed_str());
        let truncated = Archive { sha256, ..archive };
        let error = truncated
            .unpack(Path::new("a.tar.gz"), String::new(), part)
            .unwrap_err();
        assert!(
            error.to_string().starts_with("a.tar.gz: expected a"),
            "{error}"
        );
    }
}

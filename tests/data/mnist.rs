//! MNIST: the embedded digits, the search for the files, checksums, the cache, offline use.

use crate::common::environment;
use crate::support::error;
use candlebook::prelude::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn embedded_digits_are_balanced() {
    let data = mnist_embedded().unwrap();
    for (split, each) in [(&data.train, 400), (&data.test, 100)] {
        let labels = split.labels().unwrap();
        for digit in 0..10 {
            assert_eq!(
                labels.iter().filter(|&&label| label == digit).count(),
                each,
                "digit {digit}"
            );
        }
    }
    let sum = |split: &Split| {
        split
            .first(5000)
            .unwrap()
            .sum_all()
            .unwrap()
            .to_scalar::<f32>()
            .unwrap() as f64
    };
    let mean = (sum(&data.train) + sum(&data.test)) / (5000.0 * 784.0);
    assert!((mean - MEAN).abs() < 1e-5, "{mean}");
}

/// python3 -c "import numpy, gzip; a = numpy.loadtxt(gzip.open('mnist_5k.csv.gz'), delimiter=','); print(a[:, :-1].mean() / 255)"
const MEAN: f64 = 0.13131962985194076;

#[test]
fn offline_mnist_falls_back_to_the_embedded_digits() {
    let folder = tempfile::tempdir().unwrap();
    let _guard = environment(&[
        ("CANDLEBOOK_OFFLINE", "1"),
        ("CANDLEBOOK_CACHE", text(folder.path())),
    ]);
    assert_eq!(mnist().unwrap().train.len(), 4000);
    let fashion = fashion_mnist();
    if !Path::new("/usr/share/datasets/fashion-mnist").is_dir() {
        assert_eq!(
            error(fashion),
            "train-images-idx3-ubyte.gz: expected a download from one of 0 mirrors, got: CANDLEBOOK_OFFLINE is set. \
             Check the network, or set CANDLEBOOK_DATA and put the four Fashion-MNIST files into \
             $CANDLEBOOK_DATA/fashion-mnist"
        );
    }
}

#[test]
fn files_with_another_checksum_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "train-images-idx3",
        "train-labels-idx1",
        "t10k-images-idx3",
        "t10k-labels-idx1",
    ] {
        std::fs::write(folder.path().join(format!("{name}-ubyte")), b"not digits").unwrap();
    }
    let _guard = environment(&[("CANDLEBOOK_DATA", text(folder.path()))]);
    let error = error(mnist());
    assert!(
        error.contains("expected MNIST's train-images-idx3-ubyte (SHA-256 ba891046")
            && error.contains("got SHA-256"),
        "{error}"
    );
    assert!(
        error.contains("Delete the file if it is damaged; for other files use idx_folder(path)"),
        "{error}"
    );
}

/// Starts a mirror that answers every request with these bytes.
fn mirror(body: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().take(8).flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(body));
        }
    });
    format!("http://{address}")
}

#[test]
fn downloads_with_another_checksum_are_not_cached() {
    let cache = tempfile::tempdir().unwrap();
    let mirror = mirror(b"a login page, say");
    let _guard = environment(&[
        ("CANDLEBOOK_MIRROR", &mirror),
        ("CANDLEBOOK_CACHE", text(cache.path())),
    ]);
    // MNIST falls back to the embedded digits; there are none for Fashion-MNIST.
    assert_eq!(mnist().unwrap().train.len(), 4000);
    if !Path::new("/usr/share/datasets/fashion-mnist").is_dir() {
        let error = error(fashion_mnist());
        assert!(
            error.contains("1 mirrors") && error.contains("expected Fashion-MNIST's train-images"),
            "{error}"
        );
    }
    assert_eq!(
        std::fs::read_dir(cache.path()).unwrap().count(),
        0,
        "nothing is cached"
    );
}

#[test]
fn full_mnist_is_found_and_verified() {
    let Some(folder) = std::env::var_os("CANDLEBOOK_TEST_MNIST").map(PathBuf::from) else {
        println!("skipped: set CANDLEBOOK_TEST_MNIST to a folder with the four MNIST files");
        return;
    };
    let _guard = environment(&[
        ("CANDLEBOOK_DATA", text(&folder)),
        ("CANDLEBOOK_OFFLINE", "1"),
    ]);
    let data = mnist().unwrap();
    assert_eq!((data.train.len(), data.test.len()), (60_000, 10_000));
    assert_eq!(&data.train.labels().unwrap()[..5], [5, 0, 4, 1, 9]);
    // The folder holds another set than the one asked for: nothing advises to delete its files.
    if !Path::new("/usr/share/datasets/fashion-mnist").is_dir() {
        let words = format!("({} holds MNIST)", folder.display());
        let error = error(fashion_mnist());
        assert!(
            error.ends_with(&words) && !error.contains("Delete"),
            "{error}"
        );
    }
}

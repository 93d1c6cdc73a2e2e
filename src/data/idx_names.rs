//! Names of the four files of MNIST and of sets like it, which programs that unpack and copy them
//! vary.
//!
//! The kernel's doctor includes this file by its path, so it uses the standard library only.

use std::path::{Path, PathBuf};

/// The files in the order training images and labels, test images and labels.
pub(crate) const IDX_NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// The index into [`IDX_NAMES`] of the file that a name means. Names may be in any case, have dots
/// or underscores for dashes, `test` for `t10k`, a shorter end and `.gz`.
pub(crate) fn idx_index(name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let words: Vec<&str> = name.split(['-', '_', '.', ' ']).collect();
    let [split, kind, end @ ..] = words.as_slice() else {
        return None;
    };
    let (kind, idx) = match *kind {
        "images" => (0, "idx3"),
        "labels" => (1, "idx1"),
        _ => return None,
    };
    let known = [
        &[][..],
        &["ubyte"],
        &["idx"],
        &[idx],
        &["idx", "ubyte"],
        &[idx, "ubyte"],
    ];
    match *split {
        _ if !known.contains(&end) => None,
        "train" => Some(kind),
        "t10k" | "test" => Some(2 + kind),
        _ => None,
    }
}

/// The files with these names in a folder, best first: the usual name, then the others. A folder
/// with such a name counts for a file with such a name inside it, as Kaggle's archives unpack.
pub(crate) fn idx_paths(folder: &Path) -> [Vec<PathBuf>; 4] {
    let mut found: [Vec<PathBuf>; 4] = Default::default();
    for (index, path) in named(folder) {
        if path.is_dir() {
            let inner = named(&path).into_iter();
            let same = inner.filter(|(inner, path)| *inner == index && path.is_file());
            found[index].extend(same.map(|(_, path)| path));
        } else if path.is_file() {
            found[index].push(path);
        }
    }
    for (paths, usual) in found.iter_mut().zip(IDX_NAMES) {
        paths.sort_by_key(|path| {
            let name = path.strip_prefix(folder).unwrap_or(path).to_owned();
            let gzip = Path::new(usual).with_extension("gz");
            (
                name != Path::new(usual),
                name != gzip,
                name.components().count(),
                name,
            )
        });
    }
    found
}

/// The zip archives in a folder, sorted; none if it cannot be read.
pub(crate) fn zip_paths(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_zip = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default();
        extension.eq_ignore_ascii_case("zip") && path.is_file()
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_zip).collect();
    paths.sort();
    paths
}

/// Entries of a folder whose names mean one of the files; none if it cannot be read.
fn named(folder: &Path) -> Vec<(usize, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter_map(|entry| {
        let index = idx_index(entry.file_name().to_str()?)?;
        Some((index, entry.path()))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_names_mean_one_of_the_four_files() {
        for (name, index) in [
            ("train-images-idx3-ubyte", Some(0)),
            ("train-labels-idx1-ubyte.gz", Some(1)),
            ("t10k-images.idx3-ubyte", Some(2)),
            ("T10K-Labels.IDX1-UBYTE.GZ", Some(3)),
            ("train_images_idx3_ubyte", Some(0)),
            ("test-labels", Some(3)),
            ("train-images.idx", Some(0)),
            ("train-images-idx1-ubyte", None),
            ("emnist-letters-train-images-idx3-ubyte", None),
            ("train-images-idx3-ubyte.part", None),
            ("train-images-idx3-ubyte.zip", None),
            ("._train-images-idx3-ubyte", None),
            ("train", None),
        ] {
            assert_eq!(idx_index(name), index, "{name}");
        }
    }

    #[test]
    fn the_usual_name_comes_first_and_folders_of_the_name_last() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let nested = root.join("train-images-idx3-ubyte");
        std::fs::create_dir(&nested).unwrap();
        std::fs::create_dir(root.join("t10k-labels-idx1-ubyte")).unwrap();
        for name in [
            "b.ZIP",
            "a.zip",
            "train-images-idx3-ubyte/train-images-idx3-ubyte",
            "train-images-idx3-ubyte.gz",
            "train-images.idx3-ubyte",
            "t10k-labels-idx1-ubyte/readme",
        ] {
            std::fs::write(root.join(name), b"").unwrap();
        }
        assert_eq!(zip_paths(root), [root.join("a.zip"), root.join("b.ZIP")]);
        let [images, labels, test_images, test_labels] = idx_paths(root);
        assert_eq!(
            images,
            [
                root.join("train-images-idx3-ubyte.gz"),
                root.join("train-images.idx3-ubyte"),
                nested.join("train-images-idx3-ubyte"),
            ]
        );
        for none in [
            labels,
            test_images,
            test_labels,
            idx_paths(&nested.join("none"))[0].clone(),
        ] {
            assert_eq!(none, Vec::<PathBuf>::new());
        }
    }
}

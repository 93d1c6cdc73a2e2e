use super::*;
use crate::data::photo::PhotoSource;

/// Relative paths of the training and the test images, and the notes.
#[derive(Debug, PartialEq)]
struct Found {
    train: Vec<String>,
    test: Option<Vec<String>>,
    classes: Vec<String>,
    notes: Vec<String>,
}

/// Reads a folder with these files, or folders if they end in a slash.
fn layout(files: &[&str]) -> std::result::Result<Found, String> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in files {
        let path = root.join(name);
        if name.ends_with('/') {
            std::fs::create_dir_all(path).unwrap();
        } else {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
    }
    let prefix = format!("{}/", root.display());
    let short = |text: String| {
        text.replace(&prefix, "")
            .replace(&root.display().to_string(), "ROOT")
    };
    let found = FolderLayout::of(root).map_err(|error| short(error.to_string()))?;
    let names = |files: &PhotoFiles| {
        let paths = (0..files.len()).map(|i| files.name(i).display().to_string());
        paths.map(short).collect()
    };
    let classes = found.train.classes().iter();
    Ok(Found {
        train: names(&found.train),
        test: found.test.as_ref().map(names),
        classes: classes
            .map(|name| name.to_string_lossy().into_owned())
            .collect(),
        notes: found.notes.into_iter().map(short).collect(),
    })
}

/// Asserts the number of training and of test images, the classes and the notes.
fn check(files: &[&str], train: usize, test: Option<usize>, classes: &[&str], notes: &[&str]) {
    let found = layout(files).unwrap_or_else(|error| panic!("{files:?}: {error}"));
    let n = (found.train.len(), found.test.as_ref().map(Vec::len));
    assert_eq!(n, (train, test), "{files:?}: {found:?}");
    assert_eq!(found.classes, classes, "{files:?}");
    assert_eq!(found.notes, notes, "{files:?}");
    let in_test = |path: &String| path.to_lowercase().contains("test") || path.contains("val/");
    if test.is_some() {
        assert!(!found.train.iter().any(in_test), "{files:?}: {found:?}");
    }
}

fn refused(files: &[&str], error: &str) {
    let found = layout(files).unwrap_err();
    assert!(found.contains(error), "{files:?}: {found}");
}

#[test]
fn names_of_splits_may_have_any_usual_form() {
    for [train, test] in [
        ["Training", "Test"],
        ["TRAIN", "TEST"],
        ["training_set", "testing_set"],
        ["Train", "Validation"],
        ["train", "dev"],
        ["train2017", "val2017"],
        ["seg_train", "seg_test"],
        ["trainset", "holdout"],
    ] {
        let file = |split: &str, name: &str| format!("{split}/{name}.png");
        let files = [
            file(train, "a/1"),
            file(train, "b/2"),
            file(test, "a/3"),
            file(test, "b/4"),
        ];
        let files = files.each_ref().map(String::as_str);
        check(&files, 2, Some(2), &["a", "b"], &[]);
        assert_eq!(layout(&files).unwrap().test.unwrap(), &files[2..]);
    }
}

#[test]
fn what_programs_leave_is_nothing() {
    let files = [
        "cats/1.png",
        "dogs/2.png",
        "cats/.ipynb_checkpoints/1-checkpoint.png",
        ".ipynb_checkpoints/0.png",
        "__MACOSX/cats/._1.png",
        "__MACOSX/cats/1.png",
        "@eaDir/1.png/thumb.jpg",
        ".test/3.png",
        "Thumbs.db",
    ];
    check(&files, 2, None, &["cats", "dogs"], &[]);
}

#[test]
fn a_training_folder_alone_is_held_out_from() {
    check(
        &["Training/a/1.png", "Training/b/2.png"],
        2,
        None,
        &["a", "b"],
        &[],
    );
    check(&["train/1.png", "train/2.png"], 2, None, &[], &[]);
}

#[test]
fn with_validation_and_test_images_the_test_set_is_the_latter() {
    let files = [
        "train/a/1.png",
        "val/a/2.png",
        "test/a/3.png",
        "test/a/4.png",
    ];
    check(
        &files,
        1,
        Some(2),
        &["a"],
        &["read: train, test; not read: val"],
    );
    // ImageNet's test images have no classes.
    let files = ["train/a/1.png", "val/a/2.png", "test/3.png", "test/4.png"];
    check(
        &files,
        1,
        Some(1),
        &["a"],
        &["read: train, val; not read: test"],
    );
}

#[test]
fn a_test_folder_beside_classes_is_never_trained_on() {
    let note = "images of test are for testing, the others for training";
    let files = [
        "cats/1.png",
        "dogs/2.png",
        "test/cats/3.png",
        "test/dogs/4.png",
    ];
    check(&files, 2, Some(2), &["cats", "dogs"], &[note]);
    check(
        &["cats/1.png", "dogs/2.png", "test/3.png"],
        2,
        Some(1),
        &["cats", "dogs"],
        &[note],
    );
    check(&["1.png", "2.png", "test/3.png"], 2, Some(1), &[], &[note]);
    let files = ["cats/1.png", "test/cats/2.png", "val/cats/3.png"];
    let note = "images of test are for testing, the others for training; not read: val";
    check(&files, 1, Some(1), &["cats"], &[note]);
}

#[test]
fn test_images_without_training_images_are_refused() {
    refused(
        &["test/cats/1.png", "test/dogs/2.png"],
        "ROOT: expected a folder train beside test, got test. Move the training images into a folder train; or, as \
         to test, load it alone to hold out a share of its images",
    );
    refused(
        &["val/1.png", "test/2.png"],
        "expected a folder train beside test, got test, val. ",
    );
    refused(
        &["valid/1.png", "invalid/2.png"],
        "expected a folder train beside valid, got invalid, valid. Move the training images into a folder train; \
         or, as to valid, rename it if it is a class",
    );
    refused(&["train/", "test/a/1.png"], "train: expected images (");
    refused(&["train/a/1.png", "test/"], "test: expected images (");
}

#[test]
fn several_folders_for_one_split_are_refused() {
    refused(
        &["train/a/1.png", "Training/a/2.png", "test/a/3.png"],
        "ROOT: expected one folder of training images, got Training, train. Rename the others",
    );
    refused(
        &["train/a/1.png", "test/a/2.png", "Testing/a/3.png"],
        "one folder of test images, got Testing, test",
    );
    refused(
        &["train/1.png", "val/2.png", "dev/3.png"],
        "one folder of validation images, got dev, val",
    );
}

#[test]
fn folders_beside_splits_are_named_or_refused() {
    let files = ["train/a/1.png", "test/a/2.png", "unlabelled/3.png"];
    check(
        &files,
        1,
        Some(1),
        &["a"],
        &["read: train, test; not read: unlabelled"],
    );
    let files = ["train/a/1.png", "extra/3.png"];
    check(&files, 1, None, &["a"], &["read: train; not read: extra"]);
    refused(
        &["train/1.png", "car/2.png", "plane/3.png"],
        "expected train as the training set, or as one of the classes, got train beside car, plane. Rename train \
         if it is a class; move the others away if it is the training set",
    );
}

#[test]
fn classes_may_hold_the_splits() {
    let files = [
        "a/train/1.png",
        "a/test/2.png",
        "b/train/3.png",
        "b/test/4.png",
    ];
    check(
        &files,
        2,
        Some(2),
        &["a", "b"],
        &["each class has folders train and test"],
    );
    let words = "ROOT: expected folders of training and of test images directly in it, got b/test";
    refused(&["a/train/1.png", "b/test/4.png"], words);
    refused(&["a/1.png", "b/2.png", "b/test/4.png"], words);
    refused(
        &[
            "one/train/a/1.png",
            "one/test/a/2.png",
            "two/train/a/3.png",
            "two/test/a/4.png",
        ],
        "got one/test",
    );
    refused(
        &["2019/summer/Test/1.png", "2019/2.png", "2020/3.png"],
        "got 2019/summer/Test",
    );
    // Below the splits, `test` is a class.
    let files = [
        "train/control/1.png",
        "train/test/2.png",
        "val/control/3.png",
        "val/test/4.png",
    ];
    assert_eq!(layout(&files).unwrap().classes, ["control", "test"]);
}

#[test]
fn the_only_folder_is_read_as_archives_unpack() {
    let note = "images are those of archive, the only folder";
    let files = [
        "archive/train/a/1.png",
        "archive/test/a/2.png",
        "__MACOSX/x/3.png",
    ];
    check(&files, 1, Some(1), &["a"], &[note]);
    check(
        &["archive/a/1.png", "archive/b/2.png"],
        2,
        None,
        &["a", "b"],
        &[note],
    );
    let files = [
        "training_set/training_set/a/1.png",
        "test_set/test_set/a/2.png",
    ];
    check(&files, 1, Some(1), &["a"], &[]);
    let note = "images are those of images, the only folder";
    check(
        &[
            "images/train/1.png",
            "images/val/2.png",
            "labels/train/1.txt",
        ],
        1,
        Some(1),
        &[],
        &[note],
    );
    check(&["cats/1.png", "cats/2.png"], 2, None, &["cats"], &[]);
}

#[test]
fn classes_without_images_or_in_one_split_are_named() {
    let files = ["cats/1.png", "dogs/2.png", "birds/notes.txt", "fish/"];
    let note = "no class, for want of images: birds, fish";
    check(&files, 2, None, &["cats", "dogs"], &[note]);
    let note = "no class, for want of images: dogs";
    check(&["cats/deep/1.png", "dogs/"], 1, None, &["cats"], &[note]);
    let notes = [
        "only the training set has the classes a",
        "only the test set has the classes c, d",
    ];
    let files = [
        "train/a/1.png",
        "train/b/2.png",
        "test/b/3.png",
        "test/c/4.png",
        "test/d/5.png",
    ];
    check(&files, 2, Some(3), &["a", "b"], &notes);
}

#[test]
fn images_beside_folders_have_no_labels() {
    let found = layout(&["1.png", "cats/2.png", "dogs/3.png"]).unwrap();
    assert_eq!((found.train.len(), found.classes.len()), (3, 0));
    let note = "no labels, because images lie directly in ROOT, beside folders";
    assert_eq!(found.notes, [note]);
}

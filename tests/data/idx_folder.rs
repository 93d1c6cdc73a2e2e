//! Folders of one's own pictures in MNIST's file format.

use candlebook::idx_folder;

#[test]
fn an_idx_folder_of_ones_own_is_a_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |name: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(name), bytes).unwrap();
    let images = |n: u8| {
        [
            vec![0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 1, 0, 0, 0, 2],
            vec![9; 2 * n as usize],
        ]
        .concat()
    };
    write("train-images-idx3-ubyte", images(3));
    let error = idx_folder(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("expected a file t10k-images-idx3-ubyte[.gz], got none"),
        "{error}"
    );
    write("t10k-images-idx3-ubyte", images(1));
    write("t10k-labels-idx1-ubyte", vec![0, 0, 8, 1, 0, 0, 0, 1, 5]);
    let data = idx_folder(folder.path()).unwrap();
    assert_eq!(
        (data.train.len(), data.test.len(), data.image_shape()),
        (3, 1, (1, 1, 2))
    );
    assert_eq!(
        (data.train.labels(), data.test.labels()),
        (None, Some(vec![5]))
    );
}

//! Saving weights files.

use candlebook::prelude::*;

fn model() -> Autoencoder {
    Autoencoder::symmetric((1, 3, 4), &[Flatten, Linear(5)]).unwrap()
}

#[cfg(unix)]
#[test]
fn saving_keeps_the_permissions_of_an_existing_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ae.safetensors");
    std::fs::write(&path, b"old").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    model().save(&path).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn saving_to_a_missing_folder_is_an_error() {
    let error = model()
        .save("/no/such/folder/ae.safetensors")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("/no/such/folder/ae.safetensors: cannot write: "),
        "{error}"
    );
}

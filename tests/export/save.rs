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
fn saving_to_a_missing_folder_says_what_a_checkpoint_in_it_says() {
    let (path, data) = ("/no/such/folder/ae.safetensors", mnist_embedded().unwrap());
    let error = model().save(path).unwrap_err().to_string();
    assert_eq!(
        error,
        "/no/such/folder: expected a folder for ae.safetensors, got none. \
         Create it: std::fs::create_dir_all(\"/no/such/folder\")?"
    );
    let checkpoint = Some(path.into());
    let fit = Fit {
        checkpoint,
        ..Default::default()
    };
    let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(5)]).unwrap();
    assert_eq!(ae.fit(&data, &fit).unwrap_err().to_string(), error);
    let plot = Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]);
    let error = plot
        .save("/no/such/folder/loss.svg")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("/no/such/folder: expected a folder for loss.svg, got none. "),
        "{error}"
    );
}

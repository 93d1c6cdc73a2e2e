//! Model files with many layers, or a header of many parts.

use crate::{allocated, alone, refused, written};
use candlebook::prelude::*;

/// A model file without weights.
fn model(encoder: &str) -> Vec<u8> {
    let architecture =
        format!("{{\"format\":1,\"input\":[1,2,2],\"encoder\":[{encoder}],\"decoder\":[]}}");
    let header = serde_json::json!({ "__metadata__": { "candlebook": architecture } }).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat()
}

#[test]
fn a_model_of_a_million_layers_is_refused_before_it_is_parsed() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let file = model(&vec!["\"Relu\""; 1_000_000].join(","));
    let path = written(folder.path(), "ae", &file);
    let (error, bytes) = refused(&path, Autoencoder::load);
    assert!(
        error.starts_with("expected at most 2560000 bytes of architecture"),
        "{error}"
    );
    assert!(bytes < 6 * file.len(), "{bytes} bytes");
}

#[test]
fn a_model_of_as_many_layers_as_allowed_is_read() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = written(
        folder.path(),
        "ae",
        &model(&vec!["\"Tanh\""; 10_000].join(",")),
    );
    assert_eq!(Autoencoder::load(&path).unwrap().encoder().len(), 10_000);
    let path = written(
        folder.path(),
        "ae",
        &model(&vec!["\"Tanh\""; 10_001].join(",")),
    );
    let (error, _) = refused(&path, Autoencoder::load);
    assert!(
        error.starts_with(
            "expected at most 10000 layers, got 10001. If the file is what you expect"
        ) && error.ends_with("candlebook::Limits { layers: 10001, ..Default::default() }.apply()"),
        "{error}"
    );
}

#[test]
fn a_large_file_of_another_kind_is_not_read_as_a_model() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "ae", &vec![b'x'; 1 << 22]);
    let (error, bytes) = refused(&path, Autoencoder::load);
    assert!(
        error.starts_with(
            "expected a whole safetensors file, got 4194304 bytes that are not (too short"
        ),
        "{error}"
    );
    assert!(bytes < 1 << 16, "{bytes} bytes");
}

#[test]
fn a_header_of_many_texts_is_parsed_once() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let key = r#""candlebook""#;
    let texts: String = (0..100_000).map(|i| format!(r#""{i}":"","#)).collect();
    let header = String::from_utf8(model("\"Relu\"").split_off(8)).unwrap();
    let header = header.replacen(key, &(texts + key), 1);
    let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    let path = written(folder.path(), "ae", &file);
    let (ae, bytes) = allocated(|| Autoencoder::load(&path).unwrap());
    assert_eq!(ae.encoder(), [Relu]);
    // The file, and a hash table of its texts that doubles until they fit.
    assert!(bytes < 20 * header.len(), "{bytes} of {}", header.len());
}

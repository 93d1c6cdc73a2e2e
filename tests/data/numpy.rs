//! Helpers of the tests of NumPy's files, and arrays made with NumPy.
//!
//! The arrays in base64 were made with NumPy 2.4.6:
//! ```python
//! import numpy as np, io, base64
//! def b(save, *a, **k): o = io.BytesIO(); save(o, *a, **k); return base64.b64encode(o.getvalue()).decode()
//! x = np.arange(24, dtype='uint8').reshape(2, 3, 2, 2); f = x / 32; y = np.array([3, 0], '<i2')
//! C = b(np.save, x); FORTRAN = b(np.save, np.asfortranarray(x)); LAST = b(np.save, x.transpose(0, 2, 3, 1).copy())
//! F64 = b(np.save, f.astype('>f8')); NPZ = b(np.savez, x=x, y=y)
//! NPZC = b(np.savez_compressed, x=f.astype('float32'), y=y.astype('uint64'))
//! ```

use base64::Engine;
use candlebook::data::{ArraySettings, npy_images, npz_images};
use candlebook::prelude::*;
use std::path::{Path, PathBuf};

pub const C: &str = "\
    k05VTVBZAQB2AHsnZGVzY3InOiAnfHUxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMsIDIsIDIpLCB9\
    ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAQIDBAUGBwgJCgsMDQ4PEBESExQV\
    Fhc=";
pub const FORTRAN: &str = "\
    k05VTVBZAQB2AHsnZGVzY3InOiAnfHUxJywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMywgMiwgMiksIH0g\
    ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoADAQQCBQCDgYSChYBDQURCRUDDwcT\
    Cxc=";
pub const LAST: &str = "\
    k05VTVBZAQB2AHsnZGVzY3InOiAnfHUxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDIsIDIsIDMpLCB9\
    ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoABAgBBQkCBgoDBwsMEBQNERUOEhYP\
    Exc=";
pub const F64: &str = "\
    k05VTVBZAQB2AHsnZGVzY3InOiAnPmY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMsIDIsIDIpLCB9\
    ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAAD+gAAAAAAAAP7AAAAAA\
    AAA/uAAAAAAAAD/AAAAAAAAAP8QAAAAAAAA/yAAAAAAAAD/MAAAAAAAAP9AAAAAAAAA/0gAAAAAAAD/UAAAAAAAAP9YAAAAAAAA/\
    2AAAAAAAAD/aAAAAAAAAP9wAAAAAAAA/3gAAAAAAAD/gAAAAAAAAP+EAAAAAAAA/4gAAAAAAAD/jAAAAAAAAP+QAAAAAAAA/5QAA\
    AAAAAD/mAAAAAAAAP+cAAAAAAAA=";
pub const NPZ: &str = "\
    UEsDBC0AAAAAAAAAIQDZkyvN//////////8FABQAeC5ucHkBABAAmAAAAAAAAACYAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzog\
    J3x1MScsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgyLCAzLCAyLCAyKSwgfSAgICAgICAgICAgICAgICAgICAg\
    ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAECAwQFBgcICQoLDA0ODxAREhMUFRYXUEsDBC0AAAAAAAAAIQCUmLqi\
    //////////8FABQAeS5ucHkBABAAhAAAAAAAAACEAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxpMicsICdmb3J0cmFuX29y\
    ZGVyJzogRmFsc2UsICdzaGFwZSc6ICgyLCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg\
    ICAgICAgICAgICAgICAKAwAAAFBLAQItAy0AAAAAAAAAIQDZkyvNmAAAAJgAAAAFAAAAAAAAAAAAAACAAQAAAAB4Lm5weVBLAQIt\
    Ay0AAAAAAAAAIQCUmLqihAAAAIQAAAAFAAAAAAAAAAAAAACAAc8AAAB5Lm5weVBLBQYAAAAAAgACAGYAAACKAQAAAAA=";
pub const NPZC: &str = "\
    UEsDBC0AAAAIAAAAIQD47Cdl//////////8FABQAeC5ucHkBABAA4AAAAAAAAACLAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6l\
    oG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CsY6CkDSSFNHoVaBDMDFAAG2DAwNQHwAiBnsGBgUgNgBiBOA\
    uAGIJwDxAiDeAMQHgPgCED8A4g9AzGDPwMABxAJALAHECkCsAcQGQGxhDwBQSwMELQAAAAgAAAAhALNPiIb//////////wUAFAB5\
    Lm5weQEAEACQAAAAAAAAAEgAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgblNqoa6joJ6WX1RSlJgXn1+UkgoSd0vMKU4Fihdn\
    JBakAvkaRjqaOgq1ChQALmYGVAAAUEsBAi0DLQAAAAgAAAAhAPjsJ2WLAAAA4AAAAAUAAAAAAAAAAAAAAIABAAAAAHgubnB5UEsB\
    Ai0DLQAAAAgAAAAhALNPiIZIAAAAkAAAAAUAAAAAAAAAAAAAAIABwgAAAHkubnB5UEsFBgAAAAACAAIAZgAAAEEBAAAAAA==";

pub fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(
        &path,
        base64::engine::general_purpose::STANDARD
            .decode(text)
            .unwrap(),
    )
    .unwrap();
    path
}

/// Writes a file with this header and body.
pub fn npy(folder: &Path, name: &str, head: &str, body: &[u8]) -> PathBuf {
    let path = folder.join(name);
    let size = (head.len() as u16).to_le_bytes();
    std::fs::write(
        &path,
        [b"\x93NUMPY\x01\x00", &size[..], head.as_bytes(), body].concat(),
    )
    .unwrap();
    path
}

pub fn head(descr: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n")
}

pub fn values(split: &Split) -> Vec<f32> {
    split
        .first(usize::MAX)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap()
}

/// 0, 1, 2, ... divided by `of`.
pub fn counted(of: f32) -> Vec<f32> {
    (0..24).map(|i| i as f32 / of).collect()
}

/// The images of a `.npy` file, as the training split.
pub fn read_npy(path: &Path, labels: Option<&str>) -> Result<Split, Error> {
    let settings = ArraySettings {
        labels: labels.map(str::to_owned),
        test_images: Some(path.to_str().unwrap().to_owned()),
        ..Default::default()
    };
    npy_images(path, &settings).map(|data| data.train)
}

/// The images of an array in a `.npz` file, as the training split.
pub fn read_npz(path: &Path, images: &str, labels: Option<&str>) -> Result<Split, Error> {
    let settings = ArraySettings {
        images: Some(images.to_owned()),
        labels: labels.map(str::to_owned),
        test_images: Some(images.to_owned()),
        ..Default::default()
    };
    npz_images(path, &settings).map(|data| data.train)
}

/// The error without its path.
pub fn error(path: &Path, result: Result<Split, Error>) -> String {
    let text = result.unwrap_err().to_string();
    text.strip_prefix(&format!("{}: ", path.display()))
        .unwrap_or(&text)
        .to_owned()
}

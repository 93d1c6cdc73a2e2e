//! SHA-256 sums in hexadecimal.

use sha2::Digest;

/// SHA-256 of some bytes as 64 hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    let mut hash = Sha256::default();
    hash.update(bytes);
    hash.hex()
}

/// A SHA-256 sum of bytes that arrive in pieces.
#[derive(Default)]
pub(crate) struct Sha256(sha2::Sha256);

impl Sha256 {
    /// Appends bytes.
    pub(crate) fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// The sum as 64 hexadecimal digits.
    pub(crate) fn hex(self) -> String {
        let digits = |byte| format!("{byte:02x}");
        self.0.finalize().into_iter().map(digits).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_that_of_sha256sum_however_the_bytes_arrive() {
        // printf abc | sha256sum
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), expected);
        let mut hash = Sha256::default();
        hash.update("a");
        hash.update(b"bc");
        assert_eq!(hash.hex(), expected);
    }
}

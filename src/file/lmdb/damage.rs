//! [`LmdbDamage`]: the reason why a database is unreadable.

/// Damage, or a kind of database that is not supported.
#[derive(Debug, PartialEq)]
pub(crate) struct LmdbDamage {
    /// The contents found instead of a database.
    pub(crate) got: String,
    /// A way to fix it.
    pub(crate) hint: &'static str,
}

impl LmdbDamage {
    pub(super) fn new(got: impl Into<String>) -> LmdbDamage {
        LmdbDamage {
            got: got.into(),
            hint: "Check that the copy is complete",
        }
    }

    /// A page that contradicts the rest of the file.
    pub(super) fn page(number: u64, found: &str) -> LmdbDamage {
        LmdbDamage::new(format!("a damaged one ({found} on page {number})"))
    }

    /// A database of another computer.
    pub(super) fn layout(got: &str) -> LmdbDamage {
        LmdbDamage {
            got: got.into(),
            hint: "Export it there with mdb_dump and import it here with mdb_load",
        }
    }

    /// A database whose values are not plain.
    pub(super) fn kind(got: &str) -> LmdbDamage {
        LmdbDamage {
            got: got.into(),
            hint: "Write the records into the unnamed database, with one value per key",
        }
    }
}

impl From<std::io::Error> for LmdbDamage {
    fn from(error: std::io::Error) -> Self {
        LmdbDamage::new(match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "a file that became shorter".into(),
            _ => format!("an unreadable one ({error})"),
        })
    }
}

//! The header of a NumPy file: `{'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), }`.
//!
//! Source: NumPy's `numpy.lib.format`.

/// Kind of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// `u`
    Unsigned,
    /// `i`
    Signed,
    /// `f`
    Float,
}

/// Type of an array's values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NpyType {
    pub(crate) kind: Kind,
    /// Size of a value in bytes, 1 to 8.
    pub(crate) bytes: usize,
    pub(crate) big_endian: bool,
}

/// A parsed header.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NpyHeader {
    pub(crate) dtype: NpyType,
    /// Set if the first dimension varies fastest.
    pub(crate) fortran_order: bool,
    pub(crate) dims: Vec<usize>,
}

impl std::fmt::Display for NpyType {
    /// NumPy's name of the type, such as `float32`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Unsigned => "uint",
            Kind::Signed => "int",
            Kind::Float => "float",
        };
        write!(f, "{kind}{}", 8 * self.bytes)
    }
}

impl NpyType {
    /// Parses a type description: `<f4` is a little-endian float of four bytes.
    fn parse(descr: &str) -> Option<NpyType> {
        let (order, kind) = (descr.chars().next()?, descr.get(1..2)?);
        let bytes: usize = descr.get(2..)?.parse().ok()?;
        let kind = match (kind, bytes) {
            ("u", 1 | 2 | 4 | 8) => Kind::Unsigned,
            ("i", 1 | 2 | 4 | 8) => Kind::Signed,
            ("f", 2 | 4 | 8) => Kind::Float,
            _ => return None,
        };
        "<>|=".contains(order).then_some(NpyType {
            kind,
            bytes,
            big_endian: order == '>',
        })
    }
}

impl NpyHeader {
    /// Parses the header of a plain array of numbers; `None` for any other text.
    pub(crate) fn parse(text: &str) -> Option<NpyHeader> {
        let (mut dtype, mut fortran_order, mut dims) = (None, None, None);
        let mut rest = text.trim().strip_prefix('{')?;
        while !rest.starts_with('}') {
            let (key, after) = quoted(rest)?;
            rest = after.trim_start().strip_prefix(':')?.trim_start();
            rest = match key {
                "descr" => {
                    let (descr, after) = quoted(rest)?;
                    dtype = Some(NpyType::parse(descr)?);
                    after
                }
                "fortran_order" => {
                    fortran_order = Some(rest.starts_with("True"));
                    rest.strip_prefix("True")
                        .or_else(|| rest.strip_prefix("False"))?
                }
                "shape" => {
                    let (tuple, after) = rest.strip_prefix('(')?.split_once(')')?;
                    dims = Some(dimensions(tuple)?);
                    after
                }
                _ => return None,
            }
            .trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        if !rest[1..].trim().is_empty() {
            return None;
        }
        Some(NpyHeader {
            dtype: dtype?,
            fortran_order: fortran_order?,
            dims: dims?,
        })
    }

    /// The number of bytes of the values; `None` if it exceeds u64.
    pub(crate) fn data_bytes(&self) -> Option<u64> {
        let bytes = self.dtype.bytes as u64;
        self.dims
            .iter()
            .try_fold(bytes, |product, &d| product.checked_mul(d as u64))
    }
}

/// The numbers of a tuple, without its parentheses.
fn dimensions(tuple: &str) -> Option<Vec<usize>> {
    let numbers = tuple
        .split(',')
        .map(str::trim)
        .filter(|number| !number.is_empty());
    // Python 2 writes 3L.
    numbers
        .map(|number| number.trim_end_matches('L').parse().ok())
        .collect()
}

/// A quoted word at the start of the text, and the text after it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_plain_arrays_are_parsed() {
        let text = "{'descr': '>f8', 'fortran_order': True, 'shape': (2L, 3), }  \n";
        let header = NpyHeader::parse(text).unwrap();
        assert_eq!(
            (header.dtype.to_string(), header.dtype.big_endian),
            ("float64".into(), true)
        );
        assert_eq!(
            (header.fortran_order, &header.dims[..]),
            (true, &[2, 3][..])
        );
        assert_eq!(header.data_bytes(), Some(48));
    }

    #[test]
    fn other_texts_are_no_headers() {
        for text in [
            "",
            "{",
            "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
            "{'descr': '<u3', 'fortran_order': False, 'shape': (1,), }",
            "{'descr': '|u1', 'fortran_order': Perhaps, 'shape': (1,), }",
            "{'descr': '|u1', 'fortran_order': False, }",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,), }",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'x': 1}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), } 1",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }\u{fffd}",
        ] {
            assert_eq!(NpyHeader::parse(text), None, "{text}");
        }
    }
}

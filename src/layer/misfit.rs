//! Why a layer does not fit where it stands, and how shapes are written.

/// Channels, height and width of what goes into a layer for pictures.
pub(crate) fn picture(input: &[usize]) -> Result<(usize, usize, usize), Misfit> {
    match *input {
        [c, h, w] => Ok((c, h, w)),
        _ => misfit(
            "pictures of channels x height x width",
            shape(input),
            "Put Unflatten(channels, height, width) before it",
        ),
    }
}

/// The shape that comes out of a layer, or why it does not fit.
pub(crate) type Fitted = Result<Vec<usize>, Misfit>;

/// Why a layer does not fit: what it expected, what it got, what to do.
#[derive(Debug, PartialEq)]
pub(crate) struct Misfit {
    pub(crate) expected: String,
    pub(crate) got: String,
    pub(crate) hint: String,
}

pub(crate) fn misfit<T>(
    expected: impl Into<String>,
    got: impl ToString,
    hint: impl Into<String>,
) -> Result<T, Misfit> {
    Err(Misfit {
        expected: expected.into(),
        got: got.to_string(),
        hint: hint.into(),
    })
}

/// A shape without its batch, as people write it.
pub(crate) fn shape(dims: &[usize]) -> String {
    match dims {
        [n] => format!("{n} values"),
        dims => dims
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(" x "),
    }
}

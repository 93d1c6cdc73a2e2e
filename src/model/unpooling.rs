//! Pairs of max-pooling and unpooling.

use crate::error::{Error, Result};
use crate::layer::{Layer, Node, shape};
use crate::model::sequential::Sequential;

/// A max-pooling that no unpooling has claimed yet.
struct OpenPool<'a> {
    window: usize,
    output: &'a [usize],
}

/// Rejects an unpooling whose window or input shape differs from those of its paired pooling.
/// Pairs nest: an unpooling claims the last pooling that is still open.
pub(crate) fn check_unpooling(encoder: &Sequential, decoder: &Sequential) -> Result<()> {
    let mut open = Vec::new();
    for (list, layers) in [("encoder", encoder), ("decoder", decoder)] {
        for (i, node) in layers.nodes().iter().enumerate() {
            match node.layer {
                Layer::MaxPool2d(window) => open.push(OpenPool {
                    window,
                    output: &layers.shapes()[i + 1],
                }),
                Layer::MaxUnpool2d(window) => {
                    if let Some(pool) = open.pop() {
                        check_pair(list, node, &pool, window, &layers.shapes()[i])?;
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn check_pair(
    list: &str,
    node: &Node,
    pool: &OpenPool<'_>,
    window: usize,
    input: &[usize],
) -> Result<()> {
    if (pool.window, pool.output) == (window, input) {
        return Ok(());
    }
    let output = shape(pool.output);
    Err(Error::Layer {
        place: format!("{list} layer {}, {}", node.name, node.layer),
        expected: format!(
            "the output {output} of its paired MaxPool2d({})",
            pool.window
        ),
        got: format!("{} with a window of {window}", shape(input)),
        hint: "Undo poolings in reverse order, each with the channels of its output".into(),
    })
}

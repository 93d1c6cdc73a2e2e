//! Pairs of max-pooling and unpooling.

use crate::error::{Error, Result};
use crate::layer::{Layer, PoolSettings, shape};
use crate::model::sequential::Sequential;

/// A max-pooling that no unpooling has claimed yet.
struct OpenPool<'a> {
    settings: PoolSettings,
    input: &'a [usize],
    output: &'a [usize],
}

/// Rejects an unpooling whose window or input shape differs from those of its paired pooling.
/// Pairs nest: an unpooling claims the last pooling that is still open.
pub(crate) fn check_unpooling(encoder: &Sequential, decoder: &Sequential) -> Result<()> {
    let mut open = Vec::new();
    for (list, layers) in [("encoder", encoder), ("decoder", decoder)] {
        for (node, shapes) in layers.nodes().iter().zip(layers.shapes().windows(2)) {
            let [input, output] = [&shapes[0], &shapes[1]];
            match node.layer {
                Layer::MaxPool2d(settings) => open.push(OpenPool {
                    settings,
                    input,
                    output,
                }),
                Layer::MaxUnpool2d(unpool) => {
                    if let Some(pool) = open.pop() {
                        let place = || format!("{list} layer {}, {}", node.name, node.layer);
                        check_windows(place, &pool, unpool.size, input)?;
                        check_size(place, &pool, output)?;
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Rejects another window, or another input than the pooling's output.
fn check_windows(
    place: impl Fn() -> String,
    pool: &OpenPool<'_>,
    window: usize,
    input: &[usize],
) -> Result<()> {
    if (pool.settings.size, pool.output) == (window, input) {
        return Ok(());
    }
    let output = shape(pool.output);
    Err(Error::Layer {
        place: place(),
        expected: format!(
            "{output}, the output of its paired MaxPool2d{}",
            pool.settings.call()
        ),
        got: format!("{} with a window of {window}", shape(input)),
        hint: "Undo poolings in reverse order, each with the channels of its output".into(),
    })
}

/// Rejects another output than the pooling's input, in which the positions of the maxima are.
fn check_size(place: impl Fn() -> String, pool: &OpenPool<'_>, output: &[usize]) -> Result<()> {
    if pool.input == output {
        return Ok(());
    }
    let (n, (h, w)) = (pool.settings.size, (pool.input[1], pool.input[2]));
    Err(Error::Layer {
        place: place(),
        expected: format!(
            "an output of {h} x {w}, the input of its paired MaxPool2d{}",
            pool.settings.call()
        ),
        got: format!("{} x {}", output[1], output[2]),
        hint: format!("Write MaxUnpool2d({n}).output_size({h}, {w})"),
    })
}

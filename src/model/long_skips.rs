//! Pairs of `Save` and `Concat`.

use crate::error::{Error, Result};
use crate::layer::{Layer, shape};
use crate::model::sequential::Sequential;

/// Rejects a `Concat` before its `Save`, of another number of channels, or at another size.
pub(crate) fn check_long_skips(encoder: &Sequential, decoder: &Sequential) -> Result<()> {
    let mut saved: Vec<(&str, &[usize])> = Vec::new();
    for (list, layers) in [("encoder", encoder), ("decoder", decoder)] {
        for (node, input) in layers.nodes().iter().zip(layers.shapes()) {
            let place = || format!("{list} layer {}, {}", node.name, node.layer);
            match &node.layer {
                Layer::Save(name) => saved.push((name, input)),
                Layer::Concat(name, channels) => {
                    let kept = saved.iter().rev().find(|(saved, _)| saved == name);
                    check_pair(place, kept.map(|(_, shape)| *shape), *channels, input)?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn check_pair(
    place: impl Fn() -> String,
    kept: Option<&[usize]>,
    channels: usize,
    input: &[usize],
) -> Result<()> {
    let error = |expected: String, got: String, hint: String| {
        Err(Error::Layer {
            place: place(),
            expected,
            got,
            hint,
        })
    };
    let Some(kept) = kept else {
        let hint = "Write Save with the same name where the values are".into();
        return error("a Save of this name before it".into(), "none".into(), hint);
    };
    if kept[0] != channels {
        let got = format!("{}, which Save keeps", shape(kept));
        let hint = format!("Write {} as the second number", kept[0]);
        return error(format!("{channels} channels"), got, hint);
    }
    if kept[1..] != input[1..] {
        let expected = format!("the size that Save keeps, {}", shape(kept));
        let hint = "Join them where the decoder has the same height and width".into();
        return error(expected, shape(input), hint);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::layer::Layer::{self, *};
    use crate::layer::{AvgPool2d, Concat, Conv2d, Save, Upsample};
    use crate::model::Autoencoder;

    fn build(concat: Layer, last: usize) -> Result<Autoencoder, String> {
        let encoder = [Conv2d(4, 3).padding(1), Relu, Save("fine"), AvgPool2d(2)];
        let decoder = [Upsample(last), concat, Conv2d(1, 3).padding(1), Sigmoid];
        Autoencoder::new((1, 8, 8), &encoder, &decoder).map_err(|error| error.to_string())
    }

    #[test]
    fn pairs_of_the_same_size_and_channels_are_joined() {
        let ae = build(Concat("fine", 4), 2).unwrap();
        assert_eq!(ae.variables()[2].1.dims(), [1, 8, 3, 3]);
        let text = build(Concat("coarse", 4), 2).unwrap_err();
        assert!(
            text.contains("expected a Save of this name before it, got none"),
            "{text}"
        );
        let text = build(Concat("fine", 3), 2).unwrap_err();
        assert!(
            text.contains("expected 3 channels, got 4 x 8 x 8, which Save keeps"),
            "{text}"
        );
        let text = build(Concat("fine", 4), 4).unwrap_err();
        assert!(
            text.contains("expected the size that Save keeps, 4 x 8 x 8"),
            "{text}"
        );
    }
}

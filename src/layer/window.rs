//! Convolutions as plain data: their numbers, and the shapes that follow from them.

use crate::layer::misfit::{Fitted, Misfit, misfit, picture, shape};
use serde::{Deserialize, Serialize};

/// Numbers of a layer above this are a slip of the finger.
const LARGEST: usize = 1 << 16;

/// A convolution's numbers: `Conv::new(12, 3).padding(1)` has 12 output channels and windows of 3 x 3.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conv {
    /// Channels that come out.
    pub out: usize,
    /// Height and width of the window.
    pub kernel: usize,
    /// How far the window moves from place to place. Defaults to 1.
    pub stride: usize,
    /// Zeros around the picture. Defaults to 0.
    pub padding: usize,
    /// Distance between the window's values. Defaults to 1.
    pub dilation: usize,
    /// Parts that channels are divided into, each convolved by itself. Defaults to 1.
    pub groups: usize,
}

impl Conv {
    /// So many output channels, a window of so many rows and columns.
    pub const fn new(out: usize, kernel: usize) -> Self {
        Conv {
            out,
            kernel,
            stride: 1,
            padding: 0,
            dilation: 1,
            groups: 1,
        }
    }

    /// How far the window moves from place to place.
    pub const fn stride(self, stride: usize) -> Self {
        Conv { stride, ..self }
    }

    /// Zeros around the picture.
    pub const fn padding(self, padding: usize) -> Self {
        Conv { padding, ..self }
    }

    /// Distance between the window's values.
    pub const fn dilation(self, dilation: usize) -> Self {
        Conv { dilation, ..self }
    }

    /// Parts that channels are divided into.
    pub const fn groups(self, groups: usize) -> Self {
        Conv { groups, ..self }
    }

    pub(crate) fn narrowed(&self, input: &[usize]) -> Fitted {
        let (c, h, w) = picture(input)?;
        self.check(c)?;
        let reach = self.dilation * (self.kernel - 1) + 1;
        let side =
            |length: usize| Some((length + 2 * self.padding).checked_sub(reach)? / self.stride + 1);
        match (side(h), side(w)) {
            (Some(h), Some(w)) => Ok(vec![self.out, h, w]),
            _ => misfit(
                format!("pictures of at least {reach} x {reach} with their padding"),
                shape(input),
                "Choose a smaller kernel or more padding",
            ),
        }
    }

    fn check(&self, channels: usize) -> Result<(), Misfit> {
        for (name, value, most) in [
            ("out", self.out, LARGEST),
            ("kernel", self.kernel, 255),
            ("stride", self.stride, 64),
            ("dilation", self.dilation, 1024),
            ("groups", self.groups, LARGEST),
        ] {
            if value == 0 || value > most {
                return misfit(
                    format!("{name} from 1 to {most}"),
                    value,
                    "3 x 3 windows are a good start: Conv::new(12, 3).padding(1)",
                );
            }
        }
        if self.padding > LARGEST {
            return misfit(
                format!("padding up to {LARGEST}"),
                self.padding,
                "Half the kernel keeps the size",
            );
        }
        if !channels.is_multiple_of(self.groups) || !self.out.is_multiple_of(self.groups) {
            let expected = format!(
                "{channels} channels in and {} out to be divisible by the groups",
                self.out
            );
            return misfit(expected, self.groups, "1 group fits always");
        }
        Ok(())
    }
}

/// A transposed convolution's numbers: `ConvTranspose::new(12, 3).stride(2).padding(1).output_padding(1)` doubles a picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConvTranspose {
    /// The convolution that it turns round; its `out` are the channels that come out here.
    pub conv: Conv,
    /// Rows and columns added below and to the right. Defaults to 0.
    pub output_padding: usize,
}

impl ConvTranspose {
    /// So many output channels, a window of so many rows and columns.
    pub const fn new(out: usize, kernel: usize) -> Self {
        ConvTranspose {
            conv: Conv::new(out, kernel),
            output_padding: 0,
        }
    }

    /// How far apart the places are that one place fills.
    pub const fn stride(self, stride: usize) -> Self {
        ConvTranspose {
            conv: self.conv.stride(stride),
            ..self
        }
    }

    /// Rows and columns cut off on each side.
    pub const fn padding(self, padding: usize) -> Self {
        ConvTranspose {
            conv: self.conv.padding(padding),
            ..self
        }
    }

    /// Rows and columns added below and to the right.
    pub const fn output_padding(self, output_padding: usize) -> Self {
        ConvTranspose {
            output_padding,
            ..self
        }
    }

    /// Distance between the window's values.
    pub const fn dilation(self, dilation: usize) -> Self {
        ConvTranspose {
            conv: self.conv.dilation(dilation),
            ..self
        }
    }

    /// Parts that channels are divided into.
    pub const fn groups(self, groups: usize) -> Self {
        ConvTranspose {
            conv: self.conv.groups(groups),
            ..self
        }
    }

    pub(crate) fn widened(&self, input: &[usize]) -> Fitted {
        let (c, h, w) = picture(input)?;
        let Conv {
            out,
            kernel,
            stride,
            padding,
            dilation,
            ..
        } = self.conv;
        self.conv.check(c)?;
        if self.output_padding >= stride.max(dilation) {
            let expected = format!(
                "output_padding below the stride or the dilation, {}",
                stride.max(dilation)
            );
            return misfit(
                expected,
                self.output_padding,
                "It says which of several sizes is meant",
            );
        }
        let side = |length: usize| {
            let whole = (length - 1) * stride + dilation * (kernel - 1) + self.output_padding + 1;
            whole.checked_sub(2 * padding).filter(|side| *side > 0)
        };
        match (side(h), side(w)) {
            (Some(h), Some(w)) => Ok(vec![out, h, w]),
            _ => misfit(
                "something left after the padding is cut off",
                shape(input),
                "Choose less padding",
            ),
        }
    }
}

/// The calls that were made besides `new`, such as `.padding(1)`.
fn calls(f: &mut std::fmt::Formatter<'_>, calls: &[(&str, usize, usize)]) -> std::fmt::Result {
    let mut made = calls.iter().filter(|(_, value, default)| value != default);
    made.try_for_each(|(name, value, _)| write!(f, ".{name}({value})"))
}

impl std::fmt::Display for Conv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Conv {
            out,
            kernel,
            stride,
            padding,
            dilation,
            groups,
        } = *self;
        write!(f, "Conv::new({out}, {kernel})")?;
        calls(
            f,
            &[
                ("stride", stride, 1),
                ("padding", padding, 0),
                ("dilation", dilation, 1),
                ("groups", groups, 1),
            ],
        )
    }
}

impl std::fmt::Display for ConvTranspose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Conv {
            out,
            kernel,
            stride,
            padding,
            dilation,
            groups,
        } = self.conv;
        write!(f, "ConvTranspose::new({out}, {kernel})")?;
        let added = ("output_padding", self.output_padding, 0);
        calls(
            f,
            &[
                ("stride", stride, 1),
                ("padding", padding, 0),
                added,
                ("dilation", dilation, 1),
                ("groups", groups, 1),
            ],
        )
    }
}

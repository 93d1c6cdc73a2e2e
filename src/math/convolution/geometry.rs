//! Shapes, settings and memory layouts of a convolution.

/// Shape of one image's feature maps, (c, h, w).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FeatureShape {
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl FeatureShape {
    /// Number of values.
    pub(crate) fn elem_count(self) -> usize {
        self.channels * self.height * self.width
    }
}

/// Settings of a square convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ConvGeometry {
    pub(crate) kernel_size: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) dilation: usize,
}

/// Images in one slice. A grouped convolution passes the channels of one group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Images<'a, T> {
    pub(crate) values: &'a [T],
    /// Distance from one image's first value to the next image's.
    pub(crate) stride: usize,
}

/// Writable [`Images`].
#[derive(Debug)]
pub(crate) struct ImagesMut<'a, T> {
    pub(crate) values: &'a mut [T],
    /// Distance from one image's first value to the next image's.
    pub(crate) stride: usize,
}

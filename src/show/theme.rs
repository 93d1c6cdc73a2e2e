//! Color themes of charts and montages.

use plotters::style::RGBColor;

/// Colors of everything except the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Theme {
    pub(crate) background: RGBColor,
    /// Text and axes.
    pub(crate) ink: RGBColor,
    /// Grid lines behind the data.
    pub(crate) grid: RGBColor,
}

/// Dark text on white.
pub(crate) const LIGHT: Theme = Theme {
    background: RGBColor(255, 255, 255),
    ink: RGBColor(60, 60, 60),
    grid: RGBColor(228, 228, 228),
};

/// Light text on near-black.
pub(crate) const DARK: Theme = Theme {
    background: RGBColor(28, 28, 30),
    ink: RGBColor(214, 214, 214),
    grid: RGBColor(62, 62, 66),
};

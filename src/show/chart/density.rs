//! Resolution of the output.

/// Output pixels for each pixel on the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Density(pub(super) f64);

impl Density {
    /// A length on the page in output pixels, rounded.
    pub(super) fn px(self, length: f64) -> i32 {
        (length * self.0).round() as i32
    }

    /// Width of a line of one page pixel.
    pub(super) fn hairline(self) -> u32 {
        self.0 as u32
    }
}

#[cfg(test)]
mod tests {
    use super::Density;

    #[test]
    fn lengths_are_scaled_and_rounded() {
        assert_eq!(Density(2.0).px(3.5), 7);
        assert_eq!(Density(1.0).px(3.5), 4);
        assert_eq!(Density(2.0).hairline(), 2);
    }
}

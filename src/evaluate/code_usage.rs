//! Use of the entries of a discrete code.

use crate::error::Result;
use crate::show::{Content, Plot, Show, evcxr_display, thousands};

/// Entries above which a line takes the place of bars.
const MAX_BARS: usize = 256;

/// How often each entry of a discrete code was used, such as each vector of a codebook. Renders as a
/// bar chart in descending order.
///
/// # Examples
/// ```
/// use candlebook::evaluate::CodeUsage;
/// let usage = CodeUsage { counts: vec![50, 0, 50, 0] };
/// assert_eq!(usage.to_string(), "2 of 4 codes used, perplexity 2.0");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeUsage {
    /// Number of uses of each entry, in the order of the codebook.
    pub counts: Vec<usize>,
}

impl CodeUsage {
    /// Number of entries that were used.
    ///
    /// # Examples
    /// ```
    /// use candlebook::evaluate::CodeUsage;
    /// assert_eq!(CodeUsage { counts: vec![50, 0, 50, 0] }.used(), 2);
    /// ```
    pub fn used(&self) -> usize {
        self.counts.iter().filter(|count| **count > 0).count()
    }

    /// Perplexity exp(H) of the distribution of the uses, with H its entropy in nats: the number of
    /// entries of a code that has the same entropy and uses all of them equally often. 0 without uses.
    ///
    /// # Examples
    /// ```
    /// use candlebook::evaluate::CodeUsage;
    /// assert_eq!(CodeUsage { counts: vec![7, 7, 7, 7] }.perplexity(), 4.0);
    /// ```
    pub fn perplexity(&self) -> f64 {
        let total: f64 = self.counts.iter().map(|count| *count as f64).sum();
        if total == 0.0 {
            return 0.0;
        }
        let used = self.counts.iter().filter(|count| **count > 0);
        let entropy: f64 = used
            .map(|count| *count as f64 / total)
            .map(|share| -share * share.ln())
            .sum();
        entropy.exp()
    }

    /// Chart of the counts in descending order: bars with the index of each entry, or a line if there
    /// are more than 256 entries.
    ///
    /// # Examples
    /// ```
    /// use candlebook::evaluate::CodeUsage;
    /// let usage = CodeUsage { counts: vec![50, 0, 50, 0] };
    /// assert!(usage.plot().to_svg()?.contains("perplexity 2.0"));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn plot(&self) -> Plot {
        let n = self.counts.len();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|&code| std::cmp::Reverse(self.counts[code]));
        let counts: Vec<f64> = order.iter().map(|&i| self.counts[i] as f64).collect();
        let plot = Plot::new().title(self.to_string()).y_label("uses");
        if n > MAX_BARS {
            plot.line("", 1..n + 1, counts).x_label("codes by uses")
        } else {
            plot.bars("", &order, counts).x_label("code")
        }
    }
}

impl std::fmt::Display for CodeUsage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (used, codes) = (thousands(self.used()), thousands(self.counts.len()));
        let perplexity = self.perplexity();
        write!(
            f,
            "{used} of {codes} codes used, perplexity {perplexity:.1}"
        )
    }
}

impl Show for CodeUsage {
    fn contents(&self) -> Result<Vec<Content>> {
        let (width, height) = (560, 300);
        let png = self.plot().size(width, height).to_png()?;
        let content = Content::text(self.to_string());
        Ok(vec![content.png(&png, width as usize, height as usize)])
    }
}
evcxr_display!(CodeUsage);

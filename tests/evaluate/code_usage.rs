//! Use of discrete codes.

use candlebook::evaluate::CodeUsage;
use candlebook::show::Show;

fn usage(counts: &[usize]) -> CodeUsage {
    CodeUsage {
        counts: counts.to_vec(),
    }
}

#[test]
fn perplexity_matches_scipy() {
    // from scipy.stats import entropy; np.exp(entropy([1, 2, 3, 0, 10])) -> 2.8315940947
    let some = usage(&[1, 2, 3, 0, 10]);
    assert!(
        (some.perplexity() - 2.831_594_094_7).abs() < 1e-6,
        "{}",
        some.perplexity()
    );
    assert_eq!(some.to_string(), "4 of 5 codes used, perplexity 2.8");
    assert_eq!(usage(&[0, 9]).perplexity(), 1.0);
    assert_eq!(usage(&[0, 0]).perplexity(), 0.0);
}

#[test]
fn the_chart_is_in_descending_order() {
    let usage = usage(&[100, 300, 500]);
    let text = usage.plot().contents().unwrap();
    let text = text[0].get("text/plain").unwrap();
    assert_eq!(
        text,
        "3 of 3 codes used, perplexity 2.6\n3 bars, 0 to 500 █▅▁"
    );
    let svg = usage.plot().to_svg().unwrap();
    let label = |code: &str| svg.find(&format!("\n{code}\n")).unwrap();
    assert!(label("2") < label("1"), "{svg}");
}

#[test]
fn any_number_of_codes_is_drawn() {
    for n in [0, 1, 256, 257, 65_536] {
        let counts: Vec<usize> = (0..n).collect();
        assert!(
            usage(&counts).contents().unwrap()[0]
                .get("image/png")
                .is_some()
        );
    }
}

//! Use of discrete codes.

use candlebook::evaluate::CodeUsage;
use candlebook::prelude::*;
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

fn images() -> Split {
    mnist_embedded().unwrap().take(300, 80).test
}

/// Counts of the codes of a model, by hand.
fn encoded(ae: &Autoencoder) -> Vec<f32> {
    let codes = ae.encode(&images().first(80).unwrap()).unwrap();
    codes.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn each_combination_of_levels_is_an_entry() {
    let encoder = [Flatten, Linear(2), Fsq(vec![5, 4])];
    let ae = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
    let mut expected = vec![0; 20];
    for code in encoded(&ae).chunks_exact(2) {
        let first = (code[0] * 2.0) as i32 + 2;
        let second = (code[1] * 2.0) as i32 + 2;
        expected[(first * 4 + second) as usize] += 1;
    }
    let usage = ae.code_usage(&images()).unwrap();
    assert_eq!(usage.counts, expected);
    assert!(usage.used() > 1, "{usage}");
}

#[test]
fn each_class_of_a_group_is_an_entry() {
    let encoder = [Flatten, Linear(12), Gumbel(3, 4)];
    let ae = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
    let mut expected = vec![0; 12];
    for code in encoded(&ae).chunks_exact(12) {
        (0..12).for_each(|i| expected[i] += code[i] as usize);
    }
    let usage = ae.code_usage(&images()).unwrap();
    assert_eq!(usage.counts, expected);
    for group in usage.counts.chunks_exact(4) {
        assert_eq!(group.iter().sum::<usize>(), 80);
    }
}

#[test]
fn each_pixel_uses_an_entry_of_a_codebook() {
    let conv = [
        Conv2d(4, 7).stride(7),
        Relu,
        Conv2d(3, 1),
        VectorQuantize(8),
    ];
    let data = mnist_embedded().unwrap().take(300, 80);
    let mut ae = Autoencoder::symmetric((1, 28, 28), &conv).unwrap();
    let fit = Fit {
        epochs: 1,
        batch_size: 50,
        ..Default::default()
    };
    ae.fit(&data, &fit).unwrap();
    let usage = ae.code_usage(&data.test).unwrap();
    let entries = ae.code_entries(&data.test.first(80).unwrap()).unwrap();
    let mut expected = vec![0; 8];
    for entry in entries.flatten_all().unwrap().to_vec1::<u32>().unwrap() {
        expected[entry as usize] += 1;
    }
    assert_eq!(
        (usage.counts.iter().sum::<usize>(), &usage.counts),
        (80 * 16, &expected)
    );
    let report = ae.report(&data).unwrap();
    assert_eq!(report.code_usage, Some(usage));
    let text = report.table().to_text();
    assert!(
        text.contains("perplexity") && text.contains("used codes"),
        "{text}"
    );
}

#[test]
fn codes_of_other_kinds_are_errors_in_words() {
    let error = |code: &[Layer]| {
        let encoder = [&[Flatten], code].concat();
        let ae = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
        assert_eq!(
            ae.report(&mnist_embedded().unwrap().take(50, 20))
                .unwrap()
                .code_usage,
            None
        );
        ae.code_usage(&images()).unwrap_err().to_string()
    };
    assert_eq!(
        error(&[Linear(4), Relu, L1(0.1)]),
        "code_usage: expected an encoder with a discrete code, got Relu. End the encoder with \
         VectorQuantize(128), Fsq(vec![8, 5, 5, 5]) or Gumbel(30, 10)"
    );
    assert_eq!(
        error(&[Linear(4), Fsq(vec![100; 4])]),
        "code_usage: expected a code of at most 1048576 entries, got 100000000. Choose fewer levels, \
         or look at the values of encode"
    );
}

use candlebook::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::path::Path;
use std::process::Command;

/// Runs the test `printed::NAME` in a process of its own, and returns what it printed.
fn printed(name: &str) -> String {
    let test = format!("cell_value::printing::{name}");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &test, "--ignored", "--nocapture", "-q"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, text) = text.split_once("running 1 test\n").unwrap();
    let (text, _) = text.rsplit_once("test result: ok. 1 passed").unwrap();
    text.trim_end_matches(['\n', '.']).to_owned()
}

/// The last lines of cells, as the kernel compiles them.
#[expect(
    clippy::needless_borrow,
    clippy::double_parens,
    clippy::borrow_deref_ref
)]
mod printing {
    use super::*;

    #[test]
    #[ignore = "run by the test of its output"]
    fn large_values() {
        let numbers: Vec<f32> = (0..3_136_000).map(|i| i as f32 / 4.0).collect();
        let slices: Vec<&[f32]> = numbers.chunks(1000).collect();
        let text = "0123456789".repeat(3_000_000);
        let heart = "\u{2665}".repeat(1_000_000);
        let ids: HashMap<u32, u32> = (0..1_000_000).map(|i| (i, i)).collect();
        let sorted: BTreeMap<u32, u32> = ids.iter().map(|(k, v)| (*k, *v)).collect();
        (&(numbers)).evcxr_display();
        (&numbers[..2_000_000]).evcxr_display();
        (&(numbers.as_slice())).evcxr_display();
        (&(slices)).evcxr_display();
        (&([0.5; 40_000])).evcxr_display();
        (&(text)).evcxr_display();
        (&(text.trim())).evcxr_display();
        (&(heart)).evcxr_display();
        (&(ids)).evcxr_display();
        (&(sorted)).evcxr_display();
        (&(Some(&numbers))).evcxr_display();
        (&(("name", &numbers))).evcxr_display();
    }

    #[test]
    #[ignore = "run by the test of its output"]
    fn small_values() {
        let text = String::from(" \u{2665}, \"b\" ");
        let unsized_value: Box<dyn Debug> = Box::new(5);
        (&(2 + 2)).evcxr_display();
        (&([1, 2, 3])).evcxr_display();
        (&(vec![0.5f32])).evcxr_display();
        (&text[1..]).evcxr_display();
        (&(text.trim())).evcxr_display();
        (&(text)).evcxr_display();
        (&*unsized_value).evcxr_display();
        (&*Path::new("a/b")).evcxr_display();
        (&(Path::new("a/b").parent())).evcxr_display();
        (&(())).evcxr_display();
        (&(Tensor::new(&[1f32, 2.0], &Device::Cpu).unwrap())).evcxr_display();
    }

    #[test]
    #[ignore = "run by the test of its output"]
    fn tensors() {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        (&(zeros(&[3136, 1000]))).evcxr_display();
        (&(zeros(&[8, 8, 8, 8, 8, 8, 8]))).evcxr_display();
    }
}

#[test]
fn a_large_value_shows_its_beginning_and_its_size() {
    let text = printed("large_values");
    assert!(text.len() < 300_000, "{} bytes", text.len());
    let lines: Vec<&str> = text.lines().collect();
    let (starts, ends): (Vec<&str>, Vec<&str>) =
        lines.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
    let cut = "... cut here; println!(\"{:?}\", value) prints all of it";
    assert_eq!(
        ends,
        [
            "... 3,136,000 values in all",
            "... 2,000,000 values in all",
            "... 3,136,000 values in all",
            "... 3,136 values in all",
            "... 40,000 values in all",
            "... 30,000,000 characters in all",
            "... 30,000,000 characters in all",
            "... 1,000,000 characters in all",
            "... 1,000,000 entries in all",
            "... 1,000,000 entries in all",
            cut,
            cut,
        ]
    );
    assert!(starts[0].starts_with("[0.0, 0.25, 0.5, "), "{}", starts[0]);
    assert!(starts[3].starts_with("[[0.0, 0.25, 0.5, "), "{}", starts[3]);
    assert!(starts[5].starts_with("\"0123456789"), "{}", starts[5]);
    assert_eq!(starts[7], format!("\"{}", "\u{2665}".repeat(19_999 / 3)));
    assert!(starts[9].starts_with("{0: 0, 1: 1, "), "{}", starts[9]);
    assert!(
        starts[11].starts_with("(\"name\", [0.0, "),
        "{}",
        starts[11]
    );
}

#[test]
fn a_small_value_is_printed_whole() {
    let text = printed("small_values");
    let expected = [
        "4",
        "[1, 2, 3]",
        "[0.5]",
        "\"\u{2665}, \\\"b\\\" \"",
        "\"\u{2665}, \\\"b\\\"\"",
        "\" \u{2665}, \\\"b\\\" \"",
        "5",
        "\"a/b\"",
        "Some(\"a\")",
        "[1., 2.]",
        "Tensor[[2], f32]",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_tensor_of_many_dimensions_is_cut_too() {
    let text = printed("tensors");
    assert!(text.contains("\nTensor[[3136, 1000], f32]\n"), "{text}");
    assert!(text.ends_with("\n... 2,097,152 values in all"), "{text}");
    assert!(text.len() < 30_000, "{} bytes", text.len());
}

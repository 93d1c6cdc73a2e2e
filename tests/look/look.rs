//! Looking at a model: what each method shows is what its name says, on a model whose weights are known.

use candlebook::prelude::*;

/// A model of pictures of 2 x 2 whose code is the first two pixels, doubled, and whose decoder draws half of the code there.
fn model() -> Autoencoder {
    let ae = Autoencoder::new(
        (1, 2, 2),
        &[Flatten, Linear(2)],
        &[Linear(4), Unflatten(1, 2, 2)],
    )
    .unwrap();
    let set = |name: &str, values: &[f32], shape: &[usize]| {
        let tensor = Tensor::new(values, &Device::Cpu)
            .unwrap()
            .reshape(shape)
            .unwrap();
        let variables = ae.variables();
        variables
            .iter()
            .find(|(other, _)| other == name)
            .unwrap()
            .1
            .set(&tensor)
            .unwrap();
    };
    set(
        "encoder.1.weight",
        &[2.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0],
        &[2, 4],
    );
    set("encoder.1.bias", &[0.0, 0.0], &[2]);
    set(
        "decoder.0.weight",
        &[0.5, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0],
        &[4, 2],
    );
    set("decoder.0.bias", &[0.0; 4], &[4]);
    ae
}

fn picture(values: [f32; 4]) -> Tensor {
    Tensor::new(&values, &Device::Cpu)
        .unwrap()
        .reshape((1, 2, 2))
        .unwrap()
}

fn split(pictures: &[[f32; 4]], labels: Option<Vec<u32>>) -> Split {
    let all: Vec<Tensor> = pictures.iter().map(|values| picture(*values)).collect();
    Split::from_tensor(&Tensor::stack(&all, 0).unwrap(), labels).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn text(shown: &impl Show) -> String {
    let contents = shown.contents().unwrap();
    contents
        .iter()
        .filter_map(|content| content.get("text/plain"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn reconstructions_stand_below_their_originals() {
    let rows = model()
        .reconstructions(
            &split(&[[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]], None),
            2,
        )
        .unwrap();
    let expected = [
        0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.1, 0.2, 0.0, 0.0, 0.5, 0.6, 0.0, 0.0,
    ];
    assert!(
        values(rows.tensor())
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() < 1e-6)
    );
    assert!(text(&rows).contains("rows: originals, reconstructions"));
}

#[test]
fn features_are_columns_filters_are_rows_and_responses_are_pictures() {
    let ae = model();
    assert_eq!(
        values(ae.features().unwrap().tensor()),
        [0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0]
    );
    assert_eq!(
        values(ae.filters().unwrap().tensor()),
        [2.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0]
    );
    assert_eq!(
        values(ae.basis_responses().unwrap().tensor()),
        [0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0]
    );
    let error = Autoencoder::new((1, 2, 2), &[Relu], &[Relu]).unwrap();
    assert_eq!(
        error.filters().unwrap_err().to_string(),
        "filters of the encoder: expected a layer with weights, got none. Add one, such as Linear(128)"
    );
}

#[test]
fn activations_are_what_each_layer_makes_of_a_picture() {
    let seen = model().activations(&picture([0.1, 0.2, 0.3, 0.4])).unwrap();
    let names: Vec<&str> = seen.steps.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["input", "encoder.1 Linear(2)", "decoder.0 Linear(4)"]
    );
    assert_eq!(values(&seen.steps[1].1), [0.2, 0.4]);
    assert_eq!(seen.contents().unwrap().len(), 3);
}

#[test]
fn codes_are_scattered_by_number_and_by_principal_component() {
    let ae = model();
    // Points on a line: one component explains everything.
    let pictures: Vec<[f32; 4]> = (0..9)
        .map(|i| [0.1 * i as f32, 0.05 * i as f32, 0.0, 0.0])
        .collect();
    let data = split(&pictures, Some((0..9).map(|i| i % 3).collect()));
    let codes = ae.codes(&data).unwrap();
    assert_eq!(codes.dims(), [9, 2]);
    assert!((values(&codes)[3] - 0.1).abs() < 1e-6);
    let scatter = text(&ae.code_scatter(&data, 0, 1).unwrap());
    assert_eq!(
        scatter,
        "Codes\n0: 3 points, 0 to 0.6\n1: 3 points, 0.1 to 0.7\n2: 3 points, 0.2 to 0.8"
    );
    let plain = text(&ae.code_scatter(&split(&pictures, None), 0, 1).unwrap());
    assert_eq!(plain, "Codes\n9 points, 0 to 0.8");
    let pca = ae.code_pca(&data).unwrap();
    let drawing = pca.to_svg().unwrap();
    assert!(
        drawing.contains("component 1, 100 % of the variance")
            && drawing.contains("component 2, 0 % of the variance")
    );
    let error = ae.code_scatter(&data, 0, 2).unwrap_err().to_string();
    assert_eq!(
        error,
        "number of the code: expected below 2, got 2. They count from 0"
    );
}

#[test]
fn a_traversal_moves_one_number_and_keeps_the_rest() {
    let ae = model();
    let rows = ae
        .traversal(&picture([0.3, 0.4, 0.0, 0.0]), &[0, 1], 0.0..=2.0, 3)
        .unwrap();
    let drawn: Vec<[f32; 2]> = values(rows.tensor())
        .chunks(4)
        .map(|picture| [picture[0], picture[1]])
        .collect();
    let expected = [
        [0.0, 0.4],
        [0.5, 0.4],
        [1.0, 0.4],
        [0.3, 0.0],
        [0.3, 0.5],
        [0.3, 1.0],
    ];
    assert!(
        drawn
            .iter()
            .flatten()
            .zip(expected.iter().flatten())
            .all(|(a, b)| (a - b).abs() < 1e-6),
        "{drawn:?}"
    );
    let error = |units: &[usize], range, steps| {
        ae.traversal(&picture([0.0; 4]), units, range, steps)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&[2], 0.0..=1.0, 3),
        "number of the code: expected below 2, got 2. They count from 0"
    );
    assert_eq!(
        error(&[], 0.0..=1.0, 3),
        "units: expected at least one number of the code, got none. Write them as &[0, 1, 2]"
    );
    assert_eq!(
        error(&[0], 1.0..=1.0, 3),
        "range: expected a low and a higher end, got 1..=1. Write it as -3.0..=3.0"
    );
    assert_eq!(
        error(&[0], 0.0..=1.0, 1),
        "steps: expected 2 to 1000, got 1. 9 is a good start"
    );
}

#[test]
fn an_interpolation_goes_from_one_picture_to_the_other() {
    let between = model()
        .interpolation(
            &picture([0.0, 0.4, 0.0, 0.0]),
            &picture([1.0, 0.8, 0.0, 0.0]),
            3,
        )
        .unwrap();
    let drawn: Vec<f32> = values(between.tensor())
        .chunks(4)
        .flat_map(|picture| [picture[0], picture[1]])
        .collect();
    assert!(
        drawn
            .iter()
            .zip([0.0, 0.4, 0.5, 0.6, 1.0, 0.8])
            .all(|(a, b)| (a - b).abs() < 1e-6),
        "{drawn:?}"
    );
}

#[test]
fn neighbors_are_the_nearest_in_the_code_and_nearest_first() {
    // The last two pixels are no part of the code: the picture that differs most there is the nearest.
    let pictures = [
        [0.5, 0.5, 0.0, 0.0],
        [0.1, 0.1, 1.0, 1.0],
        [0.2, 0.1, 0.0, 0.0],
    ];
    let found = model()
        .neighbors(
            &picture([0.1, 0.1, 0.0, 0.0]),
            &split(&pictures, Some(vec![7, 8, 9])),
            2,
        )
        .unwrap();
    let drawn: Vec<Vec<f32>> = values(found.tensor())
        .chunks(4)
        .map(<[f32]>::to_vec)
        .collect();
    assert_eq!(drawn[1], pictures[1]);
    assert_eq!(drawn[2], pictures[2]);
    assert!(text(&found).starts_with("nearest by code (label: distance): 3 of shape (1, 2, 2)"));
}

#[test]
fn errors_belong_to_their_pictures_and_the_worst_come_first() {
    let ae = model();
    let data = split(
        &[
            [0.1, 0.2, 0.0, 0.0],
            [0.0, 0.0, 1.0, 1.0],
            [0.0, 0.0, 0.4, 0.0],
        ],
        None,
    );
    let errors = ae.errors(&data).unwrap();
    assert!(
        errors
            .iter()
            .zip([0.0, 0.5, 0.04])
            .all(|(a, b)| (a - b).abs() < 1e-6),
        "{errors:?}"
    );
    let mean = errors.iter().sum::<f32>() / 3.0;
    assert!((mean - ae.evaluate(&data).unwrap()).abs() < 1e-6);
    let worst = ae.worst(&data, 2).unwrap();
    assert_eq!(
        values(worst.tensor())[..8],
        [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.4, 0.0]
    );
    assert!(
        text(&ae.error_histogram(&data).unwrap())
            .starts_with("Reconstruction errors\n60 rectangles, 0 to 1")
    );
    assert!(text(&ae.weights_histogram().unwrap()).contains("encoder.1.weight, 2 x 4"));
}

#[test]
fn pictures_of_another_shape_are_errors_in_words() {
    let error = model()
        .activations(&Tensor::zeros((1, 3, 3), DType::F32, &Device::Cpu).unwrap())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "activations: expected (n, 1, 2, 2), got [1, 3, 3]. The model was built for that shape"
    );
}

#[test]
fn unpooling_puts_what_codes_draw_where_the_picture_had_its_maxima() {
    let ae = Autoencoder::new(
        (1, 2, 2),
        &[MaxPool2d(2), Flatten],
        &[Unflatten(1, 1, 1), MaxUnpool2d(2)],
    )
    .unwrap();
    let (left, right) = (picture([0.0, 0.0, 0.5, 0.0]), picture([0.0, 0.9, 0.0, 0.0]));
    let swept = ae.traversal(&left, &[0], 0.0..=1.0, 3).unwrap();
    assert_eq!(
        values(swept.tensor()),
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 1.0, 0.0]
    );
    let between = values(ae.interpolation(&left, &right, 2).unwrap().tensor());
    assert_eq!(between, [0.0, 0.0, 0.5, 0.0, 0.0, 0.9, 0.0, 0.0]);
}

//! Montages: pixels of the decoded PNG, and error messages.

use candlebook::prelude::*;

const WHITE: [u8; 3] = [255; 3];
const BLACK: [u8; 3] = [0; 3];

fn tensor(values: &[f32], shape: &[usize]) -> Tensor {
    Tensor::new(values, &Device::Cpu)
        .unwrap()
        .reshape(shape)
        .unwrap()
}

fn pixels(montage: Montage) -> (u32, u32, impl Fn(u32, u32) -> [u8; 3]) {
    let png = image::load_from_memory(&montage.to_png().unwrap())
        .unwrap()
        .into_rgb8();
    let (width, height) = png.dimensions();
    assert_eq!((width as usize, height as usize), montage.size());
    (width, height, move |x, y| png.get_pixel(x, y).0)
}

#[test]
fn images_form_a_padded_grid_with_exact_zoom() {
    // Three images of 1 x 2 pixels, two in a row, zoomed 3 times.
    let images = tensor(&[0.0, 1.0, 0.2, 0.4, 1.0, 0.0], &[3, 1, 1, 2]);
    let montage = Montage::new(&images).unwrap().columns(2).padding(1).zoom(3);
    let (width, height, at) = pixels(montage.clone());
    assert_eq!((width, height), ((2 * 3 + 1) * 3, (2 * 2 + 1) * 3));
    for (x, y, expected) in [
        (0, 0, WHITE), // padding
        (3, 3, BLACK), // first image, left value: corners of the block
        (5, 5, BLACK),
        (6, 3, WHITE),     // right value
        (12, 5, [51; 3]),  // second image, 0.2
        (15, 3, [102; 3]), // 0.4
        (3, 9, WHITE),     // third image, second row
        (6, 9, BLACK),
        (15, 10, WHITE), // empty cell
    ] {
        assert_eq!(at(x, y), expected, "at {x}, {y}");
    }
}

#[test]
fn color_images_keep_their_color_and_u8_is_divided_by_255() {
    let one = tensor(&[1.0, 0.0, 0.2], &[3, 1, 1]);
    let (_, _, at) = pixels(Montage::new(&one).unwrap().padding(0).zoom(1));
    assert_eq!(at(0, 0), [255, 0, 51]);
    let bytes = Tensor::new(&[[0u8, 51, 255]], &Device::Cpu).unwrap();
    let (_, _, at) = pixels(Montage::new(&bytes).unwrap().padding(0).zoom(1));
    assert_eq!([at(0, 0), at(1, 0), at(2, 0)], [BLACK, [51; 3], WHITE]);
}

#[test]
fn the_symmetric_scale_is_white_at_zero_and_colors_the_sign() {
    let weights = tensor(&[-2.0, 0.0, 2.0, 1.0], &[1, 4]);
    let (_, _, at) = pixels(
        Montage::new(&weights)
            .unwrap()
            .padding(0)
            .zoom(1)
            .scale(Scale::Symmetric),
    );
    assert_eq!(
        [at(0, 0), at(1, 0), at(2, 0)],
        [[33, 102, 172], WHITE, [178, 24, 43]]
    );
    let half = at(3, 0);
    assert!(
        half[0] > half[1] && half[1] < 255 && half[1] > 24,
        "{half:?}"
    );
}

#[test]
fn the_min_max_scale_stretches_each_image() {
    let images = tensor(&[2.0, 4.0, -1.0, 1.0], &[2, 1, 1, 2]);
    let (_, _, at) = pixels(
        Montage::new(&images)
            .unwrap()
            .columns(2)
            .padding(0)
            .zoom(1)
            .scale(Scale::MinMax),
    );
    assert_eq!(
        [at(0, 0), at(1, 0), at(2, 0), at(3, 0)],
        [BLACK, WHITE, BLACK, WHITE]
    );
}

#[test]
fn nan_and_infinity_are_magenta_and_reported() {
    let images = tensor(&[f32::NAN, f32::INFINITY, -3.0, 7.0], &[1, 4]);
    let montage = Montage::new(&images).unwrap().padding(0).zoom(1);
    let (_, _, at) = pixels(montage.clone());
    assert_eq!(
        [at(0, 0), at(1, 0), at(2, 0), at(3, 0)],
        [[255, 0, 255], [255, 0, 255], BLACK, WHITE]
    );
    let text = montage.contents().unwrap()[0]
        .get("text/plain")
        .unwrap()
        .to_owned();
    assert_eq!(
        text,
        "images: 1 of shape (1, 1, 4), values -3.000 to 7.000; 2 values outside [0, 1] are clipped; 2 values are NaN or \
         infinite, shown in magenta"
    );
}

#[test]
fn shapes_other_than_images_are_rejected() {
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let error = |shape: &[usize]| Montage::new(zeros(shape)).unwrap_err().to_string();
    assert_eq!(
        error(&[2, 5, 4, 4]),
        "images: expected (h, w), (1 or 3, h, w) or (n, 1 or 3, h, w), got [2, 5, 4, 4]. Reshape the tensor, select \
         one channel with .narrow(1, 0, 1), or show every channel with Montage::filters"
    );
    assert!(error(&[1, 1, 1, 4, 4]).contains("got [1, 1, 1, 4, 4]"));
    assert!(error(&[3]).contains("got [3]"));
    assert!(error(&[0, 1, 4, 4]).contains("at least one pixel"));
    let none: [Tensor; 0] = [];
    assert_eq!(
        Montage::new(&none).unwrap_err().to_string(),
        "images: expected at least one, got none. Pass at least one image"
    );
}

#[test]
fn images_beyond_the_maximum_are_omitted_and_reported() {
    let montage = Montage::new(Tensor::zeros((5000, 1, 1, 1), DType::F32, &Device::Cpu).unwrap())
        .unwrap()
        .zoom(1);
    assert_eq!(montage.tensor().dims(), [4096, 1, 1, 1]);
    assert!(
        montage.contents().unwrap()[0]
            .get("text/plain")
            .unwrap()
            .ends_with("; 904 more not shown")
    );
}

#[test]
fn tensors_are_joined_and_gray_becomes_color() {
    let (gray, red) = (
        tensor(&[0.2], &[1, 1]),
        tensor(&[1.0, 0.0, 0.0], &[3, 1, 1]),
    );
    let montage = Montage::new([&gray, &red])
        .unwrap()
        .columns(2)
        .padding(0)
        .zoom(1);
    let (width, height, at) = pixels(montage);
    assert_eq!((width, height), (2, 1));
    assert_eq!([at(0, 0), at(1, 0)], [[51; 3], [255, 0, 0]]);
    let other = Montage::new(vec![gray, tensor(&[0.0, 0.0], &[1, 2])])
        .unwrap_err()
        .to_string();
    assert_eq!(
        other,
        "images: expected images of one size, 1 x 1, got 1 x 2. Show images of each size separately"
    );
}

#[test]
fn a_shared_range_makes_images_comparable() {
    let images = tensor(&[0.0, 1.0, 0.0, 2.0], &[2, 1, 1, 2]);
    let stretched = Montage::new(&images)
        .unwrap()
        .columns(2)
        .padding(0)
        .zoom(1)
        .scale(Scale::MinMax);
    let (_, _, at) = pixels(stretched.clone());
    assert_eq!([at(1, 0), at(3, 0)], [WHITE, WHITE]);
    let (_, _, at) = pixels(stretched.shared());
    assert_eq!([at(1, 0), at(3, 0)], [[128; 3], WHITE]);
}

#[test]
fn filters_are_color_images_or_one_row_per_output_channel() {
    // Two filters over three channels are two color images; over four channels, two rows of four.
    let colored =
        Montage::filters(&Tensor::ones((2, 3, 5, 5), DType::F32, &Device::Cpu).unwrap()).unwrap();
    assert_eq!(colored.tensor().dims(), [2, 3, 5, 5]);
    let weight: Vec<f32> = (0..8).map(|i| if i == 6 { -1.0 } else { 1.0 }).collect();
    let grid = Montage::filters(&tensor(&weight, &[2, 4, 1, 1]))
        .unwrap()
        .padding(0)
        .zoom(1)
        .title("");
    let (width, height, at) = pixels(grid);
    assert_eq!((width, height), (4, 2));
    assert_eq!([at(0, 0), at(2, 1)], [[178, 24, 43], [33, 102, 172]]);
    let error = Montage::filters(&tensor(&[1.0], &[1, 1]))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(
            "Montage::filters: expected (out_channels, in_channels, height, width), got [1, 1]"
        ),
        "{error}"
    );
}

#[test]
fn row_labels_captions_and_titles_are_drawn_around_the_images() {
    let digits = mnist_embedded().unwrap().test.first(4).unwrap();
    let plain = Montage::new(&digits).unwrap().columns(4);
    let ink = |montage: Montage, area: (u32, u32, u32, u32)| {
        let (_, _, at) = pixels(montage);
        let (left, top, right, bottom) = area;
        (top..bottom)
            .flat_map(|y| (left..right).map(move |x| (x, y)))
            .filter(|&(x, y)| at(x, y)[0] < 120)
            .count()
    };
    let (width, height) = plain.size();
    let rows = Montage::rows(&[("originals", &digits), ("noisy", &digits)]).unwrap();
    let (wide, tall) = rows.size();
    assert_eq!(
        tall,
        2 * height - 2,
        "two rows of images share their padding"
    );
    assert!(wide > width + 50);
    let labels = (wide - width) as u32;
    assert!(
        ink(rows, (0, 0, labels - 4, tall as u32)) > 60,
        "two labels"
    );
    let captions = plain.clone().captions(["five", "six", "seven", "six"]);
    assert_eq!(captions.size(), (width, height + 17));
    assert!(
        ink(
            captions,
            (0, height as u32, width as u32, height as u32 + 16)
        ) > 60,
        "four captions"
    );
    let title = plain.title("Digits");
    assert_eq!(title.size(), (width, height + 26));
    assert!(ink(title, (0, 0, width as u32, 24)) > 30, "a title");
    let uneven = Montage::rows(&[
        ("a", digits.clone()),
        ("b", digits.narrow(0, 0, 2).unwrap()),
    ])
    .unwrap_err()
    .to_string();
    assert_eq!(
        uneven,
        "Montage::rows: expected rows of equal length, 4, got 2. Shorten the longer rows with .narrow(0, 0, n)"
    );
}

#[test]
fn the_plain_text_has_a_preview() {
    // A white square in the lower right corner of 8 x 8 black pixels.
    let values: Vec<f32> = (0..64)
        .map(|i| if i % 8 >= 4 && i / 8 >= 4 { 1.0 } else { 0.0 })
        .collect();
    let text = tensor(&values, &[8, 8]).contents().unwrap()[0]
        .get("text/plain")
        .unwrap()
        .to_owned();
    assert_eq!(
        text.lines().skip(1).collect::<Vec<_>>(),
        ["", "", "    ████", "    ████"]
    );
}

#[test]
fn default_zoom_is_limited_and_oversized_montages_are_rejected() {
    let many =
        Montage::new(Tensor::zeros((900, 1, 64, 64), DType::F32, &Device::Cpu).unwrap()).unwrap();
    let (width, height) = many.size();
    assert!(width * height < 5_000_000, "{width} x {height}");
    let error = many.zoom(1000).to_png().unwrap_err().to_string();
    assert!(
        error.starts_with("image: expected sides of 1 to 32768 pixels, got 1951000 x 1951000"),
        "{error}"
    );
    let small = Montage::new(Tensor::zeros((2, 2), DType::F32, &Device::Cpu).unwrap()).unwrap();
    assert!(
        small.clone().zoom(usize::MAX).to_png().is_err()
            && small.padding(usize::MAX).zoom(usize::MAX).to_png().is_err()
    );
}

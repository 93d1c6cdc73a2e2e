//! Animated images.

use crate::common::{decode_base64, pixels};
use candlebook::prelude::*;
use candlebook::show::page::animation;

#[test]
fn frames_become_an_animated_png() {
    let frames = Tensor::new(&[0f32, 0.2, 0.4, 1.0], &Device::Cpu)
        .unwrap()
        .reshape((4, 1, 1, 1))
        .unwrap();
    let content = animation(&frames, 5.0).unwrap();
    let png = decode_base64(content.get("image/png").unwrap());
    let mut reader = png::Decoder::new(std::io::Cursor::new(&png))
        .read_info()
        .unwrap();
    let control = reader.info().animation_control.unwrap();
    assert_eq!(
        (control.num_frames, control.num_plays),
        (4, 0),
        "an endless loop"
    );
    let mut values = Vec::new();
    let mut buffer = vec![0; reader.output_buffer_size().unwrap()];
    for _ in 0..4 {
        reader.next_frame(&mut buffer).unwrap();
        values.push(buffer[0]);
        let delay = reader.info().frame_control.unwrap();
        assert_eq!((delay.delay_num, delay.delay_den), (200, 1000));
    }
    assert_eq!(values, [0, 51, 102, 255]);
    let error = animation(&frames, 0.0).unwrap_err().to_string();
    assert_eq!(
        error,
        "frames_per_second: expected 0.1 to 100, got 0. Start with 10"
    );
}

#[test]
fn a_montage_is_animated_in_its_colors_and_zoom() {
    let images = Tensor::new(&[0f32, 2.0, 4.0], &Device::Cpu)
        .unwrap()
        .reshape((3, 1, 1, 1))
        .unwrap();
    let montage = Montage::new(&images)
        .unwrap()
        .scale(candlebook::show::Scale::MinMax)
        .shared()
        .captions(["a", "b", "c"])
        .zoom(5);
    let content = montage.animate(10.0).unwrap();
    assert_eq!(
        content.get("text/plain"),
        Some("animation: 3 frames of 5 x 5 pixels, 10 per second")
    );
    let png = decode_base64(content.get("image/png").unwrap());
    let mut reader = png::Decoder::new(std::io::Cursor::new(&png))
        .read_info()
        .unwrap();
    let mut buffer = vec![0; reader.output_buffer_size().unwrap()];
    let mut first = || {
        reader.next_frame(&mut buffer).unwrap();
        buffer[0]
    };
    let grays = [first(), first(), first()];
    let single = |i: usize| pixels(montage.clone().captions([""; 0])).2(5 + 10 * i as u32, 5)[0];
    assert!(grays[0] < grays[1] && grays[1] < grays[2], "{grays:?}");
    assert_eq!(grays, [single(0), single(1), single(2)]);
    let error = montage.zoom(5000).animate(10.0).unwrap_err().to_string();
    assert_eq!(
        error,
        "animation: expected at most 50000000 pixels in all frames, got 3 frames of 5000 x 5000. Use fewer frames or a \
         smaller zoom"
    );
}

#[test]
fn vectors_are_animated_over_one_range() {
    let vectors = Tensor::new(&[[0f32, 1.0], [0.0, 8.0]], &Device::Cpu)
        .unwrap()
        .reshape((2, 1, 1, 2))
        .unwrap();
    let montage = Montage::new(&vectors).unwrap();
    let content = montage
        .scale(candlebook::show::Scale::Line)
        .shared()
        .animate(1.0)
        .unwrap();
    let text = content.get("text/plain").unwrap();
    assert_eq!(text, "animation: 2 frames of 72 x 52 pixels, 1 per second");
}

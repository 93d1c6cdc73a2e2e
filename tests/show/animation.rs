//! Animated images.

use crate::common::decode_base64;
use candlebook::prelude::*;

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

//! Samples as sound.

use crate::common::decode_base64;
use candlebook::prelude::*;

#[test]
fn samples_become_a_wav_file() {
    let samples = Tensor::new(&[[0.0f32, 1.0, -2.0], [0.5, 0.0, 0.0]], &Device::Cpu).unwrap();
    let content = sound(&samples, 8000).unwrap();
    let html = content.get("text/html").unwrap();
    assert!(html.starts_with("<audio controls src=\"data:audio/wav;base64,"));
    let wav = decode_base64(
        html.split("base64,")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap(),
    );
    assert_eq!(&wav[..4], b"RIFF");
    assert_eq!(
        u32::from_le_bytes(wav[4..8].try_into().unwrap()) as usize,
        wav.len() - 8
    );
    let words: Vec<i16> = wav[44..]
        .chunks(2)
        .map(|two| i16::from_le_bytes(two.try_into().unwrap()))
        .collect();
    assert_eq!(
        words,
        [0, 16384, 32767, 0, -32767, 0],
        "channels are interleaved; values outside [-1, 1] are clipped"
    );
    let error = sound(
        &Tensor::zeros((9, 2), DType::F32, &Device::Cpu).unwrap(),
        8000,
    )
    .unwrap_err()
    .to_string();
    assert_eq!(
        error,
        "sound: expected (samples) or (1 to 8 channels, samples), got [9, 2]. Reshape the tensor"
    );
    let error = sound(&samples, 0).unwrap_err().to_string();
    assert_eq!(
        error,
        "sample_rate: expected 1 to 1,000,000 Hz, got 0. A compact disc has 44100 Hz"
    );
}

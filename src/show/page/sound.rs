//! Samples as sound.

use crate::error::{Error, Result};
use crate::show::content::Content;
use crate::show::page::player::{Element, player};
use candle_core::{DType, Device, Tensor};

/// Maximum sample rate in Hz.
const MAX_SAMPLE_RATE: u32 = 1_000_000;
const BYTES_PER_SAMPLE: u16 = 2;

/// Renders samples as sound with playback controls. `sample_rate` is in Hz.
///
/// # Shapes
/// `samples` is (n) for one channel or (channels, n) for up to 8. Values are in [-1, 1]; values
/// outside are clipped.
///
/// # Errors
/// If the shape is another, there are no samples, or the sample rate is 0 or above 1 MHz.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let seconds = (Tensor::arange(0f32, 8000f32, &Device::Cpu)? / 8000.0)?;
/// let note_a = (seconds * (440.0 * std::f64::consts::TAU))?.sin()?;
/// page::sound(&note_a, 8000)?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn sound(samples: &Tensor, sample_rate: u32) -> Result<Content> {
    let samples = match samples.rank() {
        1 => samples.unsqueeze(0)?, // (n) -> (1, n)
        _ => samples.clone(),
    };
    let [channels @ 1..=8, n @ 1..=usize::MAX] = *samples.dims() else {
        return Err(Error::shape(
            "sound",
            "(samples) or (1 to 8 channels, samples)",
            format!("{:?}", samples.dims()),
            "Reshape the tensor",
        ));
    };
    if !(1..=MAX_SAMPLE_RATE).contains(&sample_rate) {
        return Err(Error::setting(
            "sample_rate",
            "1 to 1,000,000 Hz",
            sample_rate,
            "A compact disc has 44100 Hz",
        ));
    }
    let seconds = n as f64 / f64::from(sample_rate);
    let text = format!("sound: {seconds:.1} s, {channels} channels, {sample_rate} Hz");
    let wav = wav(&pcm(&samples)?, channels as u16, sample_rate);
    Ok(player(&text, Element::Audio, "audio/wav", &wav))
}

/// Interleaved 16-bit samples, little-endian.
fn pcm(samples: &Tensor) -> Result<Vec<u8>> {
    let values = samples
        .t()? // (channels, n) -> (n, channels)
        .to_device(&Device::Cpu)?
        .to_dtype(DType::F32)?
        .flatten_all()?
        .to_vec1::<f32>()?;
    Ok(values
        .iter()
        .flat_map(|v| ((v.clamp(-1.0, 1.0) * 32767.0).round() as i16).to_le_bytes())
        .collect())
}

/// A WAV file of 16-bit samples.
fn wav(pcm: &[u8], channels: u16, sample_rate: u32) -> Vec<u8> {
    let frame = channels * BYTES_PER_SAMPLE;
    let mut file = Vec::with_capacity(44 + pcm.len());
    file.extend(b"RIFF");
    file.extend((36 + pcm.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes()); // bytes of the format block
    file.extend(1u16.to_le_bytes()); // uncompressed
    file.extend(channels.to_le_bytes());
    file.extend(sample_rate.to_le_bytes());
    file.extend((sample_rate * u32::from(frame)).to_le_bytes());
    file.extend(frame.to_le_bytes());
    file.extend((8 * BYTES_PER_SAMPLE).to_le_bytes());
    file.extend(b"data");
    file.extend((pcm.len() as u32).to_le_bytes());
    file.extend(pcm);
    file
}

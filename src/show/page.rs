//! What is neither picture nor chart: HTML, SVG, Markdown, formulas, JSON, sound and moving pictures.
//!
//! Each function returns a [`Content`], which shows itself; `show` of it gives a handle that replaces it.

use crate::error::{Error, Result};
use crate::file::{extension, name_or};
use crate::show::display::{Content, base64, escape};
use crate::show::montage::{Montage, Pictures};
use candle_core::{DType, Device, Tensor};
use std::path::Path;

/// Files above this size do not belong into a notebook.
const LARGEST: u64 = 64 << 20;

/// HTML under the cell. Front ends run its scripts only in a notebook that the reader trusts.
///
/// ```
/// candlebook::html("<b>Hi there!</b>");
/// ```
pub fn html(html: impl Into<String>) -> Content {
    let html = html.into();
    Content::text(without_tags(&html)).html(html)
}

/// An SVG drawing.
///
/// # Errors
/// Text that holds no `<svg`.
pub fn svg(drawing: impl Into<String>) -> Result<Content> {
    let drawing = drawing.into();
    if !drawing.contains("<svg") {
        let got: String = drawing.chars().take(40).collect();
        let hint = "A file is shown by Image::open(path)";
        return Err(Error::setting(
            "svg",
            "a drawing that begins with <svg",
            format!("{got:?}"),
            hint,
        ));
    }
    Ok(Content::text("SVG drawing").with("image/svg+xml", drawing))
}

/// Text with Markdown's marks.
pub fn markdown(text: impl Into<String>) -> Content {
    let text = text.into();
    Content::text(text.clone()).with("text/markdown", text)
}

/// A formula in LaTeX, with or without dollar signs around it.
pub fn latex(formula: impl Into<String>) -> Content {
    let formula = formula.into();
    let inner = formula.trim().trim_matches('$').trim().to_owned();
    Content::text(formula).with("text/latex", format!("$$ {inner} $$"))
}

/// A value as JSON, which JupyterLab shows as a tree that opens and closes.
///
/// # Errors
/// A value that has no form in JSON, such as a map whose keys are not text.
pub fn json(value: &impl serde::Serialize) -> Result<Content> {
    let value = serde_json::to_value(value).map_err(|error| {
        Error::setting(
            "json",
            "a value with a form in JSON",
            error,
            "Keys of maps must be text",
        )
    })?;
    let text = serde_json::to_string_pretty(&value).unwrap_or_else(|_| value.to_string());
    Ok(Content::text(text).with("application/json", value))
}

/// A sound file with buttons to play it: wav, mp3, ogg, flac, m4a or aac.
///
/// # Errors
/// A file that cannot be read, has another ending, or is above 64 MiB.
pub fn audio(path: impl AsRef<Path>) -> Result<Content> {
    let known = [
        ("wav", "audio/wav"),
        ("mp3", "audio/mpeg"),
        ("ogg", "audio/ogg"),
        ("flac", "audio/flac"),
        ("m4a", "audio/mp4"),
        ("aac", "audio/aac"),
    ];
    let (mime, bytes) = read(path.as_ref(), &known)?;
    Ok(player(&name(path.as_ref()), "audio", mime, &bytes))
}

/// Samples as a sound with buttons to play it.
///
/// # Shapes
/// `samples` is (n) for one channel, (channels, n) for several; values in [-1, 1], louder ones are cut off.
///
/// # Errors
/// Another shape, no samples, more than 8 channels, or a sample rate of 0 (in samples a second).
pub fn sound(samples: &Tensor, sample_rate: u32) -> Result<Content> {
    let samples = match samples.rank() {
        1 => samples.unsqueeze(0)?, // (n) -> (1, n)
        _ => samples.clone(),
    };
    let (channels, n) = match *samples.dims() {
        [channels @ 1..=8, n] if n > 0 => (channels, n),
        _ => {
            let got = format!("{:?}", samples.dims());
            return Err(Error::shape(
                "sound",
                "(samples) or (1 to 8 channels, samples)",
                got,
                "Reshape the tensor",
            ));
        }
    };
    if !(1..=1_000_000).contains(&sample_rate) {
        let hint = "44100 is that of a compact disc";
        return Err(Error::setting(
            "sample_rate",
            "1 to 1,000,000 samples a second",
            sample_rate,
            hint,
        ));
    }
    // Samples of the channels take turns: (channels, n) -> (n, channels).
    let values = samples
        .t()?
        .to_device(&Device::Cpu)?
        .to_dtype(DType::F32)?
        .flatten_all()?
        .to_vec1::<f32>()?;
    let data: Vec<u8> = values
        .iter()
        .flat_map(|v| ((v.clamp(-1.0, 1.0) * 32767.0).round() as i16).to_le_bytes())
        .collect();
    let seconds = n as f64 / f64::from(sample_rate);
    let text =
        format!("sound: {seconds:.1} s, {channels} channels, {sample_rate} samples a second");
    Ok(player(
        &text,
        "audio",
        "audio/wav",
        &wav(&data, channels as u16, sample_rate),
    ))
}

/// A video file with buttons to play it: mp4, webm or ogv.
///
/// # Errors
/// A file that cannot be read, has another ending, or is above 64 MiB.
pub fn video(path: impl AsRef<Path>) -> Result<Content> {
    let known = [
        ("mp4", "video/mp4"),
        ("webm", "video/webm"),
        ("ogv", "video/ogg"),
    ];
    let (mime, bytes) = read(path.as_ref(), &known)?;
    Ok(player(&name(path.as_ref()), "video", mime, &bytes))
}

/// Pictures one after the other, again and again, in one place: an animated PNG, which every front end plays.
///
/// # Shapes
/// As [`Montage::new`]: each picture is a frame.
///
/// # Errors
/// No pictures, or `frames_per_second` outside 0.1 to 100.
pub fn animation(frames: impl Pictures, frames_per_second: f64) -> Result<Content> {
    if !(0.1..=100.0).contains(&frames_per_second) {
        let hint = "10 is a good start";
        return Err(Error::setting(
            "frames_per_second",
            "0.1 to 100",
            frames_per_second,
            hint,
        ));
    }
    let all = Montage::new(frames)?;
    let images = all.tensor();
    let n = images.dim(0)?;
    let frame =
        |i: usize| -> Result<_> { Montage::new(images.narrow(0, i, 1)?)?.padding(0).draw(1) };
    let frames = (0..n).map(frame).collect::<Result<Vec<_>>>()?;
    let (width, height) = (frames[0].width(), frames[0].height());
    let png = crate::show::canvas::animated_png(&frames, frames_per_second)?;
    let text =
        format!("animation: {n} frames of {width} x {height} pixels, {frames_per_second} a second");
    Ok(Content::text(text).png(&png, width, height))
}

/// The file's name, for text that stands where it cannot play.
fn name(path: &Path) -> String {
    name_or(path, "")
}

fn read<'a>(path: &Path, known: &[(&str, &'a str)]) -> Result<(&'a str, Vec<u8>)> {
    let ending = extension(path);
    let Some((_, mime)) = known.iter().find(|(name, _)| *name == ending) else {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let got = if ending.is_empty() {
            "none".into()
        } else {
            format!(".{ending}")
        };
        return Err(Error::file(
            path,
            format!("one of the endings {}", names.join(", ")),
            got,
            "Convert the file first",
        ));
    };
    let size = std::fs::metadata(path)
        .map_err(Error::io("read", path))?
        .len();
    if size > LARGEST {
        let hint = "A notebook keeps what it shows; shorten it first";
        return Err(Error::file(
            path,
            "at most 64 MiB",
            format!("{} MiB", size >> 20),
            hint,
        ));
    }
    Ok((mime, std::fs::read(path).map_err(Error::io("read", path))?))
}

fn player(text: &str, tag: &str, mime: &str, bytes: &[u8]) -> Content {
    let source = format!("data:{mime};base64,{}", base64(bytes));
    let style = if tag == "video" {
        " style=\"max-width:100%\""
    } else {
        ""
    };
    Content::text(text).html(format!(
        "<{tag} controls{style} src=\"{source}\" title=\"{}\">{}</{tag}>",
        escape(text),
        escape(text)
    ))
}

/// A WAV file of 16-bit samples.
fn wav(data: &[u8], channels: u16, sample_rate: u32) -> Vec<u8> {
    let frame = channels * 2;
    let mut file = Vec::with_capacity(44 + data.len());
    file.extend(b"RIFF");
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend(1u16.to_le_bytes()); // not compressed
    file.extend(channels.to_le_bytes());
    file.extend(sample_rate.to_le_bytes());
    file.extend((sample_rate * u32::from(frame)).to_le_bytes());
    file.extend(frame.to_le_bytes());
    file.extend(16u16.to_le_bytes());
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

//! Sound and video files with playback controls.

use crate::error::{Error, Result};
use crate::file::{extension, name_or, read_file};
use crate::show::content::{Content, base64, escape};
use std::path::Path;

/// Maximum size of an embedded file.
const MAX_FILE_MIB: u64 = 64;

/// HTML element that plays a file.
#[derive(Clone, Copy)]
pub(super) enum Element {
    Audio,
    Video,
}

/// File extension and MIME type.
type Format = (&'static str, &'static str);

const AUDIO_FORMATS: [Format; 6] = [
    ("wav", "audio/wav"),
    ("mp3", "audio/mpeg"),
    ("ogg", "audio/ogg"),
    ("flac", "audio/flac"),
    ("m4a", "audio/mp4"),
    ("aac", "audio/aac"),
];
const VIDEO_FORMATS: [Format; 3] = [
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
    ("ogv", "video/ogg"),
];

/// Renders a sound file with playback controls: wav, mp3, ogg, flac, m4a or aac.
///
/// # Errors
/// If the file cannot be read, has another extension, or is larger than 64 MiB.
///
/// # Examples
/// ```no_run
/// candlebook::show::page::audio("speech.mp3")?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn audio(path: impl AsRef<Path>) -> Result<Content> {
    file_player(path.as_ref(), Element::Audio, &AUDIO_FORMATS)
}

/// Renders a video file with playback controls: mp4, webm or ogv.
///
/// # Errors
/// If the file cannot be read, has another extension, or is larger than 64 MiB.
///
/// # Examples
/// ```no_run
/// candlebook::show::page::video("latent_walk.mp4")?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn video(path: impl AsRef<Path>) -> Result<Content> {
    file_player(path.as_ref(), Element::Video, &VIDEO_FORMATS)
}

fn file_player(path: &Path, element: Element, formats: &[Format]) -> Result<Content> {
    let mime = mime_type(path, formats)?;
    let size = std::fs::metadata(path)
        .map_err(Error::io("read", path))?
        .len();
    if size > MAX_FILE_MIB << 20 {
        return Err(Error::file(
            path,
            format!("at most {MAX_FILE_MIB} MiB"),
            format!("{} MiB", size >> 20),
            "Shorten it first: the notebook embeds the whole file",
        ));
    }
    let bytes = read_file(path, MAX_FILE_MIB << 20)?;
    Ok(player(&name_or(path, ""), element, mime, &bytes))
}

fn mime_type(path: &Path, formats: &[Format]) -> Result<&'static str> {
    let extension = extension(path);
    if let Some((_, mime)) = formats.iter().find(|(name, _)| *name == extension) {
        return Ok(mime);
    }
    let names: Vec<&str> = formats.iter().map(|(name, _)| *name).collect();
    let got = if extension.is_empty() {
        "none".into()
    } else {
        format!(".{extension}")
    };
    Err(Error::file(
        path,
        format!("one of the extensions {}", names.join(", ")),
        got,
        "Convert the file first",
    ))
}

/// An HTML player with an embedded file.
pub(super) fn player(text: &str, element: Element, mime: &str, bytes: &[u8]) -> Content {
    let source = format!("data:{mime};base64,{}", base64(bytes));
    let (tag, style) = match element {
        Element::Audio => ("audio", ""),
        Element::Video => ("video", " style=\"max-width:100%\""),
    };
    let name = escape(text);
    Content::text(text).html(format!(
        "<{tag} controls{style} src=\"{source}\" title=\"{name}\">{name}</{tag}>"
    ))
}

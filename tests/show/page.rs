//! HTML, SVG, Markdown, LaTeX, JSON, sound, video and animations: MIME types and error messages.

use base64::Engine;
use candlebook::prelude::*;

fn decoded(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}

#[test]
fn markup_has_its_mime_type_and_plain_text() {
    let page = html("<p><b>Hi there!</b> this is &amp; HTML</p>");
    assert_eq!(
        page.get("text/html"),
        Some("<p><b>Hi there!</b> this is &amp; HTML</p>")
    );
    assert_eq!(page.get("text/plain"), Some("Hi there! this is &amp; HTML"));
    let drawing = svg("<svg><circle r=\"5\"/></svg>").unwrap();
    assert_eq!(
        drawing.get("image/svg+xml"),
        Some("<svg><circle r=\"5\"/></svg>")
    );
    assert_eq!(markdown("**bold**").get("text/markdown"), Some("**bold**"));
    assert_eq!(latex("$x^2$").get("text/latex"), Some("$$ x^2 $$"));
    let tree = json(&vec![1, 2, 3]).unwrap();
    assert_eq!(
        tree.get_json("application/json"),
        Some(&serde_json::json!([1, 2, 3]))
    );
    assert_eq!(tree.get("text/plain"), Some("[\n  1,\n  2,\n  3\n]"));
    let error = svg("hello").unwrap_err().to_string();
    assert_eq!(
        error,
        "svg: expected a drawing that starts with <svg, got \"hello\". To show a file, use Image::open(path)"
    );
}

#[test]
fn samples_become_a_wav_file() {
    let samples = Tensor::new(&[[0.0f32, 1.0, -2.0], [0.5, 0.0, 0.0]], &Device::Cpu).unwrap();
    let content = sound(&samples, 8000).unwrap();
    let html = content.get("text/html").unwrap();
    assert!(html.starts_with("<audio controls src=\"data:audio/wav;base64,"));
    let wav = decoded(
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

#[test]
fn sound_and_video_files_are_embedded_with_a_player() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        std::fs::write(folder.path().join(name), b"bytes").unwrap();
        folder.path().join(name)
    };
    let song = audio(file("song.MP3")).unwrap();
    assert_eq!(
        song.get("text/html").unwrap(),
        "<audio controls src=\"data:audio/mpeg;base64,Ynl0ZXM=\" title=\"song.MP3\">song.MP3</audio>"
    );
    assert!(
        video(file("film.mp4"))
            .unwrap()
            .get("text/html")
            .unwrap()
            .starts_with(
                "<video controls style=\"max-width:100%\" src=\"data:video/mp4;base64,Ynl0ZXM=\""
            )
    );
    let error = video(file("film.avi")).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "film.avi: expected one of the extensions mp4, webm, ogv, got .avi. Convert the file first"
        ),
        "{error}"
    );
    let error = audio("no/such.mp3").unwrap_err().to_string();
    assert!(error.starts_with("no/such.mp3: cannot read: "), "{error}");
}

#[test]
fn frames_become_an_animated_png() {
    let frames = Tensor::new(&[0f32, 0.2, 0.4, 1.0], &Device::Cpu)
        .unwrap()
        .reshape((4, 1, 1, 1))
        .unwrap();
    let content = animation(&frames, 5.0).unwrap();
    let png = decoded(content.get("image/png").unwrap());
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

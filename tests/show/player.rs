//! Sound and video files.

use candlebook::prelude::*;

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

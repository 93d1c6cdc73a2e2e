//! The cache folder.

use std::ffi::OsString;
use std::path::PathBuf;

/// Folder of downloads and packed frames: `$CANDLEBOOK_CACHE`, else `$XDG_CACHE_HOME/candlebook`,
/// else `~/.cache/candlebook`. `None` without a home folder.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    resolve(
        std::env::var_os("CANDLEBOOK_CACHE"),
        std::env::var_os("XDG_CACHE_HOME"),
        std::env::home_dir(),
    )
}

fn resolve(
    candlebook: Option<OsString>,
    xdg: Option<OsString>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    if let Some(folder) = candlebook {
        return Some(folder.into());
    }
    xdg.map(PathBuf::from)
        .or_else(|| home.map(|home| home.join(".cache")))
        .map(|caches| caches.join("candlebook"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candlebook_cache_wins_over_xdg_cache_home_and_that_over_home() {
        let (own, xdg, home) = (Some("/c".into()), Some("/x".into()), Some("/h".into()));
        let cases = [
            (resolve(own, xdg.clone(), home.clone()), "/c"),
            (resolve(None, xdg, home.clone()), "/x/candlebook"),
            (resolve(None, None, home), "/h/.cache/candlebook"),
        ];
        for (folder, expected) in cases {
            assert_eq!(folder, Some(PathBuf::from(expected)));
        }
        assert_eq!(resolve(None, None, None), None);
    }
}

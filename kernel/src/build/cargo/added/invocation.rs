//! One call of the compiler by cargo.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// The arguments of a call that say which crate is compiled, from what, and where to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Invocation {
    pub(super) crate_name: String,
    /// The root of the source.
    pub(super) source: PathBuf,
    pub(super) features: BTreeSet<String>,
    /// True if the crate is for a build script or procedural macro.
    pub(super) is_for_host: bool,
    pub(super) out_dir: PathBuf,
    /// The suffix by which cargo tells apart the files of one name.
    pub(super) suffix: String,
    /// The files of its direct dependencies.
    pub(super) externs: Vec<PathBuf>,
    /// True if cargo waits for messages about each file.
    pub(super) reports_artifacts: bool,
}

impl Invocation {
    /// Parses the arguments after the compiler's name; `None` for a query.
    pub(super) fn parse(arguments: &[String]) -> Option<Invocation> {
        let mut found = Invocation {
            is_for_host: true,
            ..Invocation::default()
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--crate-name" => found.crate_name = rest.next()?.clone(),
                "--cfg" => found.features.extend(feature(rest.next()?)),
                "--target" => {
                    rest.next();
                    found.is_for_host = false;
                }
                "--out-dir" => found.out_dir = rest.next()?.into(),
                "--extern" => found.externs.extend(extern_file(rest.next()?)),
                "-C" => found.read_codegen(rest.next()?),
                json if json.starts_with("--json=") => {
                    found.reports_artifacts = json.contains("artifacts");
                }
                source if !source.starts_with('-') && source.ends_with(".rs") => {
                    found.source = source.into();
                }
                _ => {}
            }
        }
        let is_build =
            !found.out_dir.as_os_str().is_empty() && !found.source.as_os_str().is_empty();
        is_build.then_some(found)
    }

    fn read_codegen(&mut self, option: &str) {
        if let Some(suffix) = option.strip_prefix("extra-filename=") {
            self.suffix = suffix.to_owned();
        }
    }

    /// A file of the crate in the output folder, with a prefix and an extension.
    pub(super) fn output(&self, prefix: &str, extension: &str) -> PathBuf {
        let (name, suffix) = (&self.crate_name, &self.suffix);
        self.out_dir
            .join(format!("{prefix}{name}{suffix}{extension}"))
    }
}

/// The name in `feature="name"`.
fn feature(cfg: &str) -> Option<String> {
    let name = cfg.strip_prefix("feature=\"")?.strip_suffix('"')?;
    Some(name.to_owned())
}

/// The file in `name=file` or `options:name=file`.
fn extern_file(value: &str) -> Option<PathBuf> {
    Some(value.split_once('=')?.1.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_of_cargo_are_read() {
        let line = "--crate-name|csv|--edition=2021|/r/csv-1.4.0/src/lib.rs|--error-format=json|\
            --json=diagnostic-rendered-ansi,artifacts|--crate-type|lib|--emit=dep-info,metadata,link|\
            -C|opt-level=3|--cfg|feature=\"default\"|--check-cfg|cfg(docsrs,test)|-C|metadata=1|\
            -C|extra-filename=-2|--out-dir|/t/deps|--target|x86|-L|dependency=/t/deps|\
            --extern|memchr=/t/deps/libmemchr-3.rmeta|--cap-lints|warn";
        let arguments: Vec<String> = line.split('|').map(str::to_owned).collect();
        let found = Invocation::parse(&arguments).unwrap();
        assert_eq!(found.crate_name, "csv");
        assert_eq!(found.source, PathBuf::from("/r/csv-1.4.0/src/lib.rs"));
        assert!(found.features.contains("default") && found.features.len() == 1);
        assert!(!found.is_for_host && found.reports_artifacts);
        assert_eq!(found.externs, [PathBuf::from("/t/deps/libmemchr-3.rmeta")]);
        let file = found.output("lib", ".rlib");
        assert_eq!(file, PathBuf::from("/t/deps/libcsv-2.rlib"));
    }

    #[test]
    fn a_query_is_no_build() {
        let query = ["-vV".to_owned()];
        assert_eq!(Invocation::parse(&query), None);
        let query = [
            "-".into(),
            "--crate-name".into(),
            "___".into(),
            "--print=cfg".into(),
        ];
        assert_eq!(Invocation::parse(&query), None);
    }
}

//! `candlebook doctor`: looks at everything the kernel needs and says how to mend what is missing.

use crate::build::{Features, gpu, seed};
use crate::home;
use crate::jupyter::spec;
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

/// What was found.
struct Finding {
    name: &'static str,
    level: Level,
    found: String,
    mend: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Fine,
    /// Works without; something is slower or absent.
    Optional,
    Broken,
}

/// Prints the findings; an error where something needed is missing.
pub(crate) fn run() -> Result<()> {
    let findings = [
        rustc(),
        libstd(),
        rust_src(),
        kernelspec(),
        seed_there(),
        lab(),
        data(),
        gpu(),
    ];
    for finding in &findings {
        let mark = match finding.level {
            Level::Fine => "ok     ",
            Level::Optional => "without",
            Level::Broken => "MISSING",
        };
        println!("{mark}  {:<10}  {}", finding.name, finding.found);
        if finding.level != Level::Fine {
            println!("{:21}  -> {}", "", finding.mend);
        }
    }
    if findings
        .iter()
        .any(|finding| finding.level == Level::Broken)
    {
        anyhow::bail!("something that the kernel needs is missing: see MISSING above");
    }
    Ok(())
}

fn finding(
    name: &'static str,
    found: Result<String>,
    otherwise: Level,
    mend: &'static str,
) -> Finding {
    match found {
        Ok(found) => Finding {
            name,
            level: Level::Fine,
            found,
            mend,
        },
        Err(error) => Finding {
            name,
            level: otherwise,
            found: error.to_string(),
            mend,
        },
    }
}

fn rustc() -> Finding {
    let version = home::rustc_version().and_then(|version| {
        home::check_rustc(&version)?;
        Ok(version.lines().next().unwrap_or_default().to_owned())
    });
    finding(
        "rustc",
        version,
        Level::Broken,
        "rustup update stable (rustup.rs)",
    )
}

fn libstd() -> Finding {
    let found = || -> Result<String> {
        let folder = home::output(Command::new("rustc").args(["--print", "target-libdir"]))?;
        let entries = std::fs::read_dir(folder.trim())?;
        let shared = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .find(|name| {
                name.starts_with("libstd-") && (name.ends_with(".so") || name.ends_with(".dylib"))
            });
        shared.ok_or_else(|| {
            anyhow::anyhow!("expected a shared libstd in {}, got none", folder.trim())
        })
    };
    finding(
        "libstd",
        found(),
        Level::Broken,
        "use a toolchain from rustup; some systems' packages lack it",
    )
}

fn rust_src() -> Finding {
    let found = home::sysroot().and_then(|root| {
        let library = root.join("lib/rustlib/src/rust/library");
        if !library.is_dir() {
            anyhow::bail!("not installed: completion knows less, and some variables need their type written out");
        }
        Ok(library.display().to_string())
    });
    finding(
        "rust-src",
        found,
        Level::Optional,
        "rustup component add rust-src",
    )
}

fn kernelspec() -> Finding {
    let found = spec::Place::User.spec_folder().and_then(|folder| {
        if !folder.join("kernel.json").is_file() {
            anyhow::bail!("not registered in Jupyter for this user");
        }
        if !spec::is_current(&spec::Place::User) {
            anyhow::bail!("registered, but by another build of candlebook");
        }
        Ok(folder.display().to_string())
    });
    finding(
        "kernelspec",
        found,
        Level::Optional,
        "cargo candlebook install",
    )
}

fn seed_there() -> Finding {
    let found = seed::Seed::find().and_then(|seed| {
        if !seed.exists() {
            anyhow::bail!("not built: the first kernel start takes some minutes");
        }
        let features = match seed.features().quoted() {
            none if none.is_empty() => none,
            some => format!(", with {}", some.replace('"', "")),
        };
        Ok(format!("built for this toolchain and version{features}"))
    });
    finding("helper", found, Level::Optional, "cargo candlebook install")
}

fn lab() -> Finding {
    let found = || -> Result<String> {
        if let Some(lab) = spec::on_path("jupyter-lab") {
            return Ok(format!(
                "JupyterLab {}",
                home::output(Command::new(lab).arg("--version"))?.trim()
            ));
        }
        let private = home::folder()?.join("python/requirements.txt");
        if private.is_file() {
            return Ok("a private JupyterLab".into());
        }
        let python = spec::python()?;
        anyhow::bail!(
            "none yet; `cargo candlebook lab` installs one with {}",
            python.display()
        )
    };
    finding(
        "Jupyter",
        found(),
        Level::Optional,
        "cargo candlebook lab, or: pip install jupyterlab",
    )
}

fn data() -> Finding {
    let found = || -> Result<String> {
        let own = std::env::var_os("CANDLEBOOK_DATA").map(PathBuf::from);
        let cache = home::user_home()?.join(".cache/candlebook");
        let places = own
            .into_iter()
            .chain([cache])
            .flat_map(|place| [place.join("mnist"), place]);
        for place in places {
            if ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"]
                .iter()
                .any(|name| place.join(name).is_file())
            {
                return Ok(format!("MNIST in {}", place.display()));
            }
        }
        anyhow::bail!(
            "full MNIST not here: it is downloaded on first use, or 5,000 digits stand in for it"
        )
    };
    finding(
        "data",
        found(),
        Level::Optional,
        "set CANDLEBOOK_DATA to a folder with the four MNIST files",
    )
}

fn gpu() -> Finding {
    // A damaged choice is the helper's finding.
    let verdict = gpu::Gpu::look().verdict(&Features::chosen().unwrap_or_default());
    let level = if verdict.fine {
        Level::Fine
    } else {
        Level::Optional
    };
    Finding {
        name: "GPU",
        level,
        found: verdict.found,
        mend: verdict.mend,
    }
}

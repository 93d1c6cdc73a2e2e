//! Development commands: `cargo xtask test` prepares and runs all tests.

mod command;
mod workspace;
mod sources;
mod size;
mod words;
mod cuda;
mod checks;
mod compare;
mod steps;
mod bench;
mod dist;
mod fuzz;
mod reproduce;

use bench::{Instructions, Others};
use std::process::ExitCode;
use workspace::Workspace;

const USAGE: &str = "\
cargo xtask test [STEP ...]   all tests, or only these steps: fmt words typos clippy cuda doc unit compare
                              install kernel notebooks; only if named: deny msrv dist containers
cargo xtask words [PATH ...]  all findings of the step `words` in these paths
cargo xtask count             sizes of functions and files, tuple parameters, documentation coverage
cargo xtask dist              wheels and tarball with program and compiled helper crate, in target/dist
cargo xtask cuda              a build with CUDA without a GPU; pip installs the toolkit
cargo xtask sanitizer         matrix products under AddressSanitizer; compiles everything again
cargo xtask fuzz [READER ...] mutated files for every reader; --help lists the options
cargo xtask compare [READER ...]
                              mutated files beside Pillow, NumPy and safetensors; --help lists the options
cargo xtask reproduce [ROW ...] [--readme]
                              published results, trained again; --help lists the options
cargo xtask bench NAME        interaction [--with-torch]: the kernel's latency, compared with the stock form and
                              ipykernel
                              start [--with-torch]: a start in stages, and the time to a trained model, compared
                              with ipykernel
                              install: size, installation and first start of the wheel
                              soak: many cells, many kernel starts
                              scale: one process and two ranks of a team; writes the tables of docs/scale.md
                              show: the time to render images
                              sweep: small models as a sweep, compared with one after the other
                              training [--with-torch | --with-rivals]: compared with candle-nn and PyTorch, and
                              with torch.compile, JAX and Burn; the flags install them
              training --avx2     all of them without AVX-512
                              loader [--with-torch]: photographs to batches, compared with torchvision;
                              CANDLEBOOK_PHOTOGRAPHS sets another folder, class/*.JPEG";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["test", steps @ ..] => steps::test(steps),
        ["words", paths @ ..] => {
            Workspace::new().and_then(|workspace| words::list(&workspace.root, paths))
        }
        ["count"] => Workspace::new().and_then(|workspace| size::print(&workspace.root)),
        ["dist"] => dist::dist(),
        ["cuda"] => cuda::build(),
        ["sanitizer"] => steps::sanitizer(),
        ["fuzz", arguments @ ..] => fuzz::fuzz(arguments),
        ["compare", arguments @ ..] => compare::compare(arguments),
        ["reproduce", arguments @ ..] => reproduce::reproduce(arguments),
        ["bench", name @ ("interaction" | "start" | "soak" | "scale")] => {
            bench::kernel(name, Others::None)
        }
        ["bench", name @ ("interaction" | "start"), "--with-torch"] => {
            bench::kernel(name, Others::Torch)
        }
        ["bench", "install"] => dist::bench(),
        ["bench", name @ ("show" | "sweep")] => bench::helper(name),
        ["bench", name @ ("training" | "loader")] => {
            bench::beside_torch(name, Others::None, Instructions::All)
        }
        ["bench", name @ ("training" | "loader"), "--with-torch"] => {
            bench::beside_torch(name, Others::Torch, Instructions::All)
        }
        ["bench", "training", "--with-rivals"] => {
            bench::beside_torch("training", Others::Rivals, Instructions::All)
        }
        ["bench", "training", "--avx2"] => {
            bench::beside_torch("training", Others::Torch, Instructions::Avx2)
        }
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

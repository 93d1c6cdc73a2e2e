"""A new user's first minutes with the wheel, inside the box of `box.sh`. Prints seconds as JSON."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from conftest import Kernel

BOX = pathlib.Path(os.environ["BOX"])
PROGRAM = BOX / "venv/bin/candlebook"
CHART = 'Plot::new().line("squares", &[1.0, 2.0, 3.0], &[1.0, 4.0, 9.0])'


def timed(seconds, name, call):
    start = time.monotonic()
    result = call()
    seconds[name] = round(time.monotonic() - start, 1)
    return result


def completions(kernel, code):
    reply = kernel.client.complete(code, len(code), reply=True, timeout=60)
    return reply["content"]["matches"]


def picture(cell):
    data = [content["data"] for kind in ("execute_result", "display_data") for content in cell.of(kind)]
    return any("image/png" in each or "image/svg+xml" in each for each in data)


def first_start(seconds):
    begin = time.monotonic()
    kernel = timed(seconds, "kernel_info", Kernel)
    timed(seconds, "first_cell", lambda: kernel.ok("let x = 1 + 1; x"))
    assert picture(timed(seconds, "chart", lambda: kernel.ok(CHART)))
    seconds["first_picture"] = round(time.monotonic() - begin, 1)
    return kernel


def features(kernel, seconds):
    kernel.ok("let data = mnist()?; let strip = data.test.take(3);")
    assert "test" in completions(kernel, "data.te")
    assert any(match.startswith("sum_all") for match in completions(kernel, "Tensor::zeros(1, DType::F32, &Device::Cpu)?.sum_"))
    assert "HashMap" in " ".join(completions(kernel, "std::collections::HashM"))
    shown = kernel.ok("?Autoencoder")
    assert "fit" in json.dumps([shown.reply, *(content for _, _, content in shown.messages)])
    for level in ("3", "1", "0", "2"):
        kernel.ok(f":opt {level}")
        timed(seconds, f"opt_{level}", lambda: kernel.ok(f"let mut n = 0; for i in 0..{level}0 {{ n += i; }} n"))


def write_crate(name, code, dependencies="", package=""):
    folder = BOX / "home/crates" / name
    (folder / "src").mkdir(parents=True)
    manifest = f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2024"\n\n{package}\n[dependencies]\n{dependencies}\n'
    (folder / "Cargo.toml").write_text(manifest)
    (folder / "src/lib.rs").write_text(code)
    return f":dep {folder}"


def progress(cell):
    shown = cell.of("display_data") + cell.of("update_display_data")
    return [content["data"]["text/plain"] for content in shown]


def stored(name):
    """Libraries that the seed has got on this machine."""
    return list((BOX / "home").glob(f".local/share/candlebook/seeds/*/session/target/debug/deps/lib{name}-*.rlib"))


def unpacked():
    """Packages whose sources cargo has unpacked."""
    return sorted(folder.name for folder in (BOX / "home/.cargo/registry/src").glob("*/*"))


def added_crates(seconds):
    """`:dep` on a machine that has compiled nothing but cells."""
    kernel = Kernel()
    kernel.ok("let kept = 1; let x = Var::new(&[3f32], &Device::Cpu)?;")
    own = write_crate("own", "pub fn two() -> i32 { 2 }")
    failed = kernel.run(f"{own}\nown::two()")
    assert failed.reply["ename"] == "DependencyError" and "as before" in failed.said, failed.said
    assert kernel.ok("kept").text == "1"
    called = BOX / "log/cargo"
    called.unlink()
    (BOX / "log/allowed").touch()
    cell = timed(seconds, "first_dep", lambda: kernel.ok(f"{own}\nkept + own::two()"))
    assert cell.text == "3" and "compiled 1 crate " in progress(cell)[-1], progress(cell)
    code = "#[derive(serde::Serialize)] pub struct Point { pub x: f32 }\npub fn point() -> Point { Point { x: 1.5 } }"
    shared = write_crate("shared", code, 'serde = { version = "1", features = ["derive"] }')
    line = f':dep serde_json = "1"\n{shared}\nlet point = shared::point(); serde_json::to_string(&point)?'
    cell = timed(seconds, "dep_with_shared_crates", lambda: kernel.ok(line))
    assert cell.text == r'"{\"x\":1.5}"' and "compiled 1 crate " in progress(cell)[-1], (cell.text, progress(cell))
    # Neither the helper's dependencies nor the libraries of a macro that the wheel contains.
    assert unpacked() and not [name for name in unpacked() if name.startswith("candle")], unpacked()
    assert not stored("syn"), stored("syn")
    assert "two" in completions(kernel, "own::tw")
    assert kernel.ok("point.x").text == "1.5"
    candle = "pub fn cube(x: &candle_core::Tensor) -> candle_core::Result<candle_core::Tensor> { x * (x * x)? }"
    cube = write_crate("cube", candle, 'candle-core = "0.11"')
    cell = timed(seconds, "dep_with_candle", lambda: kernel.ok(f"{cube}\nlet y = cube::cube(x.as_tensor())?;"))
    assert "compiled 1 crate " in progress(cell)[-1], progress(cell)
    grad = kernel.ok("let g = y.backward()?; g.get(x.as_tensor()).unwrap().to_vec1::<f32>()?")
    assert grad.text == "[27.0]", grad.text
    kernel.stop()
    new_macro(seconds)
    (BOX / "log/allowed").unlink()


def new_macro(seconds):
    """A procedural macro that the seed lacks, but whose libraries its build has compiled."""
    code = """
        use proc_macro::TokenStream;
        #[proc_macro_derive(Name)]
        pub fn name(input: TokenStream) -> TokenStream {
            let name = syn::parse_macro_input!(input as syn::DeriveInput).ident;
            quote::quote!(impl #name { pub const NAME: &'static str = stringify!(#name); }).into()
        }
    """
    named = write_crate("named", code, 'quote = "*"\nsyn = "*"', "[lib]\nproc-macro = true\n")
    cell = f"{named}\n#[derive(named::Name)]\nstruct Cat;\nCat::NAME"
    if os.environ.get("BARE"):
        kernel = Kernel()
        failed = kernel.run(cell, timeout=300)
        assert failed.reply["ename"] == "DependencyError" and "needs a C compiler" in failed.said, failed.said
        kernel.stop()
        return
    for name in ("first_macro", "second_macro"):
        kernel = Kernel()
        shown = timed(seconds, name, lambda: kernel.ok(cell, timeout=300))
        assert shown.text == '"Cat"', shown.text
        # The libraries are compiled once on a machine.
        assert ("compiled 1 crate " in progress(shown)[-1]) == (name == "second_macro"), progress(shown)
        assert all(stored(library) for library in ("syn", "quote", "proc_macro2"))
        kernel.stop()


def second_start(seconds):
    begin = time.monotonic()
    kernel = Kernel()
    kernel.ok("let y = 2; y")
    seconds["second_start"] = round(time.monotonic() - begin, 1)
    kernel.stop()


def notebook():
    out = BOX / "home/out.ipynb"
    # A copy, as `lab` makes one: the notebook saves its model beside it.
    lesson = pathlib.Path(shutil.copy(BOX / "venv/share/candlebook-dist/mnist_autoencoder.ipynb", BOX / "home"))
    subprocess.run([PROGRAM, "run", lesson, "-p", "epochs=1", "-o", out], check=True)
    outputs = [output for cell in json.loads(out.read_text())["cells"] for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3


def doctor():
    text = subprocess.run([PROGRAM, "doctor"], check=True, capture_output=True, text=True).stdout
    lines = {line[9:].split()[0]: line for line in text.splitlines() if not line.startswith(" ")}
    for row in ("rustc", "toolchain", "linker", "archive", "rust-src", "helper"):
        assert lines[row].startswith("ok"), text
    assert "came compiled" in lines["toolchain"], text


def strays():
    """Files of this user outside the home, except the connection files of Jupyter's client."""
    folders = [folder for folder in ("/tmp", "/var/tmp", "/dev/shm") if os.path.isdir(folder)]
    find = ["find", *folders, "-user", str(os.getuid()), "-not", "-path", f"{BOX}/home*", "-not", "-path", f"{BOX}/log*"]
    find += ["-not", "-name", "tmp*.json"]
    return subprocess.run(find, capture_output=True, text=True).stdout.splitlines()


def main():
    seconds = {}
    kernel = first_start(seconds)
    if "--quick" not in sys.argv:
        features(kernel, seconds)
    kernel.stop()
    second_start(seconds)
    if "--quick" not in sys.argv:
        added_crates(seconds)
        timed(seconds, "notebook", notebook)
        doctor()
        assert not strays(), strays()
        subprocess.run([PROGRAM, "uninstall"], check=True)
        home = BOX / "home/.local/share/candlebook"
        left = sorted(path.name for path in home.iterdir()) if home.is_dir() else []
        assert set(left) <= {"history.jsonl", "runs.sqlite"}, left
    called = BOX / "log/cargo"
    assert not called.exists(), called.read_text()
    print(json.dumps(seconds))


main()

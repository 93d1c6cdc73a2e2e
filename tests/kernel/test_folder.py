"""The notebook's folder is data: opening a notebook runs nothing that lies beside it."""
import os
import pathlib
import subprocess

import pytest
from conftest import BIN
from opened import Opened

SCRIPT = "#!/bin/sh\ntouch '{mark}'\nexit 1\n"


def script(path, mark):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SCRIPT.format(mark=mark))
    path.chmod(0o755)


def plant(folder, mark):
    """Puts one file of each kind into a folder that some program would run, load or obey if it worked there."""
    (folder / "evcxr.toml").write_text(
        f'[evcxr]\nprelude = "std::fs::write(\\"{mark}-prelude\\", \\"\\")?;"\ntmpdir = "{folder}/tmp"\n'
    )
    script(folder / "tools/bin/rustc", f"{mark}-toolchain")
    script(folder / "tools/bin/cargo", f"{mark}-toolchain")
    (folder / "rust-toolchain.toml").write_text(f'[toolchain]\npath = "{folder}/tools"\n')
    (folder / ".cargo").mkdir()
    (folder / ".cargo/config.toml").write_text(
        f'[build]\nrustc-wrapper = "{folder}/wrapper"\n[target.x86_64-unknown-linux-gnu]\nlinker = "{folder}/linker"\n'
    )
    for program in ("wrapper", "linker", "rustc", "cargo", "rustup", "cc", "ld", "ld.lld", "mold", "sccache", "rustfmt", "sh", "python3", "jupyter-lab"):
        script(folder / program, f"{mark}-{program}")
    (folder / "Cargo.toml").write_text('[package]\nname = "planted"\nversion = "0.1.0"\nbuild = "build.rs"\n')
    (folder / "build.rs").write_text(f'fn main() {{ std::fs::write("{mark}-build", "").unwrap(); }}\n')
    for name in ("init.evcxr", "prelude.rs"):
        (folder / name).write_text(f'std::fs::write("{mark}-{name}", "")?;\n')
    (folder / "rustfmt.toml").write_text("nonsense = 1\n")
    for name in ("sitecustomize.py", "venv.py", "json.py", "jupyter_server_config.py", "jupyter_lab_config.py"):
        (folder / name).write_text(f'open(r"{mark}-{name}", "w")\n')
    source = folder / "library.c"
    source.write_text(f'#include <fcntl.h>\n__attribute__((constructor)) static void f(void) {{ open("{mark}-library", O_CREAT, 0600); }}\n')
    for library in ("libgcc_s.so.1", "libm.so.6", "libstd.so", "libcandlebook.so"):
        subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / library, source], check=True)
    source.unlink()


@pytest.fixture
def planted(tmp_path):
    """A folder of a notebook, in a folder that is planted too."""
    outer = tmp_path / "outer"
    inner = outer / "notebook"
    inner.mkdir(parents=True)
    marks = tmp_path / "marks"
    marks.mkdir()
    plant(outer, marks / "outer")
    plant(inner, marks / "inner")
    (inner / "tiny/src").mkdir(parents=True)
    (inner / "tiny/Cargo.toml").write_text('[package]\nname = "tiny"\nversion = "0.1.0"\nedition = "2024"\n')
    (inner / "tiny/src/lib.rs").write_text("pub fn two() -> i32 { 2 }\n")
    return inner, marks


# The ways in which a search path can name the current folder.
PATHS = {"LD_LIBRARY_PATH": "", "PATH": f"{os.environ['PATH']}::.:"}


def test_opening_a_notebook_runs_and_opens_nothing_of_its_folder(fresh, planted):
    folder, marks = planted
    folders = [path for path in (folder, folder.parent) for path in (path, path / ".cargo", path / "tools/bin")]
    opened = Opened(folders)
    kernel = fresh(cwd=str(folder), env=os.environ | PATHS)
    cell = kernel.ok('println!("{}", std::env::current_dir()?.display());')
    # After the notice of a kernel that starts.
    assert cell.stream().endswith(f"{folder}\n")
    kernel.client.complete("Autoenc")
    kernel.client.get_shell_msg(timeout=60)
    assert kernel.ok("let x = mnist_embedded()?.take(10, 10);").reply["status"] == "ok"
    assert [str(mark) for mark in marks.iterdir()] == []
    assert opened.names() == []
    # A cell that asks works in the folder as before.
    assert kernel.ok('std::fs::read_to_string("rustfmt.toml")?').text == '"nonsense = 1\\n"'
    assert kernel.ok("!pwd").stream().strip() == str(folder)
    assert kernel.ok(':dep tiny = { path = "tiny" }\ntiny::two()').text == "2"
    assert opened.names() != []


def test_the_stock_kernel_and_run_obey_nothing_either(planted, tmp_path):
    folder, marks = planted
    book = folder / "book.ipynb"
    cells = [{"cell_type": "code", "id": "a", "metadata": {}, "execution_count": None, "outputs": [], "source": "6 * 7"}]
    import json

    book.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    out = tmp_path / "out.ipynb"
    done = subprocess.run([BIN, "run", book, "-o", out], capture_output=True, text=True, cwd=folder, env=os.environ | PATHS)
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text())["cells"][0]["outputs"][0]["data"]["text/plain"] == "42"
    assert [str(mark) for mark in marks.iterdir()] == []


def test_doctor_and_install_obey_nothing_either(planted):
    folder, marks = planted
    done = subprocess.run([BIN, "doctor"], capture_output=True, text=True, cwd=folder, env=os.environ | PATHS)
    assert "rustc 1." in done.stdout, done
    assert [str(mark) for mark in marks.iterdir()] == []


def test_jupyterlab_starts_outside_the_folder(planted, tmp_path):
    folder, marks = planted
    (folder / "book.ipynb").write_text("{}")
    # Stands for JupyterLab: prints where it is started and how.
    fake = tmp_path / "bin/jupyter-lab"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\n[ "$1" = --version ] && echo 4 && exit\npwd -P\nfor a; do echo "$a"; done\n')
    fake.chmod(0o755)
    environment = os.environ | PATHS | {"PATH": f"{fake.parent}:{PATHS['PATH']}"}
    done = subprocess.run([BIN, "lab", "book.ipynb", "--", "--no-browser"], capture_output=True, text=True, cwd=folder, env=environment)
    home = pathlib.Path(os.environ["CANDLEBOOK_HOME"]).resolve()
    expected = [str(home), f"--ServerApp.root_dir={folder}", f"{folder}/book.ipynb", "--no-browser"]
    assert done.stdout.splitlines() == expected, done
    assert [str(mark) for mark in marks.iterdir()] == []


def test_folders_have_the_names_that_people_give_them(fresh, tmp_path):
    folder = tmp_path / ("Zo\u00eb's \"notebooks\", 100 % [of] {them} #1 & $HOME; " + "long " * 30).strip()
    (folder / "tiny/src").mkdir(parents=True)
    (folder / "tiny/Cargo.toml").write_text('[package]\nname = "tiny"\nversion = "0.1.0"\nedition = "2024"\n')
    (folder / "tiny/src/lib.rs").write_text("pub fn two() -> i32 { 2 }\n")
    link = tmp_path / "a link"
    link.symlink_to(folder)
    kernel = fresh(cwd=str(link))
    kernel.ok('let mut net = Autoencoder::symmetric((1, 2, 2), &[Flatten, Linear(2)])?; net.save("my model.safetensors")?;')
    assert (folder / "my model.safetensors").is_file()
    assert kernel.ok("!ls").stream().split("\n")[:2] == ["my model.safetensors", "tiny"]
    assert kernel.ok(':dep tiny = { path = "tiny" }\ntiny::two()').text == "2"
    book = folder / "my book.ipynb"
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "execution_count": None, "outputs": []}
    cells = [cell | {"source": 'Autoencoder::load("my model.safetensors")?.count_params()'}]
    import json

    book.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    done = subprocess.run([BIN, "run", book.name], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    parameters = str(4 * 2 + 2 + 2 * 4 + 4)
    assert json.loads(book.read_text())["cells"][0]["outputs"][0]["data"]["text/plain"] == parameters
    # Also from a shell line of a notebook in another folder.
    book.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    elsewhere = fresh(cwd=str(tmp_path))
    elsewhere.ok(f"!'{BIN}' run 'a link/{book.name}'")
    assert json.loads(book.read_text())["cells"][0]["outputs"][0]["data"]["text/plain"] == parameters


@pytest.mark.parametrize("name", ["a:b", "a;b", "a$b"])
def test_a_home_that_search_paths_cannot_hold_is_refused_in_words(tmp_path, name):
    done = subprocess.run([BIN, "doctor"], capture_output=True, text=True, env=os.environ | {"CANDLEBOOK_HOME": str(tmp_path / name)})
    assert f"expected a home folder without '{name[1]}' in its path" in done.stdout + done.stderr, done

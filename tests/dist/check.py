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
    failed = kernel.run(':dep itoa = "1"')
    assert failed.reply["status"] == "error" and "install --compile" in failed.said, failed.said


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
        timed(seconds, "notebook", notebook)
        doctor()
        assert not strays(), strays()
        subprocess.run([PROGRAM, "uninstall"], check=True)
        home = BOX / "home/.local/share/candlebook"
        left = sorted(path.name for path in home.iterdir()) if home.is_dir() else []
        assert left in ([], ["history.jsonl"]), left
    called = BOX / "log/cargo"
    assert not called.exists(), called.read_text()
    print(json.dumps(seconds))


main()

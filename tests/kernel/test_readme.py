"""The Rust cells of README.md run in the kernel, in order."""
import os
import pathlib
import re

import pytest
from conftest import ROOT, Kernel
from mpi import mpich
from PIL import Image

# Variables that the single lines of "Everything renders itself" use.
PREAMBLE = """
let digits = data.test.first(4)?;
let noisy = (&digits + 0.1)?;
let (a, b, c) = (digits.get(0)?, digits.get(1)?, digits.get(2)?);
let digit = digits.get(0)?;
let losses: Vec<f32> = history.train_loss();
"""


def blocks():
    return re.findall(r"```rust\n(.*?)```", (ROOT / "README.md").read_text(), re.S)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readme")
    (folder / "photos").mkdir()
    for i in range(48):
        Image.new("RGB", (160, 140), (5 * i, 90, 200 - 3 * i)).save(folder / f"photos/{i:02}.jpg")
    # Two ranks on this machine, in place of two hosts.
    (folder / "hosts.txt").write_text("localhost:2\n")
    kernel = Kernel(cwd=str(folder), env={**os.environ, "PATH": f"{mpich()}/bin:{os.environ['PATH']}"})
    kernel.folder = pathlib.Path(folder)
    yield kernel
    kernel.stop()


def test_every_cell_of_the_readme_runs(kernel):
    cells = blocks()
    assert len(cells) == 13
    *five, lines, loop, variational, runs, sweep, photographs, module, team = cells
    for cell in five:
        kernel.ok(cell)
    assert (kernel.folder / "mnist_ae.safetensors").is_file()
    kernel.ok(PREAMBLE)
    shown = [kernel.ok(line) for line in lines.splitlines()]
    assert len(shown) == 5
    for cell in shown:
        assert cell.of("display_data"), cell.messages
    losses = [float(line.split(": ")[1]) for line in kernel.ok(loop, timeout=300).stream().splitlines()]
    assert len(losses) == 3 and losses[0] > 1.1 * losses[1] > 1.1 * losses[2], losses
    # An untrained model has 0.23.
    assert losses[2] < 0.05, losses
    cell = kernel.ok(variational, timeout=300)
    texts = [shown["data"]["text/plain"] for shown in cell.of("display_data")]
    for expected in ["evidence lower bound", "codes drawn from N(0, 1): 40 of shape (1, 28, 28)"]:
        assert any(expected in text for text in texts), texts
    assert kernel.ok(runs).of("display_data")[0]["data"]["text/plain"].split()[:2] == ["run", "started"]
    kernel.ok(sweep, timeout=300)
    assert kernel.ok("runs().list()?.len() >= 12").text == "true"
    # Fewer epochs: the last call resumes a run that is complete.
    kernel.ok(photographs.replace("epochs: 20", "epochs: 2"), timeout=300)
    assert kernel.ok("history.epochs.len()").text == "2"
    kernel.ok(module)
    assert "encoder.1.weight" in kernel.ok("ae.variables()[0].0.clone()").text
    kernel.ok("let data = mnist_embedded()?; let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16), Relu])?;")
    assert kernel.ok(team, timeout=300).of("display_data")


"""Times a sweep of eight notebooks, and the same notebooks one after the other.

Prints JSON rows. `ROUNDS=3 python benches/notebook_sweep.py`, with the program in `CANDLEBOOK_BIN` and an installed
kernel in `CANDLEBOOK_HOME`. The three ways alternate, so that other work on the machine slows all of them down.
"""
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

BIN = os.environ.get("CANDLEBOOK_BIN", "target/release/candlebook")
ROUNDS = int(os.environ.get("ROUNDS", "3"))
EPOCHS = int(os.environ.get("EPOCHS", "300"))
NOTEBOOKS = 8
CELLS = [
    f"let seed: u64 = 0; let epochs: usize = {EPOCHS};",
    "let data = mnist_embedded()?;\n"
    "let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(128), Relu])?;\n"
    "ae.fit(&data, &Fit { epochs, seed, ..Default::default() })?;",
    'result("test loss", ae.evaluate(&data.test)?);',
]


def notebook(path):
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": c} for c in CELLS]
    cells[0]["metadata"] = {"tags": ["parameters"]}
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))


def timed(commands, **variables):
    """Seconds of all commands, one after the other."""
    environment = {name: value for name, value in os.environ.items() if name != "RAYON_NUM_THREADS"}
    begin = time.monotonic()
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, env=environment | variables)
    return time.monotonic() - begin


def measure(folder):
    """Seconds of the sweep, of single notebooks with its number of threads, and with all threads."""
    book = folder / "book.ipynb"
    notebook(book)
    seeds = ",".join(map(str, range(NOTEBOOKS)))
    out = tempfile.mkdtemp(dir=folder)
    sweep = [[BIN, "sweep", book, "-p", f"seed={seeds}", "-o", out]]
    single = [[BIN, "run", book, "-p", f"seed={seed}", "-o", folder / "single.ipynb"] for seed in range(NOTEBOOKS)]
    return timed(sweep), timed(single, RAYON_NUM_THREADS="1"), timed(single)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        # The first sweep may install Dask.
        warm = folder / "warm"
        notebook(folder / "book.ipynb")
        timed([[BIN, "sweep", folder / "book.ipynb", "-p", "epochs=1", "-o", warm]])
        rounds = [measure(folder) for _ in range(ROUNDS)]
    sweep, one_thread, all_threads = (list(times) for times in zip(*rounds))
    workers = len(os.sched_getaffinity(0))
    rows = [
        (f"sweep of {NOTEBOOKS} notebooks, {workers} at a time", statistics.median(sweep), "s"),
        ("one after the other, one thread", statistics.median(one_thread), "s"),
        ("one after the other, all threads", statistics.median(all_threads), "s"),
        ("speed-up over one thread", statistics.median(b / a for a, b in zip(sweep, one_thread)), "times"),
        ("speed-up over all threads", statistics.median(b / a for a, b in zip(sweep, all_threads)), "times"),
    ]
    for name, value, unit in rows:
        print(json.dumps({"name": name, "value": round(value, 3), "unit": unit}))


if __name__ == "__main__":
    main()

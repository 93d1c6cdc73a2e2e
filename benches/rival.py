"""What the sides of the other libraries in the training benchmark share: arguments, sizes, digits, timing.

usage: training_LIBRARY.py MODEL VARIANT MODE STEPS REPEATS
"""
import gzip
import json
import os
import pathlib
import resource
import sys
import time

import numpy as np

MODEL, VARIANT, MODE = sys.argv[1:4]
STEPS, REPEATS = map(int, sys.argv[4:])
# Layer sizes of the dense networks.
WIDTHS = {"m1": [784, 128, 784], "m2": [784, 512, 128, 32, 128, 512, 784], "small": [784, 32, 784], "wide": [784, 4096, 784]}


def digits():
    """The digits of CANDLEBOOK_DATA, or the 5,000 of the crate, as rows of 784 values in [0, 1]."""
    folder = pathlib.Path(os.environ.get("CANDLEBOOK_DATA") or pathlib.Path(__file__).parents[1] / "assets/mnist5k")
    plain = folder / "train-images-idx3-ubyte"
    data = plain.read_bytes() if plain.exists() else gzip.decompress(plain.with_name(plain.name + ".gz").read_bytes())
    return np.frombuffer(data, np.uint8, offset=16).reshape(-1, 784) / np.float32(255)


def measure(train, infer, batch, n):
    """Prints the images per second and the mean loss of each repeat. `train` and `infer` run a number of steps; `n` is the number
    of images in an epoch.
    """
    run = infer if MODE == "infer" else train
    # Whole epochs, as `training.rs` runs them; the first run is a warm-up and is not timed.
    steps = -(-STEPS * batch // n) * (n // batch) if MODE != "infer" else STEPS
    run(steps)
    speeds, losses = [], []
    for _ in range(REPEATS):
        start = time.perf_counter()
        losses.append(run(steps))
        speeds.append(steps * batch / (time.perf_counter() - start))
    print(json.dumps({"model": MODEL, "variant": VARIANT, "mode": MODE, "speeds": speeds, "losses": losses,
                      "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))

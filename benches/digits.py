"""The digits that the benchmarks train on: those of CANDLEBOOK_DATA, or the 5,000 of the crate."""
import gzip
import os
import pathlib

import numpy as np


def digits():
    """Images as rows of 784 values in [0, 1]."""
    folder = pathlib.Path(os.environ.get("CANDLEBOOK_DATA") or pathlib.Path(__file__).parents[1] / "assets/mnist5k")
    plain = folder / "train-images-idx3-ubyte"
    data = plain.read_bytes() if plain.exists() else gzip.decompress(plain.with_name(plain.name + ".gz").read_bytes())
    return np.frombuffer(data, np.uint8, offset=16).reshape(-1, 784) / np.float32(255)

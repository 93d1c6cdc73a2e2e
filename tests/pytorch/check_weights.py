"""Loads a weights file of candlebook's into PyTorch, strictly, and checks reconstructions that candlebook computed.

usage: check_weights.py FOLDER, made by `cargo run --example pytorch_check FOLDER`:
FOLDER/ae.safetensors (one hidden layer of 32 on 28 x 28 pictures) and FOLDER/pictures.safetensors with `originals` and
`reconstructions`. Needs torch and safetensors.
"""
import pathlib
import sys

import torch
from safetensors.torch import load_file
from torch import nn

folder = pathlib.Path(sys.argv[1])
model = nn.Module()
model.encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Dropout(0.2))
model.decoder = nn.Sequential(nn.Linear(32, 784), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28)))
model.load_state_dict(load_file(folder / "ae.safetensors"), strict=True)
model.eval()
pictures = load_file(folder / "pictures.safetensors")
with torch.inference_mode():
    found = model.decoder(model.encoder(pictures["originals"]))
difference = (found - pictures["reconstructions"]).abs().max().item()
print(f"largest difference between PyTorch's and candlebook's reconstructions: {difference:.2e}")
assert difference < 1e-5

"""Loads candlebook's weights files into PyTorch with strict=True, compares reconstructions, and saves
the state dicts with PyTorch for candlebook to load.

Usage: `cargo run --example pytorch_check FOLDER`, then `check_weights.py FOLDER`, then the example
again. Needs torch and safetensors.
"""
import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file
from torch import nn


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


def down(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)


def up(inputs, outputs):
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)


def block(n):
    conv = lambda: nn.Conv2d(n, n, 3, padding=1)
    return Residual(conv(), nn.BatchNorm2d(n), nn.ReLU(), conv(), nn.BatchNorm2d(n))


def model(encoder, decoder):
    net = nn.Module()
    net.encoder, net.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder)
    return net.eval()


models = {
    "dense": model(
        [nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Dropout(0.2)],
        [nn.Linear(32, 784), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28))],
    ),
    "strided": model(
        [down(1, 8), nn.BatchNorm2d(8), nn.ReLU(), down(8, 3)],
        [up(3, 16), nn.BatchNorm2d(16), nn.ReLU(), block(16), nn.ReLU(), up(16, 1), nn.Sigmoid()],
    ),
}
folder = pathlib.Path(sys.argv[1])
for name, net in models.items():
    net.load_state_dict(load_file(folder / f"{name}.safetensors"), strict=True)
    images = load_file(folder / f"{name}_images.safetensors")
    with torch.inference_mode():
        found = net.decoder(net.encoder(images["originals"]))
    difference = (found - images["reconstructions"]).abs().max().item()
    print(f"{name}: largest difference between the reconstructions of PyTorch and candlebook: {difference:.2e}")
    assert difference < 1e-5
    save_file(net.state_dict(), folder / f"{name}_from_pytorch.safetensors")

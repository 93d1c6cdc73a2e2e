"""Loads candlebook's weights files into PyTorch with strict=True, compares reconstructions, and saves
the state dicts with PyTorch for candlebook to load.

Usage: `cargo run --example pytorch_check FOLDER`, then `check_weights.py FOLDER`, then the example
again. Needs torch and safetensors.
"""
import pathlib
import sys

import torch
import torch.nn.functional as F
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


class Patches(nn.Module):
    def __init__(self, h, w):
        super().__init__()
        self.size = (h, w)

    def forward(self, x):
        return F.unfold(x, self.size, stride=self.size).transpose(1, 2)


class Unpatches(Patches):
    def forward(self, x):
        return F.fold(x.transpose(1, 2), (28, 28), self.size, stride=self.size)


class Positions(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        return x + self.weight


class Attention(nn.MultiheadAttention):
    def __init__(self, n, heads):
        super().__init__(n, heads, batch_first=True)

    def forward(self, x):
        return super().forward(x, x, x)[0]


class Lstm(nn.LSTM):
    def __init__(self, n, units, steps):
        super().__init__(n, units, batch_first=True)
        self.steps = steps

    def forward(self, x):
        y, (h, _) = super().forward(x)
        return y if self.steps else h[0]


class Repeat(nn.Module):
    def forward(self, x):
        return x.unsqueeze(1).repeat(1, 28, 1)


class Codebook(nn.Module):
    def __init__(self, entries, n):
        super().__init__()
        for name, shape in [("weight", (entries, n)), ("counts", (entries,)), ("sums", (entries, n))]:
            self.register_buffer(name, torch.zeros(shape))

    def forward(self, x):
        vectors = x.permute(0, 2, 3, 1)
        return self.weight[torch.cdist(vectors.reshape(-1, x.shape[1]), self.weight).argmin(1)].view_as(vectors).permute(0, 3, 1, 2)


models = {
    "sequences": model(
        [Patches(7, 7), nn.Linear(49, 16), Positions(16, 16), Residual(nn.LayerNorm(16), Attention(16, 2)), Lstm(16, 12, False)],
        [Repeat(), Lstm(12, 10, True), nn.Linear(10, 28), Unpatches(1, 28)],
    ),
    "normalized": model(
        [nn.Conv2d(1, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.SiLU(), nn.Flatten(), nn.Linear(3136, 12), nn.LayerNorm(12)],
        [nn.Linear(12, 784), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28))],
    ),
    "quantized": model(
        [nn.Conv2d(1, 4, 4, stride=4), Codebook(16, 4)],
        [nn.ConvTranspose2d(4, 1, 4, stride=4), nn.Sigmoid()],
    ),
    "tied": model(
        [nn.Flatten(), nn.Linear(784, 16), nn.ReLU()],
        [nn.Linear(16, 784), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28))],
    ),
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

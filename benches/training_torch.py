"""PyTorch's side of the training benchmark: the same models, batches and steps as `training.rs`, one run per process.

usage: training_torch.py MODEL VARIANT MODE STEPS REPEATS
VARIANT is default, best: fused Adam, and channels_last for convolutions, or compile: torch.compile of network and loss, with
fused Adam. MODE is train, infer, or custom: training on a loss that also looks at the code.
"""
import os

import rival
import torch
import torch.nn.functional as F
from rival import MODE, MODEL, VARIANT, WIDTHS
from torch import nn

torch.set_num_threads(os.cpu_count())
torch.manual_seed(0)


def digits():
    return torch.from_numpy(rival.digits())


class Pooled(nn.Module):
    def __init__(self, side, code):
        super().__init__()
        self.quarter = side // 4
        inner = 24 * self.quarter**2
        self.c1, self.c2, self.c3 = (nn.Conv2d(a, b, 3, padding=1) for a, b in ((3, 12), (12, 12), (12, 24)))
        self.l1, self.l2 = nn.Linear(inner, code), nn.Linear(code, inner)
        self.d1, self.d2, self.d3 = (nn.Conv2d(a, b, 3, padding=1) for a, b in ((24, 12), (12, 12), (12, 3)))
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)

    def forward(self, x):
        x, first = self.pool(F.relu(self.c2(F.relu(self.c1(x)))))
        x, second = self.pool(F.relu(self.c3(x)))
        x = self.l2(self.l1(x.flatten(1))).view(-1, 24, self.quarter, self.quarter)
        x = self.unpool(F.relu(self.d1(self.unpool(x, second))), first)
        return self.d3(F.relu(self.d2(x)))


class Variational(nn.Module):
    """The example of PyTorch's repository, 784-400-20."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40))
        self.decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Sigmoid())

    def forward(self, x):
        mean, log_variance = self.encoder(x).chunk(2, 1)
        code = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decoder(code), mean, log_variance


class Quantized(nn.Module):
    """A VQ-VAE whose codebook the optimizer trains."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(), nn.Conv2d(64, 16, 1))
        self.codebook = nn.Parameter(torch.empty(128, 16).uniform_(-1 / 128, 1 / 128))
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(16, 64, 3, 2, 1, 1), nn.ReLU(), nn.ConvTranspose2d(64, 32, 3, 2, 1, 1), nn.ReLU(),
            nn.Conv2d(32, 1, 3, padding=1), nn.Sigmoid())

    def forward(self, x):
        code = self.encoder(x)
        vectors = code.permute(0, 2, 3, 1).reshape(-1, 16)
        entries = F.embedding(torch.cdist(vectors, self.codebook).argmin(1), self.codebook)
        term = F.mse_loss(entries, vectors.detach()) + 0.25 * F.mse_loss(vectors, entries.detach())
        entries = entries.view(len(x), 7, 7, 16).permute(0, 3, 1, 2)
        return self.decoder(code + (entries - code).detach()), term


class TopK(nn.Module):
    def forward(self, x):
        values, indices = x.topk(32)
        return torch.zeros_like(x).scatter(1, indices, values)


def strided():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(1568, 32),
        nn.Linear(32, 1568), nn.ReLU(), nn.Unflatten(1, (32, 7, 7)), nn.ConvTranspose2d(32, 16, 3, 2, 1, 1), nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 3, 2, 1, 1), nn.Sigmoid(),
    )


def dense(widths, dropout):
    layers = []
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        layers.append(nn.Linear(a, b))
        if i < len(widths) - 2:
            layers += [nn.ReLU(), nn.Dropout(0.2)] if dropout else [nn.ReLU()]
    return nn.Sequential(*layers, nn.Sigmoid())


batch = int(os.environ.get("BATCH", {"m3": 32, "post": 8}.get(MODEL, 128)))
if MODEL == "m3":
    net, dataset = Pooled(64, 256), torch.rand(1024, 3, 64, 64)
elif MODEL == "post":
    net, dataset = Pooled(224, 64), torch.rand(64, 3, 224, 224)
elif MODEL == "m4":
    net, dataset = strided(), digits().view(-1, 1, 28, 28)
elif MODEL == "vae":
    net, dataset = Variational(), digits()
elif MODEL == "vq":
    net, dataset = Quantized(), digits().view(-1, 1, 28, 28)
elif MODEL == "topk":
    net, dataset = nn.Sequential(nn.Linear(784, 512), TopK(), nn.Linear(512, 784), nn.Sigmoid()), digits()
else:
    net, dataset = dense(WIDTHS[MODEL], MODEL == "m1"), digits()
if VARIANT == "best" and dataset.dim() == 4:
    net, dataset = net.to(memory_format=torch.channels_last), dataset.contiguous(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=VARIANT != "default")
n = len(dataset) // batch * batch


# Layers of the encoder.
ENCODER = {"m1": 3, "m4": 6}


def loss_of(images):
    if MODEL == "vae":
        output, mean, log_variance = net(images)
        divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        return (F.binary_cross_entropy(output, images, reduction="sum") + divergence) / images.numel()
    if MODEL == "vq":
        output, term = net(images)
        return F.mse_loss(output, images) + term
    if MODE == "custom":
        code = net[:ENCODER[MODEL]](images)
        return F.mse_loss(net[ENCODER[MODEL]:](code), images) + 0.01 * code.abs().mean()
    return F.mse_loss(net(images), images)


if VARIANT == "compile":
    loss_of, net = torch.compile(loss_of), net if MODE != "infer" else torch.compile(net)


def train(steps):
    total, at, order = 0.0, n, None
    for _ in range(steps):
        if at == n:
            order, at = torch.randperm(len(dataset)), 0
        images = dataset.index_select(0, order[at : at + batch])
        at += batch
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(images)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / steps


def infer(steps):
    net.eval()
    with torch.inference_mode():
        for i in range(steps):
            at = i % (n // batch) * batch
            net(dataset[at : at + batch])
    return 0.0


rival.measure(train, infer, batch, n)

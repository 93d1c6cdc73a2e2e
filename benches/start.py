"""The start of a kernel: its stages, the first result, and the time to a trained model; beside ipykernel with PyTorch.

Run by `cargo xtask bench start [--with-torch]`; writes target/bench/start.json. ROUNDS sets the number of rounds, BUSY=1 lets another
process compute meanwhile. Kernels alternate, and each round has its own seed. Every figure counts from the request to start the kernel,
as the press of a key does. Both sides train on the same number of images and validate on the same held-out ones.
"""
import dataclasses
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

import kernelspecs
from jupyter_client.manager import KernelManager

ROUNDS = int(os.environ.get("ROUNDS", "3"))
ASSETS = pathlib.Path(__file__).resolve().parents[1] / "assets"
OUT = pathlib.Path(os.environ["CANDLEBOOK_BENCH"]).resolve()
# The crops of photographs that candlebook holds out, for PyTorch.
HELD_OUT = OUT / "photographs-test.npy"
MARK = re.compile(r"loss (\d\.\d+)")

# Stages as the kernel reports them that the table puts in other words.
STAGES = {
    "rustup": "questions to the toolchain, an empty rust-analyzer",
    "describe the project": "questions to the toolchain, an empty rust-analyzer",
    "start the engine": "questions to the toolchain, an empty rust-analyzer",
    "reuse": "take what the seed has compiled",
    "prepare the cell": "prepare",
}


@dataclasses.dataclass
class Data:
    """Training images and held-out ones in both languages."""

    rust: str
    python: str
    # A batch in Python.
    batch: str = "train[rows]"


@dataclasses.dataclass
class Model:
    """A network in both languages, and the loss of the held-out images that ends its training."""

    data: Data
    batch_size: int
    target: float
    rust: str
    python: str


DIGITS = Data(
    rust="let data = data::mnist_embedded()?;",
    python="""import gzip
def read(name):
    data = gzip.open(f"{assets}/mnist5k/{name}-images-idx3-ubyte.gz").read()
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=16).reshape(-1, 1, 28, 28) / np.float32(255))
train, test = read("train"), read("t10k")""",
)
# Squares of random sizes, reduced to 74 pixels once; each epoch cuts and flips them anew, as `data::Crop::Random(0.5)` does.
PHOTOGRAPHS = Data(
    rust="let data = photographs(64)?;",
    python="""import math, random
from PIL import Image
random.seed(seed)
def squares(name, n):
    photograph = Image.open(f"{assets}/photographs/{name}.jpg").convert("RGB")
    for _ in range(n):
        side = random.randint(64, min(photograph.size))
        left, top = (random.randint(0, length - side) for length in photograph.size)
        yield np.asarray(photograph.resize((74, 74), Image.BILINEAR, (left, top, left + side, top + side)))
names = ["astronaut", "china", "flower", "hubble", "retina", "rocket"]
train = np.stack([square for name in names for square in squares(name, 500)])
train = torch.from_numpy(train).permute(0, 3, 1, 2).contiguous() / 255
test = torch.from_numpy(np.load(held_out))
def crops(images):
    n, log_ratio = len(images), math.log(4 / 3)
    area, ratio = torch.empty(10, n).uniform_(0.5, 1), torch.empty(10, n).uniform_(-log_ratio, log_ratio).exp()
    sides = torch.stack([area * ratio, area / ratio], 2).sqrt()
    sides = sides[(sides <= 1).all(2).int().argmax(0), torch.arange(n)]  # of ten tries the first that fits: (10, n, 2) -> (n, 2)
    centers = (1 - sides) * (2 * torch.rand(n, 2) - 1)
    sides[:, 0] *= 2 * torch.randint(2, (n,)) - 1
    grid = F.affine_grid(torch.cat([torch.diag_embed(sides), centers[:, :, None]], 2), (n, 3, 64, 64), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)""",
    batch="crops(train[rows])",
)

MODELS = {
    "m1": Model(
        DIGITS, batch_size=128, target=0.010,
        rust="""let encoder = [Flatten, Linear(128), Relu];
let decoder = [Linear(784), Sigmoid, Unflatten(1, 28, 28)];""",
        python="model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid())",
    ),
    "m4": Model(
        DIGITS, batch_size=128, target=0.008,
        rust="""let encoder = [
    Conv2d(16, 3).stride(2).padding(1), Relu, Conv2d(32, 3).stride(2).padding(1), Relu, Flatten, Linear(32),
];
let decoder = [
    Linear(32 * 49), Relu, Unflatten(32, 7, 7), ConvTranspose2d(16, 3).stride(2).padding(1).output_padding(1), Relu,
    ConvTranspose2d(1, 3).stride(2).padding(1).output_padding(1), Sigmoid,
];""",
        python="""model = nn.Sequential(
    nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(1568, 32),
    nn.Linear(32, 1568), nn.ReLU(), nn.Unflatten(1, (32, 7, 7)), nn.ConvTranspose2d(32, 16, 3, 2, 1, 1), nn.ReLU(),
    nn.ConvTranspose2d(16, 1, 3, 2, 1, 1), nn.Sigmoid())""",
    ),
    "photographs": Model(
        PHOTOGRAPHS, batch_size=32, target=0.010,
        rust="""fn conv(channels: usize) -> Layer {
    Conv2d(channels, 3).padding(1)
}
let encoder = [conv(12), Relu, conv(12), Relu, MaxPool2d(2), conv(24), Relu, MaxPool2d(2), Flatten, Linear(256)];
let decoder = [
    Linear(24 * 256), Unflatten(24, 16, 16), MaxUnpool2d(2), conv(12), Relu, MaxUnpool2d(2), conv(12), Relu, conv(3),
];""",
        python="""class Pooling(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2, self.c3 = (nn.Conv2d(a, b, 3, padding=1) for a, b in ((3, 12), (12, 12), (12, 24)))
        self.l1, self.l2 = nn.Linear(24 * 256, 256), nn.Linear(256, 24 * 256)
        self.d1, self.d2, self.d3 = (nn.Conv2d(a, b, 3, padding=1) for a, b in ((24, 12), (12, 12), (12, 3)))
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)

    def forward(self, x):
        x, first = self.pool(F.relu(self.c2(F.relu(self.c1(x)))))
        x, second = self.pool(F.relu(self.c3(x)))
        x = self.l2(self.l1(x.flatten(1))).view(-1, 24, 16, 16)
        x = self.unpool(F.relu(self.d1(self.unpool(x, second))), first)
        return self.d3(F.relu(self.d2(x)))
model = Pooling()""",
    ),
}


def rust_cells(model, seed):
    return [
        f"let seed: u64 = {seed};\n{model.data.rust}",
        model.rust + """
let init = Init { seed, ..Default::default() };
let mut ae = Autoencoder::new_with(data.image_shape(), &encoder, &decoder, &init)?;""",
        """let fit = Fit { epochs: 200, batch_size: %d, validation_split: 0.0, seed, ..Default::default() };
ae.fit_with(&data, &fit, |event| {
    if event.kind == train::EventKind::Epoch {
        let loss = event.model()?.evaluate(&data.test)?;
        println!("loss {loss:.5}");
        if loss <= %s { return Ok(ControlFlow::Break(())); }
    }
    Ok(ControlFlow::Continue(()))
})?;""" % (model.batch_size, model.target),
    ]


def python_cells(model, seed):
    return [
        f"""import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
seed, assets, held_out = {seed}, {str(ASSETS)!r}, {str(HELD_OUT)!r}
torch.manual_seed(seed)
{model.data.python}""",
        model.python + "\noptimizer = torch.optim.Adam(model.parameters(), 1e-3)",
        """for epoch in range(200):
    for rows in torch.randperm(len(train)).split(%d):
        x = %s
        optimizer.zero_grad()
        F.mse_loss(model(x).flatten(1), x.flatten(1)).backward()
        optimizer.step()
    with torch.no_grad():
        loss = F.mse_loss(model(test).flatten(1), test.flatten(1)).item()
    print(f"loss {loss:.5f}", flush=True)
    if loss <= %s:
        break""" % (model.batch_size, model.data.batch, model.target),
    ]


class Run:
    """A kernel from the request to start it."""

    def __init__(self, name, **environment):
        self.start = time.perf_counter()
        self.manager = KernelManager(kernel_name=name)
        self.manager.start_kernel(env={**os.environ, **environment})
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)
        self.curve = []

    def seconds(self):
        return time.perf_counter() - self.start

    def cell(self, source):
        """Runs a cell; returns the seconds since the start of the kernel."""

        def note(message):
            for loss in MARK.findall(message["content"].get("text", "")) if message["msg_type"] == "stream" else []:
                self.curve.append((round(self.seconds(), 3), float(loss)))

        reply = self.client.execute_interactive(source, timeout=1800, output_hook=note)["content"]
        if reply["status"] != "ok":
            raise RuntimeError(f"{source}\n{reply.get('evalue')}\n" + "\n".join(reply.get("traceback", [])))
        return self.seconds()

    def end(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def write_held_out():
    """Writes the held-out crops, so that both sides have the same."""
    run = Run("candlebook")
    path = json.dumps(str(HELD_OUT), ensure_ascii=False)
    run.cell(f"let data = photographs(64)?; data.test.first(data.test.len())?.write_npy({path})?;")
    run.end()


def stages(path):
    """Seconds and processor seconds of each stage up to the first result."""
    lines = [line.split(" ", 2) for line in path.read_text().splitlines()]
    tick = os.sysconf("SC_CLK_TCK")
    totals, phase = {}, "session"
    for (began, used, name), (ended, used_then, _) in zip(lines, lines[1:]):
        if name == "wait for a cell":
            if phase == "first cell":
                break
            phase = "first cell"
            continue
        phase = {"start the engine": "engine", "load the prelude": "prelude"}.get(name, phase)
        key = (phase, STAGES.get(name, name))
        seconds, processor = totals.get(key, (0.0, 0.0))
        totals[key] = (seconds + float(ended) - float(began), processor + (int(used_then) - int(used)) / tick)
    return totals


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    return f"{name}, {os.cpu_count()} threads"


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    out, file = OUT / "start.json", OUT / "start-stages.txt"
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if os.environ.get("BUSY") else None
    kernels = {"candlebook": ("candlebook", "1 + 1", rust_cells)}
    if kernelspecs.TORCH:
        kernels["ipykernel with PyTorch"] = (kernelspecs.python_with_torch(), "import torch; 1 + 1", python_cells)
        write_held_out()
    else:
        print("PyTorch is not installed: run with --with-torch")
    firsts, parts, curves = {}, [], {}
    try:
        for n in range(ROUNDS):
            for variant, (name, cell, cells) in kernels.items():
                file.unlink(missing_ok=True)
                run = Run(name, CANDLEBOOK_TIMINGS=str(file))
                firsts.setdefault(variant, []).append(run.cell(cell))
                run.end()
                if file.exists():
                    parts.append(stages(file))
                for key, model in MODELS.items():
                    run = Run(name)
                    for source in cells(model, n):
                        run.cell(source)
                    run.end()
                    if run.curve[-1][1] > model.target:
                        raise RuntimeError(f"{variant}, {key}: did not reach {model.target} in {len(run.curve)} epochs")
                    curves.setdefault((variant, key), []).append(run.curve)
                print(f"round {n + 1}, {variant}: first result {firsts[variant][-1]:.2f} s, " + ", ".join(
                    f"{key} {curves[variant, key][-1][-1][0]:.2f} s" for key in MODELS), flush=True)
    finally:
        if busy:
            busy.kill()
    machine = {"processor": processor(), "busy": bool(busy)}
    row = lambda variant, mode, figure, value, unit, **more: {
        "model": more.pop("model", "none"), "mode": mode, "variant": variant, "figure": figure, "value": round(value, 3), "unit": unit,
        **machine, **more}
    rows = [row(variant, "start", "first result", statistics.median(times), "s") for variant, times in firsts.items()]
    keys = list(dict.fromkeys(key for totals in parts for key in totals))
    print(f"\n{'stage':<70}{'seconds':>9}{'processor':>11}")
    for phase, stage in keys:
        found = [totals.get((phase, stage), (0.0, 0.0)) for totals in parts]
        seconds, used = (statistics.median(values) for values in zip(*found))
        print(f"{phase + ': ' + stage:<70}{seconds:>9.3f}{used:>11.2f}")
        rows.append(row("candlebook", "stage", f"{phase}: {stage}", seconds, "s", processor_seconds=round(used, 3)))
    print(f"\n{'':<28}{'first result':>14}" + "".join(f"{f'{key} to {model.target}':>22}" for key, model in MODELS.items()))
    for variant in kernels:
        ends = []
        for key, model in MODELS.items():
            curve = sorted(curves[variant, key], key=lambda curve: curve[-1][0])[ROUNDS // 2]
            ends.append(curve[-1][0])
            rows.append(row(variant, "curve", "time to loss", curve[-1][0], "s", model=key, target=model.target, curve=curve))
        print(f"{variant:<28}{statistics.median(firsts[variant]):>12.2f} s" + "".join(f"{end:>20.2f} s" for end in ends))
    out.write_text(json.dumps(rows, indent=1) + "\n")
    file.unlink(missing_ok=True)
    HELD_OUT.unlink(missing_ok=True)
    print(f"written to {out}")


main()

"""The start of a kernel: its stages, the first result, and the time to a trained model; beside ipykernel with PyTorch.

Run by `cargo xtask bench start [--with-torch]`; writes target/bench/start.json. ROUNDS sets the number of rounds, BUSY=1 lets another
process compute meanwhile. Kernels alternate. Every figure counts from the request to start the kernel, as the press of a key does.
"""
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
DIGITS = pathlib.Path(__file__).parents[1] / "assets/mnist5k"
MARK = re.compile(r"loss (\d\.\d+)")
# Each model with its validation loss that ends a run.
TARGETS = {"m1": 0.010, "m4": 0.008}

# Stages as the kernel reports them that the table puts in other words.
STAGES = {
    "rustup": "questions to the toolchain, an empty rust-analyzer",
    "describe the project": "questions to the toolchain, an empty rust-analyzer",
    "start the engine": "questions to the toolchain, an empty rust-analyzer",
    "reuse": "take what the seed has compiled",
    "prepare the cell": "prepare",
}

RUST = {
    "m1": "let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(128), Relu])?;",
    "m4": """let encoder = [
    Conv2d(16, 3).stride(2).padding(1), Relu, Conv2d(32, 3).stride(2).padding(1), Relu, Flatten, Linear(32),
];
let decoder = [
    Linear(32 * 49), Relu, Unflatten(32, 7, 7), ConvTranspose2d(16, 3).stride(2).padding(1).output_padding(1), Relu,
    ConvTranspose2d(1, 3).stride(2).padding(1).output_padding(1), Sigmoid,
];
let mut ae = Autoencoder::new(data.image_shape(), &encoder, &decoder)?;""",
}
PYTHON = {
    "m1": "model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 784))",
    "m4": """model = nn.Sequential(
    nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(1568, 32),
    nn.Linear(32, 1568), nn.ReLU(), nn.Unflatten(1, (32, 7, 7)), nn.ConvTranspose2d(32, 16, 3, 2, 1, 1), nn.ReLU(),
    nn.ConvTranspose2d(16, 1, 3, 2, 1, 1), nn.Sigmoid())""",
}


def rust_cells(model):
    return [
        "let data = data::mnist_embedded()?;",
        RUST[model],
        """let fit = Fit { epochs: 200, ..Default::default() };
ae.fit_with(&data, &fit, |event| {
    if event.kind == train::EventKind::Epoch {
        let loss = event.history.epochs.last().and_then(|epoch| epoch.valid_loss).unwrap_or(1.0);
        println!("loss {loss:.5}");
        if loss <= %s { return Ok(ControlFlow::Break(())); }
    }
    Ok(ControlFlow::Continue(()))
})?;""" % TARGETS[model],
    ]


def python_cells(model):
    return [
        f"""import gzip, numpy as np, torch, torch.nn as nn, torch.nn.functional as F
def read(name):
    data = gzip.open({str(DIGITS)!r} + "/" + name + "-images-idx3-ubyte.gz").read()
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=16).reshape(-1, 1, 28, 28) / np.float32(255))
train, test = read("train"), read("t10k")
torch.manual_seed(0)""",
        PYTHON[model] + "\noptimizer = torch.optim.Adam(model.parameters(), 1e-3)",
        """for epoch in range(200):
    for rows in torch.randperm(len(train)).split(128):
        x = train[rows]
        optimizer.zero_grad()
        F.mse_loss(model(x).flatten(1), x.flatten(1)).backward()
        optimizer.step()
    with torch.no_grad():
        loss = F.mse_loss(model(test).flatten(1), test.flatten(1)).item()
    print(f"loss {loss:.5f}", flush=True)
    if loss <= %s:
        break""" % TARGETS[model],
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

        reply = self.client.execute_interactive(source, timeout=600, output_hook=note)["content"]
        if reply["status"] != "ok":
            raise RuntimeError(f"{source}\n{reply.get('evalue')}\n" + "\n".join(reply.get("traceback", [])))
        return self.seconds()

    def end(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


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
    out = pathlib.Path(os.environ["CANDLEBOOK_BENCH"]) / "start.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    file = out.with_name("start-stages.txt")
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if os.environ.get("BUSY") else None
    kernels = {"candlebook": ("candlebook", "1 + 1", rust_cells)}
    if kernelspecs.TORCH:
        kernels["ipykernel with PyTorch"] = (kernelspecs.python_with_torch(), "import torch; 1 + 1", python_cells)
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
                for model, target in TARGETS.items():
                    run = Run(name)
                    for source in cells(model):
                        run.cell(source)
                    run.end()
                    if run.curve[-1][1] > target:
                        raise RuntimeError(f"{variant}, {model}: did not reach {target} in {len(run.curve)} epochs")
                    curves.setdefault((variant, model), []).append(run.curve)
                print(f"round {n + 1}, {variant}: first result {firsts[variant][-1]:.2f} s, " + ", ".join(
                    f"{model} {curves[variant, model][-1][-1][0]:.2f} s" for model in TARGETS), flush=True)
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
    print(f"\n{'':<28}{'first result':>14}" + "".join(f"{f'{model} to {target}':>16}" for model, target in TARGETS.items()))
    for variant in kernels:
        ends = []
        for model in TARGETS:
            curve = sorted(curves[variant, model], key=lambda curve: curve[-1][0])[ROUNDS // 2]
            ends.append(curve[-1][0])
            rows.append(row(variant, "curve", "time to loss", curve[-1][0], "s", model=model, target=TARGETS[model], curve=curve))
        print(f"{variant:<28}{statistics.median(firsts[variant]):>12.2f} s" + "".join(f"{end:>14.2f} s" for end in ends))
    out.write_text(json.dumps(rows, indent=1) + "\n")
    file.unlink(missing_ok=True)
    print(f"written to {out}")


main()

"""Latency and memory of a kernel: start, first result, cells; Candlebook, the stock server, and ipykernel with PyTorch.

Run by `cargo xtask bench interaction [--with-torch]`; writes target/bench/interaction.json. Kernels alternate over several rounds, so that
noise of the machine affects all of them. The cells are those of the MNIST notebook; training is not timed.
"""
import json
import os
import pathlib
import re
import statistics
import subprocess
import time

import kernelspecs
from jupyter_client.manager import KernelManager

ROOT = pathlib.Path(__file__).parents[1]
ROUNDS = int(os.environ.get("ROUNDS", "3"))

RUST = [
    "".join(cell["source"])
    for cell in json.loads((ROOT / "notebooks/mnist_autoencoder.ipynb").read_text())["cells"]
    if cell["cell_type"] == "code"
]
# Train for one epoch, so that later cells have a model; `bench training` measures training.
RUST = [re.sub(r"epochs: usize = \d+", "epochs: usize = 1", source) for source in RUST]
TRAINING_CALL = "fit("
PYTHON = [
    "hidden = 128; dropout = 0.2",
    "import torch, torch.nn as nn",
    "model = nn.Sequential(nn.Flatten(), nn.Linear(784, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 784))",
    "x = torch.rand(1000, 1, 28, 28); y = model(x); y.shape",
    "((y - x.flatten(1)) ** 2).mean().item()",
    "model[1].weight.T.reshape(28, 28, -1).shape",
]


def resident(pid):
    """Resident memory of a process and its children, in MB."""
    pids, total = [pid], 0
    for process in pids:
        children = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True).stdout.split()
        pids += [int(child) for child in children]
        try:
            status = pathlib.Path(f"/proc/{process}/status").read_text()
            total += int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
        except (FileNotFoundError, AttributeError):
            pass
    return total / 1024


def measure(name, cells):
    """Starts a kernel and runs cells. Returns figures by name, and the seconds of each timed cell."""
    start = time.perf_counter()
    manager = KernelManager(kernel_name=name)
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    figures = {"handshake": time.perf_counter() - start}
    client.execute_interactive("1 + 1", timeout=300, output_hook=lambda message: None)
    figures["first result"] = time.perf_counter() - start
    times = []
    for source in cells:
        began = time.perf_counter()
        reply = client.execute_interactive(source, timeout=300, output_hook=lambda message: None)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"{name}: {source}\n{reply['content'].get('evalue')}")
        if TRAINING_CALL not in source:
            times.append(time.perf_counter() - began)
    figures["memory"] = resident(manager.provisioner.pid)
    for figure in ("first completion", "completion"):
        began = time.perf_counter()
        client.complete("mod", reply=True, timeout=120)
        figures[figure] = time.perf_counter() - began
    figures["memory after"] = resident(manager.provisioner.pid)
    client.stop_channels()
    manager.shutdown_kernel()
    return figures, times


def main():
    kernels = {"candlebook": RUST, kernelspecs.stock(): RUST}
    if kernelspecs.TORCH:
        kernels[kernelspecs.python_with_torch()] = PYTHON
    else:
        print("PyTorch is not installed: run with --with-torch")
    rounds = {name: [] for name in kernels}
    for n in range(ROUNDS):
        for name, cells in kernels.items():
            rounds[name].append(measure(name, cells))
            print(f"round {n + 1}, {name}: " + ", ".join(f"{k} {v:.2f}" for k, v in rounds[name][-1][0].items()), flush=True)
    rows = []
    for name, results in rounds.items():
        add = lambda figure, value, unit: rows.append(
            {"model": "mnist notebook", "mode": "interaction", "variant": name, "figure": figure,
             "value": round(value, 3), "unit": unit})
        for figure in ("handshake", "first result"):
            add(figure, statistics.median(figures[figure] for figures, _ in results), "s")
        times = sorted(time for _, times in results for time in times)
        add("median cell", statistics.median(times), "s")
        add("95th percentile cell", times[min(len(times) - 1, int(len(times) * 0.95))], "s")
        for figure in ("first completion", "completion"):
            add(figure, statistics.median(figures[figure] for figures, _ in results), "s")
        for figure in ("memory", "memory after"):
            add(figure, statistics.median(figures[figure] for figures, _ in results), "MB")
    out = pathlib.Path(os.environ["CANDLEBOOK_BENCH"]) / "interaction.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(rows, indent=1) + "\n")
    figures = list(dict.fromkeys(row["figure"] for row in rows))
    print(f"\n{'':28}" + "".join(f"{figure:>21}" for figure in figures))
    for variant in dict.fromkeys(row["variant"] for row in rows):
        cells = {row["figure"]: f"{row['value']:.2f} {row['unit']}" for row in rows if row["variant"] == variant}
        print(f"{variant:28}" + "".join(f"{cells[figure]:>21}" for figure in figures))
    print(f"written to {out}")


main()

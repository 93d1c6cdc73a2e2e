"""torchvision's side of the loader benchmark: `ImageFolder` and `DataLoader` on the same files, one run per process.

usage: loader_torch.py FOLDER SIZE VARIANT REPEATS WORKERS
VARIANT is center or random. Prints one line of JSON.
"""
import json
import os
import pathlib
import resource
import sys
import time

import torch
from torchvision import datasets, transforms

BATCH_SIZE = 32


def proportional_mb():
    """Proportional set size (PSS) of this process and its workers, in MB."""
    me = os.getpid()
    tasks = pathlib.Path(f"/proc/{me}/task").iterdir()
    family = [me, *(int(child) for task in tasks for child in (task / "children").read_text().split())]
    total = 0
    for process in family:
        lines = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def main():
    folder, size, variant, repeats, workers = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    torch.manual_seed(0)
    # The images are too small for threads within an operation to pay off; workers have one thread each anyway.
    torch.set_num_threads(1)
    steps = {"center": [transforms.Resize(size), transforms.CenterCrop(size)],
             "random": [transforms.RandomResizedCrop(size), transforms.RandomHorizontalFlip()]}[variant]
    images = datasets.ImageFolder(folder, transforms.Compose([*steps, transforms.ToTensor()]))
    # Persistent workers, so that an epoch's time does not include their start.
    loader = torch.utils.data.DataLoader(images, BATCH_SIZE, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    speeds, peak = [], 0.0
    # The first epoch fills the page cache and is not timed. Memory is measured there, because that takes time.
    for epoch in range(repeats + 1):
        start, seen = time.perf_counter(), 0
        for nth, (batch, _) in enumerate(loader):
            seen += len(batch)
            if epoch == 0 and workers and nth % 4 == 0:
                peak = max(peak, proportional_mb())
        if epoch > 0:
            speeds.append(seen / (time.perf_counter() - start))
    if not workers:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"speeds": speeds, "peak_mb": peak}))


if __name__ == "__main__":
    main()

"""Reads mutated files with the crate and with Pillow, NumPy and safetensors: compare.py PROGRAM FOLDER COUNT [READER ...]

`cargo xtask compare` starts it. A reader fails on a file if it panics, dies, takes more than 5 s of processor time or 1 GB,
or if both programs read the file and the values differ. It must read the seeds, and refuse those that are named so.
FOLDER holds the files that failed and those that only one program reads, with the reasons.
"""

import concurrent.futures
import dataclasses
import os
import pathlib
import shutil
import sys
import tempfile

import jpeg
import numpy
from mutate import mutations
from ours import Death, Ours
from reference import read
from seeds import REFUSED, seeds

READERS = "jpeg png gif webp bmp npy npz idx weights model cifar lmdb checkpoint packed".split()
IMAGES = "jpeg png gif webp bmp".split()
MAX_SECONDS, MAX_MB = 5, 1024
MAX_DIFFERENCE = 3 / 255
ROUNDING = 1e-5
COLUMNS = ["reader", "files", "both read", "both refuse", "only ours", "only theirs", "max ms", "peak MB", "failures"]


@dataclasses.dataclass
class Results:
    reader: str
    folder: pathlib.Path
    seeds: list
    counts: dict = dataclasses.field(default_factory=lambda: dict.fromkeys(COLUMNS[1:], 0))
    failures: list = dataclasses.field(default_factory=list)

    def add(self, name, data, ours, theirs):
        """Notes the outcome of a file; `ours` and `theirs` are the values, or the reason of a refusal."""
        refused = [isinstance(values, str) for values in (ours, theirs)]
        if theirs is None:  # No other program: the crate's own result counts.
            refused[1] = refused[0]
        kind = {(0, 0): "both read", (1, 1): "both refuse", (0, 1): "only ours", (1, 0): "only theirs"}[*map(int, refused)]
        self.counts[kind] += 1
        if kind.startswith("only"):
            self.keep(kind, name, data, theirs if refused[1] else ours)
        if name in self.seeds and isinstance(ours, str) != name.startswith(REFUSED):
            self.fail(name, data, f"a seed that should be {'refused' if name.startswith(REFUSED) else 'read'}: {ours}")
        if kind == "both read":
            problem = difference(ours, theirs, self.tolerance)
            if problem:
                self.fail(name, data, problem)

    def tolerance(self, shape):
        if self.reader == "jpeg":
            return jpeg.tolerance(shape) + ROUNDING
        return MAX_DIFFERENCE + ROUNDING if self.reader in IMAGES else 0

    def fail(self, name, data, reason):
        self.failures.append(f"{self.reader}/{name}: {reason}")
        self.keep("failures", name, data, reason)

    def keep(self, kind, name, data, reason):
        folder = self.folder / self.reader / kind.replace(" ", "_")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        with open(folder / "reasons", "a") as reasons:
            reasons.write(f"{name}: {reason}\n")

    def row(self):
        self.counts["failures"] = len(self.failures)
        return [self.reader, *(str(self.counts[name]) for name in COLUMNS[1:])]


def difference(ours, theirs, tolerance):
    """The first difference of names, shapes or values, in words; `None` for equal values."""
    if theirs is None:
        return None
    names = {name.removeprefix("module.").removeprefix("_orig_mod."): values for name, values in theirs.items()}
    if set(ours) != set(names):
        return f"the names differ: {sorted(set(ours) ^ set(names))}"
    for name, (shape, values) in ours.items():
        other = names[name]
        if shape != other.shape:
            return f"{name}: shape {shape}, expected {other.shape}"
        limits = numpy.ravel(tolerance(shape))
        close = numpy.isclose(values, other.ravel().astype("f4"), rtol=0, atol=limits, equal_nan=True)
        if not close.all():
            at = int(close.argmin())
            place = tuple(int(i) for i in numpy.unravel_index(at, shape))
            return f"{name}: {values[at]:.4} at {place}, expected {other[place]:.4}, {(~close).sum()} of {close.size} values differ"
    return None


def compare(program, folder, count, reader):
    files = seeds(reader)
    results = Results(reader, folder, [name for name, _ in files])
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as scratch:
        path = pathlib.Path(scratch) / "file"
        ours = Ours(program, reader, pathlib.Path(scratch))
        for name, data in [*files, *mutations(files, count, reader)]:
            path.write_bytes(data)
            step(results, ours, path, name, data)
            results.counts["files"] += 1
        ours.end()
    return results


def step(results, ours, path, name, data):
    try:
        answer = ours.read(path)
    except Death as death:
        return results.fail(name, data, str(death))
    counts = results.counts
    counts["max ms"] = max(counts["max ms"], round(1000 * ours.seconds))
    counts["peak MB"] = max(counts["peak MB"], ours.peak_mb)
    if "panic" in answer:
        return results.fail(name, data, answer["panic"])
    if ours.seconds > MAX_SECONDS:
        return results.fail(name, data, f"{ours.seconds:.1f} s of processor time")
    if ours.peak_mb > MAX_MB:
        results.fail(name, data, f"{ours.peak_mb} MB")
        ours.end()
        return ours.start()
    try:
        theirs = read(results.reader, data)
    except Exception as error:  # Any: the other program's way to refuse a file.
        theirs = f"{type(error).__name__}: {error}"
    return results.add(name, data, answer.get("tensors", answer.get("error")), theirs)


def main(program, folder, count, *readers):
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    print(" | ".join(COLUMNS))
    failures = []
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(compare, program, folder, int(count), reader) for reader in readers or READERS]
        for run in runs:
            results = run.result()
            print(" | ".join(results.row()), flush=True)
            failures += results.failures
    print(*failures, sep="\n")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main(*sys.argv[1:])

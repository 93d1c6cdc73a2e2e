"""Photographs decoded, cut and batched beside torchvision: fresh processes, taking turns, medians of all rounds.

Started by `cargo xtask bench loader [--with-torch]`. BENCH is our program, TORCH_PYTHON a Python with torchvision, if there
is one. CANDLEBOOK_PHOTOGRAPHS is a folder `class/*.JPEG`; without, photographs of 500 x 375 pixels are made. Rows go to
`target/bench/loader.json`.

Memory is the most that was resident (VmHWM); with workers, the sum over parent and workers in which pages that several
share count once (PSS), the largest seen at every fourth batch of the first epoch.
"""
import json
import os
import pathlib
import statistics
import subprocess

HERE = pathlib.Path(__file__).parent
OURS, TORCH = os.environ["BENCH"], os.environ.get("TORCH_PYTHON")
OUT = pathlib.Path(os.environ["CANDLEBOOK_BENCH"])
ROUNDS, REPEATS = int(os.environ.get("ROUNDS", 3)), 2
OF_TORCH = {"torchvision 2 workers": 2, "torchvision 0 workers": 0}
CUTS = [("center", 64), ("center", 128), ("center", 224), ("random", 128)]


def photographs():
    """Where they are, and what to call them."""
    if own := os.environ.get("CANDLEBOOK_PHOTOGRAPHS"):
        return own, pathlib.Path(own).name
    folder = OUT / "photographs"
    if not folder.is_dir():
        part = folder.with_name("photographs.part")
        subprocess.run([OURS, "make", part], check=True)
        part.rename(folder)
    return str(folder), "500x375"


def run(folder, crop, size, variant):
    """One fresh process."""
    if variant in OF_TORCH:
        command = [TORCH, HERE / "loader_torch.py", folder, str(size), crop, str(REPEATS), str(OF_TORCH[variant])]
    else:
        command = [OURS, folder, str(size), crop + ",packed" * variant.endswith("packed"), str(REPEATS)]
    environment = os.environ | {"CANDLEBOOK_CACHE": str(OUT / "loader-cache")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    if not TORCH:
        print("torchvision is not installed: no ratios to it. `cargo xtask bench loader --with-torch` installs it")
    folder, name = photographs()
    variants = ["candlebook", "candlebook packed", *(OF_TORCH if TORCH else ())]
    rows = []
    for crop, size in CUTS:
        model = f"{name} to {size}" + ", random" * (crop == "random")
        runs = {variant: [] for variant in variants}
        for _ in range(ROUNDS):
            for variant in variants:
                runs[variant].append(run(folder, crop, size, variant))
        speed = {variant: statistics.median(s for r in found for s in r["speeds"]) for variant, found in runs.items()}
        for variant, found in runs.items():
            row = {"model": model, "mode": "decode", "variant": variant, "images_per_second": speed[variant],
                   "peak_mb": max(r["peak_mb"] for r in found)}
            if TORCH:
                row["ratio_to_torch"] = speed[variant] / max(speed[other] for other in OF_TORCH)
            rows.append(row)
            ratio = f"{row['ratio_to_torch']:5.2f}" if TORCH else "     "
            print(f"{model:24} {variant:21} {speed[variant]:>7,.0f} images/s {ratio}  {row['peak_mb']:>5.0f} MB", flush=True)
    (OUT / "loader.json").write_text(json.dumps(rows, indent=1))


main()

"""Photo loading compared with torchvision: decoding, cropping and batching, in alternating fresh processes.

Run by `cargo xtask bench loader [--with-torch]`. BENCH is the benchmark program, TORCH_PYTHON a Python with torchvision, if
installed. CANDLEBOOK_PHOTOGRAPHS is a folder `class/*.JPEG`; by default, photographs of 500 x 375 pixels are generated.
Reports medians of all rounds; rows go to `target/bench/loader.json`.

Memory is the peak resident set (VmHWM). With workers it is the proportional set size (PSS) summed over parent and workers,
the maximum over every fourth batch of the first epoch.
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
TORCH_WORKERS = {"torchvision 2 workers": 2, "torchvision 0 workers": 0}
CROPS = [("center", 64), ("center", 128), ("center", 224), ("random", 128)]


def photographs():
    """The folder of photographs, generated if it does not exist, and its name in the results."""
    if given := os.environ.get("CANDLEBOOK_PHOTOGRAPHS"):
        return given, pathlib.Path(given).name
    folder = OUT / "photographs"
    if not folder.is_dir():
        part = folder.with_name("photographs.part")
        subprocess.run([OURS, "make", part], check=True)
        part.rename(folder)
    return str(folder), "500x375"


def run(folder, crop, size, variant):
    """Runs one variant in a fresh process."""
    if variant in TORCH_WORKERS:
        command = [TORCH, HERE / "loader_torch.py", folder, str(size), crop, str(REPEATS), str(TORCH_WORKERS[variant])]
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
    variants = ["candlebook", "candlebook packed", *(TORCH_WORKERS if TORCH else ())]
    rows = []
    for crop, size in CROPS:
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
                row["ratio_to_torch"] = speed[variant] / max(speed[other] for other in TORCH_WORKERS)
            rows.append(row)
            ratio = f"{row['ratio_to_torch']:5.2f}" if TORCH else "     "
            print(f"{model:24} {variant:21} {speed[variant]:>7,.0f} images/s {ratio}  {row['peak_mb']:>5.0f} MB", flush=True)
    (OUT / "loader.json").write_text(json.dumps(rows, indent=1))


main()

"""Training and inference compared with candle-nn and PyTorch, in alternating fresh processes, alone and beside a busy process.

Run by `cargo xtask bench training [--with-torch | --with-rivals | --avx2]`. BENCH is the benchmark program, TORCH_PYTHON a Python with
PyTorch and BURN the program of `benches/burn`, if installed; RIVALS lists further variants that these can run. MODELS, MODES and
ROUNDS select a subset. Reports medians of all rounds; rows go to `target/bench/training.json`, each with its machine.
"""
import contextlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
OURS, TORCH, BURN = os.environ["BENCH"], os.environ.get("TORCH_PYTHON"), os.environ.get("BURN")
# Programs of the other libraries, by the first word of a variant.
PROGRAMS = {"torch": (TORCH, HERE / "training_torch.py"), "jax": (TORCH, HERE / "training_jax.py"), "burn": (BURN,)}
RIVALS = [name for name in os.environ.get("RIVALS", "").split(",") if name]
ROUNDS, REPEATS = int(os.environ.get("ROUNDS", 3)), 3
MODES = os.environ.get("MODES", "train infer loop custom settings batches busy").split()
STEPS = {"m1": 124, "m2": 62, "m3": 32, "m4": 62, "vae": 62, "vq": 31, "topk": 62, "small": 250, "wide": 31, "post": 8}
# Models that are trained on another loss or with other layers, which inference does not have.
TRAINED_ONLY = ("vae", "vq", "topk")
# Models that are also trained on a custom loss.
CUSTOM = ("m1", "m4")
# The four networks that all modes measure; with clipped gradients, EMA and a cosine schedule at most 8 % slower than the plain step.
MAIN = ("m1", "m2", "m3", "m4")
# Models that JAX and Burn run, without a custom loss.
SHARED = dict.fromkeys(("jax", "burn"), ("m1", "m2", "m4", "small", "wide"))
# Batches of inference beside the usual ones, with their numbers of steps.
INFERENCE_BATCHES = {1: 2000, 32: 200, 128: 62, 1000: 8}

# Readers of target/bench/training.json know the planned step by this name.
ROW_NAMES = {"planned": "compiled"}


def pooled(side, code):
    """FLOPs per image of the blog post's network, forward: in total, and of its first layer."""
    convolutions = 9 * side**2 * (36 + 144 + 144 + 36) + 9 * (side // 2) ** 2 * (288 + 288)
    return 2 * (convolutions + 2 * 24 * (side // 4) ** 2 * code), 2 * 9 * side**2 * 36


# FLOPs per image of the forward pass. The backward pass takes twice that, less the first layer's input gradient.
FORWARD = {"m1": 2 * 2 * 784 * 128, "m2": 2 * 2 * (784 * 512 + 512 * 128 + 128 * 32), "m3": pooled(64, 256)[0],
           "m4": 2 * (2 * 9 * (16 * 196 + 512 * 49) + 2 * 1568 * 32), "vae": 2 * (784 * 400 * 2 + 400 * 60),
           "vq": 2 * (9 * (32 * 196 + 2048 * 49 + 1024 * 49 + 2048 * 196 + 32 * 784) + 49 * (64 * 16 + 128 * 16)),
           "topk": 2 * 2 * 784 * 512, "small": 2 * 2 * 784 * 32, "wide": 2 * 2 * 784 * 4096,
           "post": pooled(224, 64)[0]}
# FLOPs per image of the first layer.
FIRST = {"m1": 2 * 784 * 128, "m2": 2 * 784 * 512, "m3": pooled(64, 256)[1], "m4": 2 * 9 * 16 * 196,
         "vae": 2 * 784 * 400, "vq": 2 * 9 * 32 * 196, "topk": 2 * 784 * 512,
         "small": 2 * 784 * 32, "wide": 2 * 784 * 4096, "post": pooled(224, 64)[1]}


def run(model, variant, mode, batch=None):
    """Runs one variant in a fresh process; `None` if it needs a library that is not installed."""
    if variant in ("built-in loss", "plain step"):
        variant, mode = "planned", "train"
    if mode == "loop" and variant.startswith("torch"):
        # PyTorch's training is such a loop.
        mode = "train"
    steps = INFERENCE_BATCHES[batch] if mode == "infer" and batch else STEPS[model]
    library, _, setting = variant.partition(" ")
    program = PROGRAMS.get(library, (OURS,))
    if not program[0]:
        return None
    command = [*program, model, setting or library, mode, str(steps), str(REPEATS)]
    # Candle's threads wait as they do in the kernel (kernel/src/engine/evaluator.rs).
    environment = os.environ | {"CANDLE_BARRIER_POOL_SPIN_LIMIT": "100"} | ({"BATCH": str(batch)} if batch else {})
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def gemm():
    """Speed of a matrix product on all threads, in GFLOP/s."""
    return json.loads(subprocess.run([OURS, "gemm"], capture_output=True, text=True, check=True).stdout)["gemm_gflops"]


def machine():
    """The processor, and the number of threads."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else []
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    name = fields.get("model name") or platform.processor() or platform.machine()
    vectors = [word for word in ("avx512f", "avx2", "asimd") if word in (fields.get("flags") or fields.get("Features") or "").split()]
    # INSTRUCTIONS says that wider ones are not used.
    vectors = [os.environ["INSTRUCTIONS"] + " only"] if "INSTRUCTIONS" in os.environ else vectors
    return {"processor": " ".join([name, *vectors[:1]]), "threads": len(os.sched_getaffinity(0))}


MACHINE = machine()


def modes(model):
    """What a model is measured at."""
    if model in TRAINED_ONLY:
        return ["train"]
    return ["train", "infer"] + ["custom"] * (model in CUSTOM) + ["loop", "settings"] * (model in MAIN)


def variants_of(model, mode):
    # Candle's convolutions would take almost an hour.
    dense = model in ("m1", "m2")
    if mode == "settings":
        return ["planned", "plain step"]
    if mode == "loop":
        return ["planned", "torch default"] + ["candle-nn"] * dense
    variants = ["planned", "torch default", "torch best"]
    variants += [rival for rival in RIVALS if rival not in SHARED or (model in SHARED[rival] and mode != "custom")]
    if mode == "custom":
        return variants + ["built-in loss"]
    return variants + ["autograd"] * (dense and mode == "train") + ["candle-nn"] * dense


def row_of(model, mode, variant, **figures):
    """A row of training.json."""
    return {**MACHINE, "model": model, "mode": mode, "variant": ROW_NAMES.get(variant, variant), **figures}


@contextlib.contextmanager
def busy_process():
    """Another process that takes as much of a processor as it gets."""
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        other.kill()
        other.wait()


def busy(models):
    """Rows of training beside a busy process, with their share of the speed without it."""
    rows = []
    for model in [model for model in models.split() if model in MAIN]:
        speeds = {}
        for _ in range(ROUNDS):
            for variant in ("planned", "torch default"):
                quiet = run(model, variant, "train")
                with busy_process():
                    loaded = run(model, variant, "train")
                if quiet is not None:
                    speeds.setdefault(variant, []).append((statistics.median(quiet["speeds"]), statistics.median(loaded["speeds"])))
        medians = {variant: [statistics.median(column) for column in zip(*found)] for variant, found in speeds.items()}
        for variant, (quiet, loaded) in medians.items():
            row = row_of(model, "busy", variant, images_per_second=loaded, ratio_to_quiet=loaded / quiet)
            if "torch default" in medians:
                row |= {"ratio_to_torch": loaded / medians["torch default"][1], "quiet_ratio_to_torch": quiet / medians["torch default"][0]}
            rows.append(row)
            print(f"{model} beside a busy process {variant:13} {loaded:>9,.0f} images/s, {row['ratio_to_quiet']:.2f} of alone"
                  + (f", {row['ratio_to_torch']:.2f} x PyTorch ({row['quiet_ratio_to_torch']:.2f} alone)" if "ratio_to_torch" in row else ""),
                  flush=True)
    return rows


def inference(models):
    """Rows of inference with batches of several sizes."""
    rows = []
    for model in [model for model in models.split() if model in MAIN]:
        for batch in INFERENCE_BATCHES:
            runs = {}
            for _ in range(ROUNDS):
                for variant in ("planned", "torch default", "torch best"):
                    if (found := run(model, variant, "infer", batch)) is not None:
                        runs.setdefault(variant, []).extend(found["speeds"])
            speed = {variant: statistics.median(speeds) for variant, speeds in runs.items()}
            for variant, images in speed.items():
                row = row_of(model, "infer", variant, batch=batch, images_per_second=images)
                if "torch default" in speed:
                    row["ratio_to_torch"] = images / speed["torch default"]
                rows.append(row)
                ratio = f"{row['ratio_to_torch']:5.2f}" if "ratio_to_torch" in row else ""
                print(f"{model} batch {batch:>4} {variant:13} {images:>9,.0f} images/s {ratio}", flush=True)
    return rows


def main():
    if not TORCH:
        print("PyTorch is not installed: no ratios to it. `cargo xtask bench training --with-torch` installs it")
    print(f"{MACHINE['processor']}, {MACHINE['threads']} threads")
    rows, only = [], os.environ.get("MODELS")
    for model in (only or "m1 m2 m3 m4 vae vq topk wide post").split():
        for mode in modes(model):
            if mode not in MODES:
                continue
            variants = variants_of(model, mode)
            runs, peaks = {variant: [] for variant in variants}, []
            for _ in range(ROUNDS):
                # The machine's speed varies with its other load.
                peaks.append(gemm())
                for variant in variants:
                    if (found := run(model, variant, mode)) is not None:
                        runs[variant].append(found)
            speed = {variant: statistics.median(s for r in found for s in r["speeds"])
                     for variant, found in runs.items() if found}
            peak = statistics.median(peaks)
            print(f"a matrix product runs at {peak:.0f} GFLOP/s")
            for variant, found in runs.items():
                if not found:
                    continue
                work = FORWARD[model] if mode == "infer" else FORWARD[model] * 3 - FIRST[model]
                row = row_of(model, mode, variant, images_per_second=speed[variant],
                             peak_mb=max(r["peak_mb"] for r in found), gflops=speed[variant] * work / 1e9,
                             gemm_gflops=peak, loss=found[0]["losses"][-1] if mode != "infer" else None)
                if "torch default" in speed:
                    row["ratio_to_torch"] = speed[variant] / speed["torch default"]
                if "plain step" in speed:
                    row["ratio_to_plain"] = speed[variant] / speed["plain step"]
                rows.append(row)
                loss = f"  loss {row['loss']:.5f}" if row["loss"] else ""
                ratio = row.get("ratio_to_torch", row.get("ratio_to_plain"))
                ratio = f"{ratio:5.2f}" if ratio else "     "
                print(f"{model} {mode:8} {variant:13} {speed[variant]:>9,.0f} images/s {ratio}  "
                      f"{row['gflops']:>4.0f} GFLOP/s ({row['gflops'] / peak:4.0%})  {row['peak_mb']:>4.0f} MB{loss}", flush=True)
    if "batches" in MODES:
        rows += inference(only or "m1 m2 m3 m4")
    if "busy" in MODES:
        rows += busy(only or "m1 m2 m3 m4")
    # Overhead of a step of a very small network, and growth of the cost with batch size and weights.
    for model, batch in (("small", 16), ("small", 64), ("small", 256), ("m1", 32), ("m1", 128), ("m1", 512), ("wide", 128)) * (not only):
        for variant in ("planned", "torch default"):
            if (found := run(model, variant, "train", batch)) is not None:
                step = batch / statistics.median(found["speeds"]) * 1e6
                rows.append(row_of(model, "train", variant, batch=batch, step_us=step))
                print(f"{model:5} batch {batch:>3} {variant:13} {step:>8,.0f} us per step, {step / batch:>6.1f} per image", flush=True)
    folder = pathlib.Path(os.environ["CANDLEBOOK_BENCH"])
    folder.mkdir(parents=True, exist_ok=True)
    name = "training-avx2.json" if "INSTRUCTIONS" in os.environ else "training.json"
    (folder / name).write_text(json.dumps(rows, indent=1))


main()

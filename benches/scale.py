"""Seconds of a training step of one process and of two local ranks, and the time to sum its gradients.

Run by `cargo xtask bench scale`, which computes a table for docs/scale.md from the rows; writes target/bench/scale.json. ROUNDS sets the
number of rounds, of which a busy machine does fewer, and MODELS selects models. The variants alternate; each figure is the fastest of
all rounds. Two ranks on one machine show the cost of a sum, and no speed-up.
"""
import json
import os
import pathlib
import subprocess
import sys
import time

from jupyter_client.manager import KernelManager

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/kernel"))
import mpi  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "3"))
# No round begins that would end later.
MAX_SECONDS = 330
# Batch size of the training benchmark, steps an epoch, epochs after the first, which is not timed.
MODELS = {"m1": (128, 200, 5), "m2": (128, 60, 5), "m3": (32, 12, 4), "m4": (128, 60, 4), "post": (8, 6, 2)}
LIBRARIES = {"MPICH": (mpi.mpich, "libmpi.so.12"), "Open MPI": (mpi.openmpi, "libmpi.so.40")}
# As `Team::local` sets them.
VARIABLES = {
    "MPICH": {"MPIR_CVAR_ALLREDUCE_DEVICE_COLLECTIVE": "0"},
    "Open MPI": {
        "PRTE_MCA_hwloc_default_binding_policy": "none", "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
        "OMPI_MCA_mtl": "^ofi", "OMPI_MCA_btl": "^ofi", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    },
}

# The models of benches/training.rs. Pixels are random: only their number matters.
SETUP = r"""
fn dense(widths: &[usize], dropout: bool) -> (Vec<Layer>, Vec<Layer>) {
    let hidden = |&width: &usize| if dropout { vec![Linear(width), Relu, Dropout(0.2)] } else { vec![Linear(width), Relu] };
    let middle = widths.len() / 2;
    let encoder = std::iter::once(Flatten).chain(widths[..=middle].iter().flat_map(hidden)).collect();
    let mut decoder: Vec<Layer> = widths[middle + 1..].iter().flat_map(hidden).collect();
    decoder.extend([Linear(784), Sigmoid, Unflatten(1, 28, 28)]);
    (encoder, decoder)
}

fn pooled(side: usize, code: usize) -> (Vec<Layer>, Vec<Layer>) {
    let same = |out| Conv2d(out, 3).padding(1);
    let quarter = side / 4;
    let encoder = vec![
        same(12), Relu, same(12), Relu, MaxPool2d(2), same(24), Relu, MaxPool2d(2), Flatten, Linear(code),
    ];
    let decoder = vec![
        Linear(24 * quarter * quarter), Unflatten(24, quarter, quarter), MaxUnpool2d(2), same(12), Relu, MaxUnpool2d(2),
        same(12), Relu, same(3),
    ];
    (encoder, decoder)
}

fn strided() -> (Vec<Layer>, Vec<Layer>) {
    let half = |out| Conv2d(out, 3).stride(2).padding(1);
    let double = |out| ConvTranspose2d(out, 3).stride(2).padding(1).output_padding(1);
    let encoder = vec![half(16), Relu, half(32), Relu, Flatten, Linear(32)];
    let decoder = vec![Linear(32 * 49), Relu, Unflatten(32, 7, 7), double(16), Relu, double(1), Sigmoid];
    (encoder, decoder)
}

fn model(name: &str) -> candlebook::Result<Autoencoder> {
    let (shape, (encoder, decoder)) = match name {
        "m1" => ((1, 28, 28), dense(&[128], true)),
        "m2" => ((1, 28, 28), dense(&[512, 128, 32, 128, 512], false)),
        "m3" => ((3, 64, 64), pooled(64, 256)),
        "m4" => ((1, 28, 28), strided()),
        _ => ((3, 224, 224), pooled(224, 64)),
    };
    Autoencoder::new(shape, &encoder, &decoder)
}

fn noise(images: usize, shape: (usize, usize, usize)) -> candlebook::Result<Dataset> {
    let mut x = 1u32;
    let mut split = |n: usize| {
        let bytes = (0..n * shape.0 * shape.1 * shape.2).map(|_| {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            x as u8
        });
        Split::from_bytes(bytes.collect(), shape, None)
    };
    Dataset::new("noise", "", split(images)?, split(8)?)
}

fn measure(name: &str, batch_size: usize, steps: usize, epochs: usize, team: Option<Team>) -> candlebook::Result<()> {
    let mut ae = model(name)?;
    let data = noise(batch_size * steps, ae.image_shape())?;
    let fit = Fit { epochs: epochs + 1, batch_size, validation_split: 0.0, loss: Loss::Mse, log: false, team, ..Default::default() };
    let history = ae.fit(&data, &fit)?;
    let seconds = history.epochs.iter().skip(1).map(|epoch| batch_size as f64 / epoch.images_per_second);
    println!("{{\"weights\": {}, \"seconds\": {:?}}}", ae.count_params(), seconds.fold(f64::INFINITY, f64::min));
    Ok(())
}
"""


class Kernel:
    """A kernel with the functions of `SETUP`."""

    def __init__(self, **variables):
        self.manager = KernelManager(kernel_name="candlebook")
        environment = {name: value for name, value in os.environ.items() if name not in ("RAYON_NUM_THREADS", "CANDLEBOOK_TEAM")}
        self.manager.start_kernel(env=environment | variables)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)
        self.cell(SETUP)

    def cell(self, source):
        """Runs a cell; returns its standard output."""
        lines = []

        def keep(message):
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                lines.append(message["content"]["text"])

        reply = self.client.execute_interactive(source, timeout=300, output_hook=keep)["content"]
        if reply["status"] != "ok":
            raise RuntimeError(f"{source}\n{reply.get('evalue')}\n" + "\n".join(reply.get("traceback", [])))
        return "".join(lines)

    def measure(self, model, team="None"):
        """The number of weights of a model, and the seconds of a step."""
        batch_size, steps, epochs = MODELS[model]
        text = self.cell(f'measure("{model}", {batch_size}, {steps}, {epochs}, {team})?;')
        (line,) = (line for line in text.splitlines() if line.startswith('{"weights"'))
        return json.loads(line)

    def end(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def all_reduce(name, counts):
    """Seconds of the sum of each number of f32 values over two local ranks."""
    install, library = LIBRARIES[name]
    prefix = install()
    command = [prefix / "bin/mpirun", "-n", "2", sys.executable, ROOT / "benches/allreduce.py", prefix / "lib" / library]
    done = subprocess.run(
        [*map(str, command), *map(str, counts)], check=True, capture_output=True, text=True, env=os.environ | VARIABLES[name])
    found = json.loads(done.stdout.strip().splitlines()[-1])
    if found["ranks"] != 2:
        raise RuntimeError(f"expected 2 ranks, got {found['ranks']}: launcher and library of {name} do not match")
    return found["seconds"]


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    return f"{name}, {os.cpu_count()} threads"


def main():
    models = os.environ.get("MODELS", " ".join(MODELS)).split()
    out = pathlib.Path(os.environ["CANDLEBOOK_BENCH"]) / "scale.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    teams = {}
    for name, (install, _) in LIBRARIES.items():
        launcher = json.dumps(f"'{install()}/bin/mpirun' -n 2")
        teams[name] = f"Some(Team::by({launcher}))"
    fastest, weights, rounds = {}, {}, 0

    def note(model, name, seconds):
        fastest[model, name] = min(seconds, fastest.get((model, name), seconds))

    # The ranks, too, get the variable.
    all_threads, one_thread = Kernel(), Kernel(RAYON_NUM_THREADS="1")
    begin = time.monotonic()
    try:
        for n in range(ROUNDS):
            if n and (time.monotonic() - begin) * (n + 1) / n > MAX_SECONDS:
                print(f"the machine is busy: {n} of {ROUNDS} rounds")
                break
            for model in models:
                for name, kernel, team in [
                    ("step, one process, all threads", all_threads, "None"), ("step, one process, one thread", one_thread, "None"),
                    *((f"step, 2 local ranks of one thread, {name}", one_thread, team) for name, team in teams.items()),
                ]:
                    found = kernel.measure(model, team)
                    weights[model] = found["weights"]
                    note(model, name, found["seconds"])
                print(f"round {n + 1}, {model}: " + ", ".join(
                    f"{name.removeprefix('step, ')} {1000 * seconds:.3g} ms"
                    for (of, name), seconds in fastest.items() if of == model and name.startswith("step")), flush=True)
            for name in LIBRARIES:
                for model, seconds in zip(models, all_reduce(name, [weights[model] for model in models])):
                    note(model, f"all-reduce, 2 local ranks, {name}", seconds)
            rounds = n + 1
    finally:
        all_threads.end()
        one_thread.end()
    rows, measured = [], {"processor": processor(), "rounds": rounds}
    for model in models:
        sizes = [("weights", weights[model], "weights"), ("bytes to sum", 4 * weights[model], "bytes"), ("batch", MODELS[model][0], "images")]
        times = [(name, seconds, "s") for (of, name), seconds in fastest.items() if of == model]
        rows += [{"model": model, "name": name, "value": value, "unit": unit, **measured} for name, value, unit in sizes + times]
    out.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"written to {out}")


main()

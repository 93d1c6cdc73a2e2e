"""Kernelspecs of the kernels that the benchmarks compare, registered in JUPYTER_DATA_DIR."""
import json
import os
import pathlib

KERNELS = pathlib.Path(os.environ["JUPYTER_DATA_DIR"]) / "kernels"
# A Python with PyTorch and ipykernel, if there is one.
TORCH = os.environ.get("TORCH_PYTHON")


def register(name, spec):
    """Writes a kernelspec; returns its name."""
    folder = KERNELS / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
    return name


def stock():
    """The stock server of the installed kernel."""
    spec = json.loads((KERNELS / "candlebook/kernel.json").read_text())
    return register("candlebook-stock", {**spec, "argv": [*spec["argv"], "--stock"]})


def python_with_torch():
    """An ipykernel of the environment that has PyTorch."""
    argv = [TORCH, "-m", "ipykernel_launcher", "--log-level=ERROR", "-f", "{connection_file}"]
    return register("python-with-torch", {"argv": argv, "display_name": "Python with PyTorch", "language": "python"})

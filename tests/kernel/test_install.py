"""Arguments of `install`, and findings of `doctor`."""
import os
import subprocess
import tomllib

import pytest
from conftest import BIN, ROOT


def candlebook(*arguments, **environment):
    return subprocess.run([BIN, *arguments], capture_output=True, text=True, env=os.environ | environment)


def test_unknown_features_are_rejected_by_name():
    done = candlebook("install", "--features", "cuda,cude")
    assert done.returncode != 0
    assert "expected one of cuda, cudnn, nccl, metal, accelerate, got cude. Join names by commas" in done.stderr


def test_cuda_without_a_toolkit_is_rejected_before_the_build(tmp_path):
    rust = next(folder for folder in os.environ["PATH"].split(":") if os.path.isfile(f"{folder}/rustc"))
    if any(os.path.exists(f"{folder}/bin/nvcc") for folder in ["/usr/local/cuda", "/opt/cuda", "/usr/lib/cuda"]):
        pytest.skip("a CUDA toolkit is installed")
    no_toolkit = {"NVCC": "", "CUDA_HOME": "", "CUDA_PATH": "", "PATH": rust, "CANDLEBOOK_HOME": str(tmp_path)}
    done = candlebook("install", "--features", "cuda", **no_toolkit)
    assert done.returncode == 1
    assert "expected NVIDIA's CUDA toolkit for the feature cuda, got no nvcc" in done.stderr
    assert not (tmp_path / "seeds").exists() and not (tmp_path / "features.toml").exists()


def finding(name, **environment):
    """The doctor's line with this name."""
    lines = candlebook("doctor", **environment).stdout.splitlines()
    return next(line for line in lines if line[9:].startswith(name + " "))


def test_doctor_names_the_program():
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    assert finding("candlebook").endswith(f"  {version}, {os.path.realpath(BIN)}")


def test_doctor_reports_the_gpu():
    line = finding("GPU")
    assert "NVIDIA driver" in line, line
    if not os.path.exists("/proc/driver/nvidia/version"):
        assert line.startswith("ok") and "models run on the CPU" in line, line


def rust_bin():
    """The folder of rustup's programs, which contains no C compiler."""
    folder = next(folder for folder in os.environ["PATH"].split(":") if os.path.isfile(f"{folder}/rustc"))
    if os.path.exists(f"{folder}/cc"):
        pytest.skip("rustc and cc are in the same folder")
    return folder


def test_doctor_finds_the_toolchain_without_a_path():
    rust_bin()
    line = finding("toolchain", PATH="/nonexistent")
    assert line.startswith("ok") and "on the path" not in line, line
    assert "on the path" in finding("toolchain")
    assert finding("archive").endswith("none: the helper crate is compiled on this machine")
    assert "no C compiler needed" in finding("linker", PATH=rust_bin())


def test_cells_need_no_c_compiler(fresh):
    kernel = fresh(env=os.environ | {"PATH": rust_bin()})
    assert kernel.ok("let squares: Vec<u32> = (1..4).map(|n| n * n).collect(); squares[2]").text == "9"
    for level in ("3", "1"):
        kernel.ok(f":opt {level}")
        assert kernel.ok("2f64.powi(3)").text == "8.0"


def test_doctor_finds_mnist_in_the_cache(tmp_path):
    mnist = tmp_path / "candlebook/mnist"
    mnist.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (mnist / f"{name}-ubyte.gz").touch()
    elsewhere = {"CANDLEBOOK_DATA": str(tmp_path / "none"), "CANDLEBOOK_CACHE": str(tmp_path / "none")}
    assert str(mnist) not in finding("data", **elsewhere)
    assert f"MNIST in {mnist}" in finding("data", **elsewhere | {"CANDLEBOOK_CACHE": str(tmp_path / "candlebook")})

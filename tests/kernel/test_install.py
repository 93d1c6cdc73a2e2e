"""What `install` is told, and what `doctor` says about the GPU."""
import os
import subprocess

import pytest
from conftest import BIN


def candlebook(*arguments, **environment):
    return subprocess.run([BIN, *arguments], capture_output=True, text=True, env=os.environ | environment)


def test_unknown_features_are_refused_by_name():
    said = candlebook("install", "--features", "cuda,cude")
    assert said.returncode != 0
    assert "expected one of cuda, cudnn, metal, accelerate, got cude. Join names by commas" in said.stderr


def test_cuda_without_a_toolkit_is_refused_before_anything_is_built(tmp_path):
    rust = next(folder for folder in os.environ["PATH"].split(":") if os.path.isfile(f"{folder}/rustc"))
    if any(os.path.exists(f"{folder}/bin/nvcc") for folder in ["/usr/local/cuda", "/opt/cuda", "/usr/lib/cuda"]):
        pytest.skip("a CUDA toolkit is installed here")
    nowhere = {"NVCC": "", "CUDA_HOME": "", "CUDA_PATH": "", "PATH": rust, "CANDLEBOOK_HOME": str(tmp_path)}
    said = candlebook("install", "--features", "cuda", **nowhere)
    assert said.returncode == 1
    assert "expected NVIDIA's CUDA toolkit for the feature cuda, got no nvcc" in said.stderr
    assert not (tmp_path / "seeds").exists() and not (tmp_path / "features.toml").exists()


def test_doctor_has_a_line_for_the_gpu():
    line = next(line for line in candlebook("doctor").stdout.splitlines() if line[9:].startswith("GPU "))
    assert "NVIDIA driver" in line, line
    if not os.path.exists("/proc/driver/nvidia/version"):
        assert line.startswith("ok") and "models run on the CPU" in line, line

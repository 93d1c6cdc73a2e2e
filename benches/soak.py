"""Endurance of the kernel: many cells in one kernel, many starts and stops, several kernels at once.

Records memory, disk, open files and memory mappings. Run by `cargo xtask bench soak`; writes target/bench/soak.json.
"""
import json
import os
import pathlib
import re
import subprocess
import time

from jupyter_client.manager import start_new_kernel

CELLS = int(os.environ.get("CELLS", "1000"))
STARTS = int(os.environ.get("STARTS", "50"))
HOME = pathlib.Path(os.environ["CANDLEBOOK_HOME"])


def process_tree(pid):
    """A process and its descendants."""
    pids = [pid]
    for process in pids:
        pids += [int(child) for child in subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True).stdout.split()]
    return pids


def state(pid):
    """Memory in MB, open files and memory mappings of the kernel and its child; disk of the sessions in MB, without hard links
    to the seed."""
    memory, files, mappings = 0, 0, 0
    for process in process_tree(pid):
        try:
            memory += int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{process}/status").read_text()).group(1)) / 1024
            files += len(os.listdir(f"/proc/{process}/fd"))
            mappings += pathlib.Path(f"/proc/{process}/maps").read_text().count("\n")
        except (FileNotFoundError, AttributeError):
            pass
    return {"memory": round(memory), "files": files, "mappings": mappings, "disk": round(disk())}


def disk():
    stats = [path.stat() for path in (HOME / "sessions").rglob("*") if path.is_file() and not path.is_symlink()]
    return sum(stat.st_size for stat in stats if stat.st_nlink == 1) / 1e6


def run(client, code):
    reply = client.execute_interactive(code, timeout=300, output_hook=lambda message: None)
    assert reply["content"]["status"] == "ok", reply["content"]


def main():
    rows = []

    def row(name, n, figures):
        rows.extend({"model": name, "mode": "soak", "variant": f"after {n}", "figure": figure, "value": value, "unit": unit}
                    for figure, value, unit in ((k, v, {"memory": "MB", "disk": "MB"}.get(k, "")) for k, v in figures.items()))
        print(name, "after", n, figures, flush=True)

    manager, client = start_new_kernel(kernel_name="candlebook")
    run(client, "let mut total = 0usize;")
    for n in range(1, CELLS + 1):
        run(client, f"total += {n}; show(Tensor::zeros((8, 8), DType::F32, &Device::Cpu)?); total")
        if n in (10, 100) or n % 250 == 0:
            row("cells in one kernel", n, state(manager.provisioner.pid))
    client.stop_channels()
    manager.shutdown_kernel()
    for n in range(1, STARTS + 1):
        manager, client = start_new_kernel(kernel_name="candlebook")
        run(client, "1 + 1")
        client.stop_channels()
        manager.shutdown_kernel()
        if n in (1, 10) or n % 25 == 0:
            left = len(list((HOME / "sessions").iterdir()))
            row("kernel starts and stops", n, {"sessions left": left, "disk": round(disk())})
    began = time.perf_counter()
    four = [start_new_kernel(kernel_name="candlebook") for _ in range(4)]
    for i, (_, client) in enumerate(four):
        run(client, f"let mine = {i};")
    for i, (_, client) in enumerate(four):
        run(client, f"assert_eq!(mine, {i});")
    row("four kernels at once", 4, {"seconds": round(time.perf_counter() - began, 1),
                                    "memory": sum(state(manager.provisioner.pid)["memory"] for manager, _ in four)})
    for manager, client in four:
        client.stop_channels()
        manager.shutdown_kernel()
    out = pathlib.Path(os.environ["CANDLEBOOK_BENCH"]) / "soak.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"written to {out}")


main()

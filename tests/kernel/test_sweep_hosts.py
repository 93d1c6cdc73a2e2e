"""A sweep over workers on two hosts, which are network namespaces of this machine, and a link that is cut."""
import os
import subprocess
import time

import pytest
from hosts import ADDRESSES, Hosts, obstacle
from test_sweep import BIN, Sweep

SCHEDULER = f"tcp://{ADDRESSES['a']}:8786"
DOUBLE = ("let x = 0;", """
std::thread::sleep(std::time::Duration::from_secs(3));
result("twice", 2.0 * x as f64);
result("host", std::fs::read_to_string("/proc/sys/kernel/hostname")?.trim());
""")


@pytest.fixture
def hosts():
    if reason := obstacle():
        pytest.skip(reason)
    with Hosts() as hosts:
        yield hosts


class SweepOnHost(Sweep):
    """A sweep on host a. The files on this disk are hidden from host b."""

    def __init__(self, folder, hosts):
        super().__init__(folder)
        self.hosts = hosts

    def command(self, *arguments):
        return [*self.hosts.command("a"), *super().command(*arguments)]

    def ended(self):
        """Hosts of the notebooks that have ended."""
        return [row["host"] for row in self.rows()] if (self.out / "results.csv").is_file() else []

    def notebooks(self, host):
        """Processes on a host that run a notebook."""
        return {number for number, words in self.hosts.processes(host).items() if words[1:2] == ["run"]}

    def left(self):
        return {host: found for host in ADDRESSES if (found := self.hosts.processes(host))}


def test_notebooks_of_a_host_that_is_cut_off_run_again_on_the_other(tmp_path, hosts, monkeypatch):
    # The environment with Dask comes from the network, which the hosts lack.
    Sweep(tmp_path).book(*DOUBLE).run("-p", "x=0")
    # A lost host is noticed after seconds rather than minutes. Dask's limit for TCP is at least 11 s.
    for name, value in {"SCHEDULER__WORKER_TTL": "10s", "COMM__TIMEOUTS__TCP": "12s", "COMM__TIMEOUTS__CONNECT": "10s"}.items():
        monkeypatch.setenv(f"DASK_DISTRIBUTED__{name}", value)
    sweep = SweepOnHost(tmp_path / "cut", hosts)
    sweep.folder.mkdir()
    sweep.book(*DOUBLE)

    def start(host, *command):
        return subprocess.Popen([*hosts.command(host), *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    python = f"{os.environ['CANDLEBOOK_HOME']}/python/bin/python"
    scheduler = start("a", python, "-m", "distributed.cli.dask_scheduler", "--host", SCHEDULER, "--no-dashboard")
    running = sweep.start("-p", "x=1,2,3,4", "--scheduler", SCHEDULER)
    worker = (BIN, "sweep", "--worker", SCHEDULER, "--workers", "1")
    workers = [start("b", *worker)]
    sweep.wait(lambda: sweep.notebooks("b"), "a notebook on host b")
    workers.append(start("a", *worker))
    # Host b ends its first notebook, and is cut off in the second.
    sweep.wait(lambda: "b" in sweep.ended(), "the end of a notebook on host b")
    sweep.wait(lambda: sweep.notebooks("b"), "another notebook on host b")
    time.sleep(1)
    hosts.link("down")
    cut = time.monotonic()
    try:
        _, said = running.communicate(timeout=60)
        print(f"all notebooks: {time.monotonic() - cut:.1f} s")
        assert running.returncode == 0 and said.count("] x=") == 4, said
        rows = sweep.rows()
        assert [(row["x"], row["twice"], row["status"]) for row in rows] == [
            (str(x), str(2.0 * x), "finished") for x in (1, 2, 3, 4)
        ]
        assert sorted(sweep.ended()) == ["a", "a", "a", "b"]
        sweep.wait(lambda: not sweep.notebooks("b"), sweep.left, 60)
        print(f"host b, notebook: {time.monotonic() - cut:.1f} s")
    finally:
        hosts.link("up")
    for process in (*workers, scheduler):
        process.terminate()
        process.wait(40)
    sweep.wait(lambda: not sweep.left(), sweep.left, 30)

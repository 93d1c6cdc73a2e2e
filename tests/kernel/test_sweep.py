"""`candlebook sweep`: notebooks at every combination of parameters, as tasks on Dask."""
import csv
import json
import os
import signal
import socket
import subprocess
import time

import pytest
from conftest import BIN

TRAIN = """
let data = mnist_embedded()?.take(400, 40);
let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(hidden), Relu, Dropout(dropout)])?;
ae.fit(&data, &Fit { epochs, ..Default::default() })?;
result("test loss", ae.evaluate(&data.test)?);
result("threads", rayon_threads());
result("kind", "digits");
"""
THREADS = """
fn rayon_threads() -> usize { std::env::var("RAYON_NUM_THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(0) }
"""
FIT = ("let hidden: usize = 4; let dropout = 0.0; let epochs: usize = 2;", THREADS, TRAIN)
# Each cell of this notebook needs no data and no training.
WAIT = ("let seconds = 0.0; let fails = false;", 'std::thread::sleep(std::time::Duration::from_secs_f64(seconds));\n'
        'if fails { panic!("on purpose, with \\"quotes\\", commas\\nand lines"); }\nresult("slept", seconds);')


@pytest.fixture
def sweep(tmp_path):
    """A sweep in a folder of its own."""
    return Sweep(tmp_path)


class Sweep:
    def __init__(self, folder):
        self.folder, self.out, self.mark = folder, folder / "the runs", folder.name

    def book(self, *cells):
        """Writes the notebook; the first cell has the parameters."""
        cells = [
            {"cell_type": "code", "id": str(i), "metadata": {}, "execution_count": None, "outputs": [], "source": source}
            for i, source in enumerate(cells)
        ]
        cells[0]["metadata"] = {"tags": ["parameters"]}
        path = self.folder / "a book.ipynb"
        path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        return self

    def command(self, *arguments):
        return [BIN, "sweep", self.folder / "a book.ipynb", "-o", self.out, *arguments]

    def run(self, *arguments, code=0):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=300)
        assert done.returncode == code, (done.stdout, done.stderr)
        return done

    def start(self, *arguments):
        return subprocess.Popen(self.command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def rows(self):
        with open(self.out / "results.csv", newline="") as table:
            return list(csv.DictReader(table))

    def processes(self):
        """Command lines of the processes that run notebooks of this sweep or their cells."""
        found = {}
        for folder in os.listdir("/proc"):
            try:
                with open(f"/proc/{folder}/environ", "rb") as environ, open(f"/proc/{folder}/cmdline", "rb") as line:
                    if f"SWEEP_TEST={self.mark}\0".encode() in environ.read():
                        found[int(folder)] = line.read().replace(b"\0", b" ").decode()
            except (OSError, ValueError):
                continue
        return found

    def wait(self, condition, what, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"{what} after {seconds} s; processes: {self.processes()}"
            time.sleep(0.05)


@pytest.fixture(autouse=True)
def marked(sweep, monkeypatch):
    """Processes are found by a variable that they inherit."""
    monkeypatch.setenv("SWEEP_TEST", sweep.mark)
    monkeypatch.delenv("RAYON_NUM_THREADS", raising=False)


def test_a_grid_on_two_workers_has_the_values_of_single_runs(sweep, kernel):
    sweep.book(*FIT)
    done = sweep.run("-p", "hidden=4,8", "-p", "dropout=0.0,0.2", "--workers", "2")
    rows = sweep.rows()
    assert [(row["hidden"], row["dropout"]) for row in rows] == [("4", "0.0"), ("4", "0.2"), ("8", "0.0"), ("8", "0.2")]
    names = "hidden dropout best_loss epochs seconds test_loss threads kind status error notebook"
    assert " ".join(name.replace(" ", "_") for name in rows[0]) == names
    threads = str(max(1, os.cpu_count() // 2))
    for row in rows:
        assert (row["epochs"], row["status"], row["error"], row["kind"]) == ("2", "finished", "", "digits")
        assert row["threads"] == threads and 0.2 < float(row["seconds"]) < 100
    assert done.stderr.count("] hidden=") == 4 and "[4/4] hidden=" in done.stderr, done.stderr
    assert "candlebook: 4 of 4 notebooks, in " in done.stderr and f"table: {sweep.out}/results.csv" in done.stderr

    alone = sweep.folder / "alone.ipynb"
    command = [BIN, "run", sweep.folder / "a book.ipynb", "-p", "hidden=8", "-p", "dropout=0.2", "-o", alone]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"RAYON_NUM_THREADS": threads})
    record = json.loads(alone.read_text())["metadata"]["candlebook"]
    row = next(row for row in rows if (row["hidden"], row["dropout"]) == ("8", "0.2"))
    assert float(row["best_loss"]) == record["best_loss"] and float(row["test loss"]) == record["results"]["test loss"]
    outputs = [output for cell in json.loads((sweep.out / row["notebook"]).read_text())["cells"] for output in cell["outputs"]]
    assert any("trained for 2 of 2 epochs" in "".join(o.get("data", {}).get("text/plain", "")) for o in outputs)

    kernel.ok(f"let found = sweep_results({json.dumps(str(sweep.out))})?;")
    shown = kernel.ok("found").of("display_data")
    assert "best: dropout " in shown[0]["data"]["text/plain"] and "image/png" in shown[1]["data"]
    best = min(rows, key=lambda row: float(row["best_loss"]))
    assert json.loads(kernel.ok("found.best().unwrap().notebook.display().to_string()").text).endswith(best["notebook"])
    assert kernel.ok('found.highest("test loss").is_some() && found.len() == 4').text == "true"

    again = sweep.run("-p", "hidden=4,8,16", "-p", "dropout=0.0")
    assert "candlebook: 2 of 3 notebooks have finished in an earlier sweep\n" in again.stderr
    assert again.stderr.count("] hidden=") == 1 and len(sweep.rows()) == 5


def test_a_failing_notebook_is_a_row_and_is_run_again_next_time(sweep):
    sweep.book(*WAIT)
    done = sweep.run("-p", "fails=true,false", code=1)
    assert "failed: cell 2: on purpose, with \"quotes\", commas" in done.stderr, done.stderr
    failed, finished = sweep.rows()
    assert failed["status"] == "failed" and failed["error"].startswith('cell 2: on purpose, with "quotes", commas')
    assert (finished["status"], finished["slept"], finished["best_loss"]) == ("finished", "0.0", "")
    assert "panicked" in (sweep.out / failed["notebook"]).read_text() or "on purpose" in (sweep.out / failed["notebook"]).read_text()
    done = sweep.run("-p", "fails=true,false", code=1)
    assert "1 of 2 notebooks have finished in an earlier sweep, 1 failed one is run again" in done.stderr
    assert done.stderr.count("] fails=") == 1
    # Other code: nothing is kept.
    sweep.book(WAIT[0], WAIT[1].replace("fails {", "false {"))
    done = sweep.run("-p", "fails=true,false")
    assert done.stderr.count("] fails=") == 2 and [row["status"] for row in sweep.rows()] == ["finished"] * 2


def test_ctrl_c_keeps_what_is_done_ends_all_processes_and_the_next_start_goes_on(sweep):
    sweep.book(*WAIT)
    points = "seconds=0.0,100.0,101.0,0.5"
    running = sweep.start("-p", points, "--workers", "2")
    done = lambda: (sweep.out / "results.csv").is_file() and len(sweep.rows()) == 1  # noqa: E731
    sweep.wait(done, "the first row")
    sweep.wait(lambda: sum("run" in line for line in sweep.processes().values()) >= 2, "two notebooks")
    time.sleep(2)
    pressed = time.monotonic()
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130 and time.monotonic() - pressed < 15, said
    assert "candlebook: stopped. The same command goes on with the others" in said
    assert "Traceback" not in said, said
    sweep.wait(lambda: not sweep.processes(), sweep.processes, 5)
    assert [row["seconds (parameter)"] for row in sweep.rows()] == ["0.0"]
    assert [path.name for path in sweep.out.glob("*.ipynb")] == ["seconds-0.0.ipynb"]
    again = sweep.run("-p", "seconds=0.0,0.5")
    assert "1 of 2 notebooks have finished in an earlier sweep\n" in again.stderr
    assert [row["slept"] for row in sweep.rows()] == ["0.0", "0.5"]


@pytest.mark.parametrize("victim", ["sweep", "python"])
def test_nothing_outlives_a_killed_sweep(sweep, victim):
    sweep.book(*WAIT)
    running = sweep.start("-p", "seconds=100.0,101.0", "--workers", "2")
    cells = lambda: [line for line in sweep.processes().values() if " run " in line]  # noqa: E731
    sweep.wait(lambda: len(cells()) == 2, "two notebooks")
    time.sleep(2)
    client = next(pid for pid, line in sweep.processes().items() if "candlebook_sweep" in line)
    os.kill(running.pid if victim == "sweep" else client, signal.SIGKILL)
    running.wait(30)
    sweep.wait(lambda: not sweep.processes(), lambda: sweep.processes(), 30)


def test_a_killed_notebook_is_a_row_with_its_error_and_the_others_go_on(sweep):
    sweep.book(*WAIT)
    running = sweep.start("-p", "seconds=100.0,2.0", "--workers", "2")
    runs = lambda: {pid: line for pid, line in sweep.processes().items() if " run " in line}  # noqa: E731
    sweep.wait(lambda: len(runs()) == 2, "two notebooks")
    time.sleep(1)
    os.kill(next(pid for pid, line in runs().items() if "seconds=100.0" in line), signal.SIGKILL)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 1, said
    killed, finished = sweep.rows()
    assert killed["status"] == "failed" and killed["error"].startswith("candlebook run was killed by SIGKILL"), killed
    assert finished["slept"] == "2.0" and "1 failed" in said
    sweep.wait(lambda: not sweep.processes(), sweep.processes, 5)


def test_printed_commands_run_as_they_are_and_the_sweep_collects_their_results(sweep):
    sweep.book('let name = "x"; let sizes = [0; 2];', 'result("name", name); result("sum", sizes.iter().sum::<i32>());')
    points = ("-p", 'name="it\'s, $HOME","b"', "-p", "sizes=[1, 2],[3, 4]")
    done = sweep.run(*points, "--print")
    lines = done.stdout.splitlines()
    assert len(lines) == 4 and done.stderr == "" and not sweep.out.exists()
    for line in lines[:3]:
        subprocess.run(["sh", "-c", line], check=True, capture_output=True)
    rest = sweep.run(*points, "--print")
    assert rest.stdout.splitlines() == lines[3:] and rest.stderr.startswith("candlebook: 3 of 4 notebooks have finished")
    subprocess.run(["sh", "-c", lines[3]], check=True, capture_output=True)
    home = str(sweep.folder / "an empty home")
    done = subprocess.run(sweep.command(*points), capture_output=True, text=True, env=os.environ | {"CANDLEBOOK_HOME": home})
    assert done.returncode == 0 and "4 of 4 notebooks, in 0 s" in done.stderr, done.stderr
    found = [(row["name"], row["sizes"], row["name (result)"], row["sum"]) for row in sweep.rows()]
    assert found == [
        ('"it\'s, $HOME"', "[1, 2]", "it's, $HOME", "3"),
        ('"it\'s, $HOME"', "[3, 4]", "it's, $HOME", "7"),
        ('"b"', "[1, 2]", "b", "3"),
        ('"b"', "[3, 4]", "b", "7"),
    ]


def test_errors_come_before_anything_starts(sweep):
    sweep.book(*WAIT)
    book = sweep.folder / "a book.ipynb"
    many = ",".join(map(str, range(101)))
    expected = {
        (): "candlebook: expected at least one parameter, got none. Give its values: -p hidden=32,64\n",
        ("-p", "second=1"): f"candlebook: {book}: -p second: expected one of the notebook's parameters (seconds, fails), got second\n",
        ("-p", "seconds=1.0", "-p", "seconds=2.0"): "candlebook: expected each parameter once, got seconds twice. Join its values by commas: -p seconds=32,64\n",
        ("-p", f"seconds={many}", "-p", f"fails={many}"): "candlebook: expected at most 10000 points, got 10201 (seconds 101 x fails 101). Give fewer values\n",
        ("-p", "seconds=1.0", "--slurm", "--mem=1G"): "candlebook: --slurm: expected Slurm's sbatch on the path, got none. Run the sweep where it is, or use --print\n",
    }
    for arguments, words in expected.items():
        assert sweep.run(*arguments, code=1).stderr == words
    for values, words in {
        "seconds=1.0,2.0,1.0": "expected different values, got 1.0 twice",
        "seconds=[1,2": 'expected Rust values separated by commas, such as 32,64, got "[1,2"',
        "seconds": "expected NAME=VALUE,VALUE, such as hidden=32,64",
    }.items():
        assert words in sweep.run("-p", values, code=2).stderr
    assert not sweep.out.exists()
    missing = sweep.run("-p", "seconds=0.0", "--scheduler", "tcp://127.0.0.1:9", code=1).stderr
    assert "candlebook: expected a Dask scheduler at tcp://127.0.0.1:9, got none: " in missing and "Traceback" not in missing
    book.unlink()
    assert "expected a notebook (.ipynb), but it cannot be read" in sweep.run("-p", "a=1", code=1).stderr


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@pytest.fixture
def scheduler(sweep):
    """A Dask scheduler that runs already, in the environment that a sweep installs."""
    sweep.book(*WAIT).run("-p", "seconds=0.0")
    address = f"tcp://127.0.0.1:{free_port()}"
    python = f"{os.environ['CANDLEBOOK_HOME']}/python/bin/python"
    command = [python, "-m", "distributed.cli.dask_scheduler", "--host", address, "--no-dashboard"]
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    yield address
    running.kill()
    running.wait()


def test_workers_of_other_machines_run_notebooks_and_one_may_be_cut_off(sweep, scheduler):
    folder = sweep.folder / "elsewhere"
    folder.mkdir()
    sweep.folder, sweep.out = folder, folder / "runs"
    sweep.book(WAIT[0], WAIT[1] + '\nresult("in", std::env::current_dir()?.display().to_string());')
    running = sweep.start("-p", "seconds=3.0,3.5,4.0", "--scheduler", scheduler)
    assert running.stderr.readline() == f"candlebook: waiting for workers. Start some: candlebook sweep --worker {scheduler}\n"
    worker = [BIN, "sweep", "--worker", scheduler, "--workers", "1"]
    workers = [subprocess.Popen(worker, stderr=subprocess.DEVNULL) for _ in range(2)]
    runs = lambda: {pid for pid, line in sweep.processes().items() if " run " in line}  # noqa: E731
    try:
        sweep.wait(lambda: len(runs()) == 2, "two notebooks")
        time.sleep(1)
        workers[0].kill()
        _, said = running.communicate(timeout=120)
        assert running.returncode == 0, said
        assert [(row["slept"], row["in"]) for row in sweep.rows()] == [(s, str(folder)) for s in ("3.0", "3.5", "4.0")]
        assert said.count("] seconds=") == 3
        # Ctrl-C ends the notebooks of other machines, too, and leaves the workers.
        running = sweep.start("-p", "seconds=100.0", "--scheduler", scheduler)
        sweep.wait(runs, "a notebook")
        time.sleep(1)
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 130
        sweep.wait(lambda: not runs(), "notebooks still run", 5)
        # So does the end of the sweep's process.
        running = sweep.start("-p", "seconds=100.0", "--scheduler", scheduler)
        sweep.wait(runs, "a notebook")
        running.kill()
        sweep.wait(lambda: not runs(), "notebooks still run", 30)
        assert workers[1].poll() is None
    finally:
        for process in workers:
            process.terminate()
            process.wait(30)
    sweep.wait(lambda: not runs(), "notebooks still run", 10)

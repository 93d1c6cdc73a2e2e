"""Runs the notebooks of a sweep as tasks on Dask, shows the progress, and writes the table of results.

`candlebook sweep` starts this module with a job as JSON on standard input.
"""
import contextlib
import csv
import ctypes
import io
import json
import logging
import os
import pathlib
import signal
import sys
import threading
import time
import uuid

POLL_SECONDS = 0.05
# For tasks to end their notebooks after Ctrl-C.
STOP_SECONDS = 15
DRAW_SECONDS = 0.5
# The table is written in at most this share of the time.
TABLE_SHARE = 0.1
PARENT_DEATH_SIGNAL = 1
STOPPED = 130


def end_with_parent():
    """Gets SIGTERM when `candlebook` ends. Only on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM)


def write(path, data):
    """Writes a file atomically."""
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    part.write_bytes(data)
    os.replace(part, path)


def duration(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


class Table:
    """`results.csv`: the records of all notebooks that have ended, by file name."""

    def __init__(self, job):
        self.path = pathlib.Path(job["out"]) / "results.csv"
        self.order = {file: number for number, file in enumerate(job["files"])}
        self.names = job["parameters"]
        self.rows = job["rows"]
        self.next_write = 0.0

    def write(self, at_once=False):
        begin = time.monotonic()
        if at_once or begin >= self.next_write:
            write(self.path, self.text().encode())
            now = time.monotonic()
            self.next_write = now + (now - begin) / TABLE_SHARE

    def text(self):
        rows = sorted(self.rows.items(), key=lambda row: (self.order.get(row[0], len(self.order)), row[0]))
        names = dict.fromkeys(self.names) | dict.fromkeys(n for _, row in rows for n in row["parameters"])
        values = dict.fromkeys(name for _, row in rows for name in row["results"])
        middle, end = ["best_loss", "epochs", "seconds"], ["status", "error", "notebook"]
        fixed = {*middle, *end}
        header = [f"{name} (parameter)" if name in fixed else name for name in names] + middle
        header += [f"{name} (result)" if name in fixed or name in names else name for name in values] + end
        out = io.StringIO()
        lines = csv.writer(out)
        lines.writerow(header)
        for file, row in rows:
            status = "failed" if row["error"] else "finished"
            cells = [row["parameters"].get(name) for name in names] + [row[name] for name in middle]
            cells += [row["results"].get(name) for name in values] + [status, row["error"], file]
            lines.writerow(str(cell).lower() if isinstance(cell, bool) else cell for cell in cells)
        return out.getvalue()

    def best(self):
        """The lowest loss, as a sentence."""
        losses = [(row["best_loss"], file) for file, row in self.rows.items() if row["best_loss"] is not None and not row["error"]]
        return "best loss {:.5f} in {}; ".format(*min(losses)) if losses else ""


class Progress:
    """One line that is redrawn on a terminal, or a line for each notebook in a log."""

    def __init__(self, job):
        self.all, self.remaining = job["count"], len(job["points"])
        self.seconds, self.failed = [], 0
        self.terminal = sys.stderr.isatty()
        self.next_draw = 0.0

    def left(self, slots):
        """The time left, in words."""
        if not self.seconds or not self.remaining:
            return ""
        mean = sum(self.seconds) / len(self.seconds)
        return f", {duration(mean * max(1.0, self.remaining / max(1, slots)))} left"

    def ended(self, point, row, seconds, slots):
        self.remaining -= 1
        self.seconds.append(seconds)
        self.failed += bool(row["error"])
        what = f"loss {row['best_loss']:.5f}" if row["best_loss"] is not None else "finished"
        what = f"failed: {row['error'].splitlines()[0]}" if row["error"] else what
        line = f"[{self.all - self.remaining}/{self.all}] {' '.join(point['parameters'])}: {what}, {duration(seconds)}"
        if not self.terminal:
            say(line + self.left(slots))
        elif row["error"]:
            sys.stderr.write("\r\x1b[K")
            say(line)

    def draw(self, running, slots):
        if self.terminal and time.monotonic() >= self.next_draw:
            failed = f", {self.failed} failed" if self.failed else ""
            line = f"{self.all - self.remaining} of {self.all} notebooks{failed}, {running} running{self.left(slots)}"
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
            self.next_draw = time.monotonic() + DRAW_SECONDS

    def close(self):
        if self.terminal:
            sys.stderr.write("\r\x1b[K")


def say(text):
    print(text, file=sys.stderr, flush=True)


def fail(text):
    say(f"candlebook: {text}")
    raise SystemExit(1)


@contextlib.contextmanager
def connect(job):
    """A client of the cluster that the job names."""
    turn_profiling_off()
    from distributed import Client

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        if job.get("scheduler"):
            try:
                client = stack.enter_context(Client(job["scheduler"], timeout=15))
            except (OSError, ValueError) as error:
                fail(f"expected a Dask scheduler at {job['scheduler']}, got none: {error}")
        elif job.get("slurm") is not None:
            client = stack.enter_context(Client(stack.enter_context(slurm_cluster(job))))
        else:
            client = stack.enter_context(Client(stack.enter_context(local_cluster(job))))
        yield client


def local_cluster(job):
    """Threads of this process, which only wait for their notebooks: nothing listens, and nothing has to start."""
    from distributed import LocalCluster

    return LocalCluster(
        processes=False,
        n_workers=1,
        threads_per_worker=job["workers"],
        resources={"notebook": job["workers"]},
        dashboard_address=None,
        memory_limit=None,
        silence_logs=logging.CRITICAL,
    )


def slurm_cluster(job):
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError:
        fail("expected the Python package dask-jobqueue for --slurm, got none")
    cluster = SLURMCluster(
        cores=1,
        processes=1,
        memory="1 GB",
        python=sys.executable,
        # The user's options and Slurm's defaults say these.
        job_directives_skip=["-n 1", "--cpus-per-task", "--mem", "-t 00:30:00"],
        job_extra_directives=job["slurm"],
        worker_extra_args=["--resources", "notebook=1", "--memory-limit", "0", "--no-dashboard"],
        scheduler_options={"dashboard": False},
    )
    cluster.scale(jobs=job["workers"])
    return cluster


class Sweep:
    """The notebooks that wait and those that run."""

    def __init__(self, client, job, table, progress):
        from distributed import Event

        import candlebook_task

        self.client, self.table, self.progress = client, table, progress
        self.out = table.path.parent
        self.name = f"candlebook-{uuid.uuid4().hex}"
        self.stop = Event(self.name, client=client)
        shared = ("program", "version", "name", "folder", "text", "threads")
        self.job = {key: job.get(key) for key in shared} | {"stop": self.name}
        self.task = candlebook_task.run_notebook
        if job.get("scheduler") or job.get("slurm") is not None:
            client.upload_file(candlebook_task.__file__)
        self.waiting, self.running = job["points"][::-1], {}
        self.slots, self.next_count = 0, 0.0
        self.scheduler = self.hint = job.get("scheduler")

    def run(self, stopped):
        while (self.waiting or self.running) and not stopped.is_set():
            self.count_slots()
            while self.waiting and len(self.running) < self.slots:
                self.submit(self.waiting.pop())
            for future in [future for future in self.running if future.done()]:
                self.ended(future)
            self.progress.draw(len(self.running), self.slots)
            time.sleep(POLL_SECONDS)
        self.progress.close()
        if stopped.is_set():
            self.end_notebooks()

    def count_slots(self):
        """The notebooks that the workers can run at the same time."""
        if time.monotonic() < self.next_count:
            return
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        self.slots = int(sum(worker["resources"].get("notebook", 0) for worker in workers))
        self.next_count = time.monotonic() + 1.0
        if self.slots:
            self.hint = self.scheduler
        elif self.hint:
            say(f"candlebook: waiting for workers. Start some: candlebook sweep --worker {self.hint}")
            self.hint = None

    def submit(self, point):
        key = f"{self.name}-{point['file']}"
        arguments = (self.job, point["parameters"])
        future = self.client.submit(self.task, *arguments, key=key, resources={"notebook": 1})
        self.running[future] = (point, time.monotonic())

    def ended(self, future):
        point, begin = self.running.pop(future)
        try:
            answer = future.result() or {"notebook": None, "error": "the task was canceled"}
        except Exception as error:
            answer = {"notebook": None, "error": f"{type(error).__name__}: {error}"}
        row = self.keep(point, answer)
        self.table.rows[point["file"]] = row
        self.table.write()
        self.progress.ended(point, row, time.monotonic() - begin, self.slots)

    def keep(self, point, answer):
        """Writes the executed notebook, and returns its record."""
        record = None
        if answer["notebook"]:
            write(self.out / point["file"], answer["notebook"])
            record = json.loads(answer["notebook"])["metadata"].get("candlebook")
        return record or point["record"] | {"error": answer["error"] or "the notebook has no record of its run"}

    def end_notebooks(self):
        """Ends all that run. Those that end by themselves meanwhile are kept."""
        self.stop.set()
        deadline = time.monotonic() + STOP_SECONDS
        while self.running and time.monotonic() < deadline:
            for future in [future for future in self.running if future.done()]:
                if future.status == "finished" and future.result():
                    self.ended(future)
                else:
                    self.running.pop(future)
            time.sleep(POLL_SECONDS)


def turn_profiling_off():
    """Dask's profiler and monitor take a tenth of a core from the notebooks."""
    import dask

    dask.config.set(
        {
            "distributed.worker.profile.enabled": False,
            "distributed.admin.system-monitor.interval": "10s",
            "distributed.admin.tick.interval": "1s",
        }
    )


def work(arguments):
    """Runs Dask's worker with these arguments."""
    turn_profiling_off()
    from distributed.cli.dask_worker import main as dask_worker

    dask_worker(arguments, prog_name="candlebook sweep --worker")


def main():
    end_with_parent()
    if sys.argv[1:2] == ["worker"]:
        return work(sys.argv[2:])
    job = json.load(sys.stdin)
    table, progress, stopped, begin = Table(job), Progress(job), threading.Event(), time.monotonic()
    table.write(at_once=True)
    if job["points"]:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        with connect(job) as client:
            Sweep(client, job, table, progress).run(stopped)
        table.write(at_once=True)
    failed = f", {progress.failed} failed" if progress.failed else ""
    ended = f"{job['count'] - progress.remaining} of {job['count']} notebooks{failed}"
    say(f"candlebook: {ended}, in {duration(time.monotonic() - begin)}; {table.best()}table: {table.path}")
    if stopped.is_set():
        say("candlebook: stopped. The same command goes on with the others")
        return STOPPED
    return int(progress.failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())

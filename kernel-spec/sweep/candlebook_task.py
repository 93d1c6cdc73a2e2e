"""A task of a sweep: one notebook, executed by `candlebook run`. It needs the program and Dask's worker."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

# Between two questions to Dask whether the task is still wanted.
ASK_SECONDS = 1.0
# For the program to end its cells by itself.
GRACE_SECONDS = 5.0
MAX_ERROR = 500


def run_notebook(job, parameters):
    """The executed notebook as bytes, and the error of a program that wrote none; None if the task is not wanted."""
    with tempfile.TemporaryDirectory(prefix="candlebook-sweep-") as scratch:
        scratch = pathlib.Path(scratch)
        source, out, log = scratch / job["name"], scratch / "executed" / "notebook.ipynb", scratch / "log"
        source.write_text(job["text"], encoding="utf-8")
        # Another machine may lack the folder: the cells then run beside the copy of the notebook.
        folder = job["folder"] if os.path.isdir(job["folder"]) else scratch
        command = [find_program(job), "run", source, "-o", out, "--folder", folder]
        for parameter in parameters:
            command += ["-p", parameter]
        with open(log, "wb") as stderr:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=environment(job),
                # The cells have a process group of their own, but the same session.
                start_new_session=True,
            )
            try:
                if not wait(process, Wanted(job["stop"])):
                    return None
            finally:
                end(process)
        notebook = out.read_bytes() if out.is_file() else None
        return {"notebook": notebook, "error": error_of(process, log.read_text(errors="replace"))}


def error_of(process, log):
    """What the program has said, and the signal that killed it; None if it has succeeded."""
    if not process.returncode:
        return None
    said = log.strip()[-MAX_ERROR:]
    if process.returncode > 0:
        return said
    return f"candlebook run was killed by {signal.Signals(-process.returncode).name}. {said}".strip()


def find_program(job):
    """The program of the sweep's version: that of the worker, at the same path, or on the path."""
    places = [os.environ.get("CANDLEBOOK_PROGRAM"), job["program"], shutil.which("candlebook")]
    program = next((place for place in places if place and os.access(place, os.X_OK)), None)
    host = os.uname().nodename
    if program is None:
        raise RuntimeError(f"expected candlebook on {host}, got none at {job['program']} and none on the path")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    if version != job["version"]:
        raise RuntimeError(f"expected candlebook {job['version']} on {host}, got {version}")
    return program


# Set by the launcher of the workers: each notebook is one process.
LAUNCHER_SIZES = ("SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")


def environment(job):
    """The variables of the program, which ends with this process."""
    variables = {name: value for name, value in os.environ.items() if name not in LAUNCHER_SIZES}
    variables["CANDLEBOOK_PARENT"] = str(os.getpid())
    if job.get("threads"):
        variables.setdefault("RAYON_NUM_THREADS", str(job["threads"]))
    return variables


class Wanted:
    """Asks Dask whether the task is still wanted: canceling a task does not end its processes."""

    def __init__(self, stop):
        from distributed import Event, get_worker

        self.worker = get_worker()
        self.task = self.worker.get_current_task()
        self.stop = Event(stop)

    def __call__(self):
        task = self.worker.state.tasks.get(self.task)
        return task is not None and task.state != "cancelled" and not self.stop.is_set()


def wait(process, is_wanted):
    """Waits for the end of a process; false if it is no longer wanted."""
    while True:
        try:
            process.wait(ASK_SECONDS)
            return True
        except subprocess.TimeoutExpired:
            if not is_wanted():
                return False


def end(process):
    """Ends a process and everything that it has started."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    for member in session_members(process.pid):
        try:
            os.kill(member, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()


def session_members(session):
    """Ids of the processes in a session; empty on systems without /proc."""
    members = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may contain anything.
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            members.append(int(stat.parent.name))
    return members

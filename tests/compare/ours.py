"""The crate's readers, in a process of their own: `examples/read.rs`."""

import json
import math
import os
import pathlib
import subprocess
import threading

import numpy

MAX_WAIT_SECONDS = 60
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Death(Exception):
    """The process has ended or hangs."""


class Ours:
    """A reader's process. `seconds` and `peak_mb` are the processor time of the last file and the most memory so far."""

    def __init__(self, program, reader, folder):
        self.arguments, self.folder = [program, reader, str(folder)], folder
        self.start()

    def start(self):
        cache = {"CANDLEBOOK_CACHE": str(self.folder / "cache"), "CANDLEBOOK_OFFLINE": "1"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(self.arguments, env=os.environ | cache, text=True, **pipes)
        self.seconds, self.peak_mb = 0, 0

    def read(self, path):
        """The answer: `tensors`, `error` or `panic`."""
        before = self.processor_time()
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        line = self.answer()
        if not line:
            code = self.process.wait()
            self.start()
            raise Death(f"the process died or was ended after {MAX_WAIT_SECONDS} s: {code}")
        self.seconds = self.processor_time() - before
        self.peak_mb = self.memory()
        answer = json.loads(line)
        if "tensors" in answer:
            answer["tensors"] = self.tensors(answer["tensors"])
        return answer

    def answer(self):
        """The next line that is JSON: training prints others."""
        timer = threading.Timer(MAX_WAIT_SECONDS, self.process.kill)
        timer.start()
        try:
            return next((line for line in self.process.stdout if line.startswith("{")), "")
        finally:
            timer.cancel()

    def tensors(self, shapes):
        """Names, shapes and values. Empty arrays may have shapes that NumPy refuses."""
        values, found, at = numpy.fromfile(self.folder / "values", "<f4"), {}, 0
        for name, shape in shapes:
            n = math.prod(shape)
            found[name], at = (tuple(shape), values[at : at + n]), at + n
        return found

    def processor_time(self):
        fields = self.proc("stat").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def memory(self):
        line = next(line for line in self.proc("status").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) // 1024

    def proc(self, name):
        return pathlib.Path(f"/proc/{self.process.pid}/{name}").read_text()

    def end(self):
        self.process.stdin.close()
        self.process.wait()

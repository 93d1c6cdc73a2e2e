"""Kernel tests: the installed kernel, driven by Jupyter's client.

Run them by `cargo xtask test kernel`, which sets up the environment: `CANDLEBOOK_BIN` is the program,
`JUPYTER_DATA_DIR` holds its kernelspec.
"""
import os
import pathlib
import time

import pytest
from jupyter_client.manager import start_new_kernel

ROOT = pathlib.Path(__file__).parents[2]
BIN = os.environ.get("CANDLEBOOK_BIN", str(ROOT / "target/release/candlebook"))


class Kernel:
    """A running kernel. `run` executes a cell and collects its messages."""

    def __init__(self, name="candlebook", **options):
        self.manager, self.client = start_new_kernel(kernel_name=name, startup_timeout=60, **options)

    def run(self, code, timeout=120, on_message=None, cell_id=None, **options):
        cell = Cell()
        request = self.send(code, cell_id) if cell_id else self.client.execute(code, **options)
        deadline = time.monotonic() + timeout
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
            if message["parent_header"].get("msg_id") != request:
                continue
            cell.add(message)
            if on_message:
                on_message(message)
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        while True:
            reply = self.client.get_shell_msg(timeout=10)
            if reply["parent_header"].get("msg_id") == request:
                cell.reply = reply["content"]
                return cell

    def send(self, code, cell_id):
        """Sends a cell as JupyterLab does, which tells the cell's id."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell_id})
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def ok(self, code, **options):
        """Runs a cell that must succeed."""
        cell = self.run(code, **options)
        assert cell.reply["status"] == "ok", (code, cell.reply)
        return cell

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=False)


class Cell:
    """Messages of one cell, in order, and its reply."""

    def __init__(self):
        self.messages = []
        self.reply = None

    def add(self, message):
        self.messages.append((time.monotonic(), message["msg_type"], message["content"]))

    def of(self, kind):
        """Contents of the messages of a type."""
        return [content for _, found, content in self.messages if found == kind]

    def stream(self, name="stdout"):
        return "".join(content["text"] for content in self.of("stream") if content["name"] == name)

    @property
    def said(self):
        """Everything that the cell told its user: the error, its traceback and standard error."""
        return "\n".join([self.reply.get("evalue", ""), *self.reply.get("traceback", []), self.stream("stderr")])

    @property
    def text(self):
        """The result as plain text."""
        results = self.of("execute_result")
        return results[-1]["data"].get("text/plain") if results else None


@pytest.fixture(scope="module")
def kernel():
    """One kernel shared by all tests of a file."""
    kernel = Kernel()
    yield kernel
    kernel.stop()


@pytest.fixture
def fresh():
    """Starts kernels that end with the test."""
    started = []

    def start(**options):
        started.append(Kernel(**options))
        return started[-1]

    yield start
    for kernel in started:
        kernel.stop()

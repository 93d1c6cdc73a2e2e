"""Headless Chromium, as a user's browser. Screenshots go to `target/xtask/screenshots`."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import pytest
from conftest import ROOT

SCREENSHOTS = pathlib.Path(os.environ.get("CANDLEBOOK_SCREENSHOTS", ROOT / "target/xtask/screenshots"))


@contextlib.contextmanager
def browser(folder):
    """Chromium with a fresh profile. Skips the test if Chromium is not installed."""
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        pytest.skip("chromium and chromedriver are not installed: the browser test did not run")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for option in ("headless=new", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking",
                   "disable-component-update", "disable-sync", "disable-quic", "window-size=1200,1400",
                   f"user-data-dir={folder / 'profile'}"):
        options.add_argument("--" + option)
    options.binary_location = shutil.which("chromium")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


@contextlib.contextmanager
def jupyterlab(folder, book):
    """JupyterLab with a notebook open, its outputs cleared."""
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    (folder / "book.ipynb").write_text(json.dumps(book))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
    command += [f"--port={port}", "--ServerApp.token=", "--ServerApp.password=", "--ServerApp.ip=127.0.0.1"]
    with browser(folder) as driver:
        with open(folder / "lab.log", "w") as log:
            server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            wait(lambda: socket.create_connection(("127.0.0.1", port), timeout=1), "JupyterLab to listen")
            driver.get(f"http://127.0.0.1:{port}/lab/tree/book.ipynb?reset")
            wait(lambda: driver.find_elements("css selector", ".jp-Notebook .jp-CodeCell"), "the notebook")
            wait(lambda: driver.execute_script("return !!window.jupyterapp"), "the application")
            time.sleep(2)
            yield driver
        finally:
            server.terminate()
            server.wait(timeout=20)


def command(driver, name):
    """Runs one of JupyterLab's commands, as its menus do."""
    driver.execute_script("window.jupyterapp.commands.execute(arguments[0])", name)


def wait(condition, what, seconds=90):
    """Waits until a condition is true, and returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = condition()
            if found:
                return found
        except OSError:
            pass
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)


def screenshot(driver, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    time.sleep(0.5)
    driver.save_screenshot(str(SCREENSHOTS / f"{name}.png"))

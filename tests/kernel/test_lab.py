"""A person's way: JupyterLab in a browser, Run All, the live view, Stop, the next cell. Screenshots go to
`target/xtask/screenshots`."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest
from conftest import ROOT

if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
    pytest.skip("no chromium and chromedriver here: the browser test did not run", allow_module_level=True)

from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

SCREENSHOTS = pathlib.Path(os.environ.get("CANDLEBOOK_SCREENSHOTS", ROOT / "target/xtask/screenshots"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def lab(tmp_path):
    """JupyterLab on a copy of the MNIST notebook without outputs, and a browser that has it open."""
    book = json.loads((ROOT / "notebooks/mnist_autoencoder.ipynb").read_text())
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
            cell["source"] = re.sub(r"epochs: usize = \d+", "epochs: usize = 400", "".join(cell["source"]))
    (tmp_path / "mnist.ipynb").write_text(json.dumps(book))
    port = free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
    command += [f"--port={port}", "--ServerApp.token=", "--ServerApp.password=", "--ServerApp.ip=127.0.0.1"]
    with open(tmp_path / "lab.log", "w") as log:
        server = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
    options = webdriver.ChromeOptions()
    for option in ("headless=new", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking",
                   "disable-component-update", "disable-sync", "disable-quic", "window-size=1200,1400",
                   f"user-data-dir={tmp_path / 'profile'}"):
        options.add_argument("--" + option)
    options.binary_location = shutil.which("chromium")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        wait(lambda: socket.create_connection(("127.0.0.1", port), timeout=1), "JupyterLab to listen")
        driver.get(f"http://127.0.0.1:{port}/lab/tree/mnist.ipynb?reset")
        wait(lambda: driver.find_elements(By.CSS_SELECTOR, ".jp-Notebook .jp-CodeCell"), "the notebook")
        yield driver
    finally:
        driver.quit()
        server.terminate()
        server.wait(timeout=20)


def wait(condition, what, seconds=90):
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


def test_run_all_live_view_stop_and_the_next_cell(lab):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def command(name):
        lab.execute_script("window.jupyterapp.commands.execute(arguments[0])", name)

    def outputs():
        return [element.text for element in lab.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output")]

    def bar():
        return next((text for text in outputs() if text.startswith("epoch ")), None)

    def show_training(name):
        lab.execute_script(
            "const all = [...document.querySelectorAll('.jp-CodeCell')].filter(c => c.textContent.includes('ae.fit(&data'));"
            "if (all.length) all[0].scrollIntoView({block: 'start'});"
        )
        time.sleep(0.5)
        lab.save_screenshot(str(SCREENSHOTS / f"{name}.png"))

    wait(lambda: lab.execute_script("return !!window.jupyterapp"), "the application")
    time.sleep(2)
    command("notebook:run-all-cells")
    first = wait(bar, "the training bar")
    second = wait(lambda: bar() not in (None, first) and bar(), "the bar to move")
    assert first != second and "images/s" in second
    wait(lambda: re.match(r"epoch ([3-9]|\d\d)", bar() or ""), "some epochs")
    show_training("training")
    pictures = lab.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output img")
    assert len(pictures) >= 3, "digits, curve and reconstructions"
    command("notebook:interrupt-kernel")
    pressed = time.monotonic()
    wait(lambda: any(text.startswith("stopped after") for text in outputs()), "training to stop", 10)
    assert time.monotonic() - pressed < 3
    # The cells behind it were not run; the next one uses the model as trained so far.
    time.sleep(1)
    lab.execute_script(
        "const panel = window.jupyterapp.shell.currentWidget; const cells = panel.content.widgets;"
        "panel.content.activeCellIndex = cells.findIndex(c => c.model.sharedModel.source.includes('ae.features()'));"
    )
    command("notebook:run-cell")
    count = len(lab.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output img"))
    wait(lambda: len(lab.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output img")) > count, "the features", 30)
    show_training("stopped")
    lab.execute_script(
        "[...document.querySelectorAll('.jp-CodeCell')].find(c => c.textContent.includes('ae.features()')).scrollIntoView()"
    )
    time.sleep(0.5)
    lab.save_screenshot(str(SCREENSHOTS / "features.png"))

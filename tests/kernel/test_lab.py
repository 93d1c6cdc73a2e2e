"""A user's path in JupyterLab: Run All, the live view, Stop, the next cell."""
import json
import re
import time

from browser import command, jupyterlab, screenshot, wait
from conftest import ROOT


def test_run_all_live_view_stop_and_the_next_cell(tmp_path):
    book = json.loads((ROOT / "notebooks/mnist_autoencoder.ipynb").read_text())
    for cell in book["cells"]:
        cell["source"] = re.sub(r"epochs: usize = \d+", "epochs: usize = 400", "".join(cell["source"]))
    with jupyterlab(tmp_path, book) as lab:

        def outputs():
            # Read in one step: elements found first may be replaced before their text is read.
            return lab.execute_script(
                "return [...document.querySelectorAll('.jp-OutputArea-output')].map(output => output.innerText)"
            )

        def bar():
            return next((text for text in outputs() if text.startswith("epoch ")), None)

        def plain():
            """The plain text of every output in the saved notebook."""
            return lab.execute_script(
                "return window.jupyterapp.shell.currentWidget.content.model.toJSON().cells.flatMap(c => c.outputs || [])"
                ".map(o => o.data && o.data['text/plain']).filter(Boolean).map(t => [t].flat().join(''))"
            )

        def images():
            return lab.find_elements("css selector", ".jp-OutputArea-output img")

        def scroll_to(text):
            lab.execute_script(
                "const found = [...document.querySelectorAll('.jp-CodeCell')].find(c => c.textContent.includes(arguments[0]));"
                "if (found) found.scrollIntoView({block: 'start'});", text
            )

        command(lab, "notebook:run-all-cells")
        first = wait(bar, "the training bar")
        # The time left is known from the second second on.
        second = wait(lambda: "left" in (bar() or "") and bar() != first and bar(), "the bar to move")
        assert "images/s" in second and "batch" in second, second
        third = wait(lambda: re.match(r"epoch ([4-9]|\d\d)", bar() or "") and bar(), "some epochs")
        assert "best" in third, third
        scroll_to("ae.fit(&data")
        screenshot(lab, "training")
        live = "return [...document.querySelectorAll('.jp-RenderedHTML img')].map(i => [i.width, i.naturalWidth])"
        wait(lambda: lab.execute_script(live) == [[680, 1360]], "the curve over the reconstructions", 10)
        command(lab, "notebook:interrupt-kernel")
        pressed = time.monotonic()
        wait(lambda: any(text.startswith("stopped after") for text in plain()), "training to stop", 10)
        assert time.monotonic() - pressed < 3
        assert bar() is None, "the finished plot replaces the bar"
        # The later cells did not run; the next one uses the model as trained so far.
        time.sleep(1)
        lab.execute_script(
            "const panel = window.jupyterapp.shell.currentWidget; const cells = panel.content.widgets;"
            "panel.content.activeCellIndex = cells.findIndex(c => c.model.sharedModel.source.includes('ae.features()'));"
        )
        count = len(images())
        command(lab, "notebook:run-cell")
        wait(lambda: len(images()) > count, "the features", 30)
        scroll_to("ae.fit(&data")
        screenshot(lab, "stopped")
        scroll_to("ae.features()")
        screenshot(lab, "features")

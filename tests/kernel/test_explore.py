"""The explorer, in a browser without a kernel and in JupyterLab: its images match the decoder's output in Rust."""
import json
import time

import nbformat
from browser import browser, command, jupyterlab, screenshot, wait
from nbconvert import HTMLExporter

MODEL = """
let digits = mnist_embedded()?.test.first(6)?;
let mut ae = Autoencoder::symmetric_with((1, 28, 28), &[Flatten, Linear(48), Tanh, Linear(10), Relu],
    &candlebook::model::Init { seed: 3, ..Default::default() })?;
ae.fit(&mnist_embedded()?, &Fit { epochs: 3, ..Default::default() })?;
"""
EXPLORE = "explore(&ae)?.starting_from(&digits)?"
# The decoded image of the first digit with unit 4 of its latent code set to 2.5, as bytes.
DECODED = """
let moved: Vec<f32> = { let mut code = ae.encode(&digits.get(0)?)?.flatten_all()?.to_vec1::<f32>()?; code[4] = 2.5; code };
let decoded = ae.decode(&Tensor::new(moved, &Device::Cpu)?)?.flatten_all()?.to_vec1::<f32>()?;
println!("{:?}", decoded.iter().map(|v| (v * 255.0).round() as i32).collect::<Vec<_>>());
"""
MOVE = """
const root = document.querySelector("div[id^=candlebook-]").shadowRoot;
const slider = root.querySelector("input[data-unit='4']");
if (arguments[0]) { slider.min = 0; slider.max = 5; slider.value = 2.5; slider.dispatchEvent(new Event("input")); }
const canvas = root.querySelector("canvas.image");
const data = canvas.getContext("2d").getImageData(0, 0, 28, 28).data;
return [...data].filter((_, i) => i % 4 === 0);
"""
READY = "const host = document.querySelector('div[id^=candlebook-]'); return !!(host && host.shadowRoot)"


def check(page, expected):
    """Moves a slider and compares the image with the one decoded in Rust."""
    wait(lambda: page.execute_script(READY), "the explorer")
    before = page.execute_script(MOVE, False)
    after = page.execute_script(MOVE, True)
    assert before != after
    assert max(abs(a - b) for a, b in zip(after, expected, strict=True)) <= 1


def test_a_slider_shows_the_decoded_image(kernel, tmp_path):
    kernel.ok(MODEL, timeout=300)
    data = kernel.ok(EXPLORE).of("display_data")[0]["data"]
    expected = json.loads(kernel.ok(DECODED).stream())
    assert len(expected) == 784 and max(expected) > 100
    # nbconvert's HTML page, opened as a file.
    cell = nbformat.v4.new_code_cell(EXPLORE, outputs=[nbformat.v4.new_output("display_data", data)])
    body, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    (tmp_path / "book.html").write_text(body)
    with browser(tmp_path) as page:
        page.get(f"file://{tmp_path / 'book.html'}")
        check(page, expected)
        screenshot(page, "explorer")
    assert "image/png" in data and data["text/html"].count("<img") == 1, "a static image for front ends without scripts"


def test_the_explorer_runs_in_jupyterlab(kernel, tmp_path):
    expected = json.loads(kernel.ok(MODEL + DECODED, timeout=300).stream().splitlines()[-1])
    spec = {"kernelspec": {"name": "candlebook", "display_name": "Rust", "language": "rust"}}
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(MODEL + EXPLORE)], metadata=spec)
    with jupyterlab(tmp_path, json.loads(nbformat.writes(book))) as lab:
        command(lab, "notebook:run-all-cells")
        check(lab, expected)
        time.sleep(0.5)
        screenshot(lab, "explorer_lab")

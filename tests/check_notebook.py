"""Checks an executed notebook: no errors, no blank images, and the notebook's own claims."""
import base64
import io
import json
import pathlib
import re
import sys

from PIL import Image

path = pathlib.Path(sys.argv[1])
cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
outputs = [output for cell in cells for output in cell["outputs"]]
errors = [output for output in outputs if output["output_type"] == "error"]
assert not errors, errors
assert all(cell["execution_count"] for cell in cells), "a cell did not run"
images = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
assert len(images) >= 6, f"expected at least six images, got {len(images)}"
for image in images:
    low, high = Image.open(io.BytesIO(base64.b64decode(image))).convert("L").getextrema()
    assert high - low > 100, "an image is blank"
if path.stem == "mnist_autoencoder":
    plain = [output["data"].get("text/plain", "") for output in outputs if "data" in output]
    history = next(text for text in plain if text.startswith("epoch  train loss"))
    losses = [float(line.split()[1]) for line in history.splitlines()[1:]]
    assert losses[-1] < 0.5 * losses[0], losses
    text = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    factor = float(re.search(r"([\d.]+) times as high", text).group(1))
    assert factor >= 4, f"expected the mean digit to have 4 times the error, got {factor}"
    difference = float(re.search(r"reconstructions of the two models: ([\d.e-]+)", text).group(1))
    assert difference < 1e-5, difference
    weights = path.with_name("mnist_ae.safetensors")
    assert weights.is_file(), "the weights were not exported"
    print(f"{path.name}: {len(images)} images, loss {losses[0]} to {losses[-1]}, error of the mean digit {factor} times as high")
if path.stem == "imagenet_autoencoder":
    text = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    baseline = float(re.search(r"average pooling \(192 values\): ([\d.]+)", text).group(1))
    errors = [float(error) for error in re.findall(r"network \(192 values[a-z ]*\): ([\d.]+)", text)]
    assert len(errors) == 2 and max(errors) < 0.9 * baseline, f"expected both networks to be 10 % below {baseline}, got {errors}"
    assert float(re.search(r"reconstructions of the two models: ([\d.e-]+)", text).group(1)) < 1e-5
    assert path.with_name("photographs_ae.safetensors").is_file(), "the weights were not exported"
    print(f"{path.name}: {len(images)} images, held-out error {errors}, baseline {baseline}")
text = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
if path.stem == "building_autoencoders":
    plain, sparse = map(float, re.search(r"mean code: ([\d.]+) plain, ([\d.]+) with", text).groups())
    assert 0.05 * plain < sparse < 0.6 * plain, f"expected the penalty to lower the mean code {plain}, got {sparse}"
    noisy, restored = map(float, re.search(r"PSNR: ([\d.]+) dB noisy, ([\d.]+) dB restored", text).groups())
    assert restored > noisy + 3, f"expected 3 dB more than {noisy}, got {restored}"
    losses = dict(re.findall(r"test loss of the (\w+) model: ([\d.]+)", text))
    assert len(losses) == 6 and float(losses["deep"]) < 0.2 and float(losses["sparse"]) < 0.25, losses
    print(f"{path.name}: {len(images)} images, mean code {plain} to {sparse}, {noisy} to {restored} dB, losses {losses}")
if path.stem == "variational":
    first, second = map(int, re.search(r"active units: (\d+) with beta 1, (\d+) with beta 8", text).groups())
    assert second < first, f"expected fewer active units than {first}, got {second}"
    used = int(re.search(r"(\d+) of 64 entries are used", text).group(1))
    assert used > 32, f"expected more than half of the codebook, got {used}"
    codebook, gaussian = map(float, re.search(r"test loss: ([\d.]+) codebook, ([\d.]+) Gaussian", text).groups())
    assert codebook < gaussian, (codebook, gaussian)
    print(f"{path.name}: {len(images)} images, {first} and {second} active units, {used} entries, losses {codebook} and {gaussian}")
if path.stem == "training":
    number = r"([\d.]+)"
    default, found, cycle = map(float, re.search(f"validation loss: {number} default, {number} found, {number} one cycle", text).groups())
    assert found < default and cycle < default, (default, found, cycle)
    ended, best = map(int, re.search(r"ended after epoch (\d+) of 300, with the weights of epoch (\d+)", text).groups())
    assert best + 10 == ended < 300, (best, ended)
    pattern = rf"(\d+) epochs and loss {number} by all, (\d+) epochs and loss {number} by halving"
    all_epochs, all_loss, epochs, loss = map(float, re.search(pattern, text).groups())
    assert epochs < 0.5 * all_epochs and loss < 1.1 * all_loss, (all_epochs, all_loss, epochs, loss)
    assert int(re.search(r"(\d+) runs are recorded", text).group(1)) >= 28
    print(f"{path.name}: {len(images)} images, losses {default}, {found}, {cycle}, epoch {best} of {ended}, sweeps {all_loss} and {loss}")
if path.stem == "show_and_plot":
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    wanted = {"image/png", "image/svg+xml", "text/html", "text/markdown", "text/latex", "application/json"}
    assert wanted <= kinds, wanted - kinds
    pages = ["".join(output["data"]["text/html"]) for output in outputs if "text/html" in output.get("data", {})]
    for part in ("<audio", "<area", "magic!", "attachShadow"):
        assert any(part in page for page in pages), part
    assert len(images) >= 30, len(images)
    print(f"{path.name}: {len(images)} images, {len(pages)} pages")

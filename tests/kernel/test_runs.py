"""Runs in the run log and in files, read by the programs that users read them with: sqlite3 and TensorBoard."""
import csv
import json
import os
import sqlite3

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

TRAIN = """
let data = mnist_embedded()?.take(400, 20);
let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(16), Relu])?;
let fit = Fit { epochs: 3, batch_size: 40, learning_rate: 0.002, tags: vec!["</table><b>tag".into()], ..Default::default() };
let history = ae.fit(&data, &fit)?;
ae.fit(&data, &Fit { log: false, ..fit.clone() })?;
history.to_tensorboard("board/first")?;
history.to_csv("history.csv")?;
println!("{:?}\n{:?}", history.train_loss(), history.valid_loss());
"""


def test_a_run_is_read_by_sqlite3_and_tensorboard(fresh, tmp_path):
    log = tmp_path / "log" / "runs.sqlite"
    kernel = fresh(env={**os.environ, "CANDLEBOOK_RUNS": str(log)}, cwd=str(tmp_path))
    train, valid = map(json.loads, kernel.ok(TRAIN, timeout=300).stream().splitlines()[-2:])
    assert len(train) == len(valid) == 3

    with sqlite3.connect(log) as base:
        runs = base.execute("SELECT id, folder, settings, data_name, images, length(data_hash), ended FROM runs").fetchall()
        epochs = base.execute("SELECT number, train_loss, valid_loss FROM epochs WHERE run = 1").fetchall()
    assert len(runs) == 1, "the second fit is not recorded"
    number, folder, settings, name, images, digits, ended = runs[0]
    assert (number, folder, images, digits, ended) == (1, str(tmp_path), 400, 64, "finished")
    assert "MNIST" in name and json.loads(settings)["learning_rate"] == 0.002
    assert [number for number, _, _ in epochs] == [1, 2, 3]
    for (_, *losses), expected in zip(epochs, zip(train, valid), strict=True):
        assert all(abs(a - b) < 1e-6 for a, b in zip(losses, expected, strict=True)), epochs

    board = EventAccumulator(str(tmp_path / "board" / "first")).Reload()
    tags = board.Tags()
    assert {"loss/train", "loss/validation"} <= set(tags["scalars"]), tags
    events = board.Scalars("loss/validation")
    assert [event.step for event in events] == [1, 2, 3]
    assert all(abs(event.value - loss) < 1e-6 for event, loss in zip(events, valid, strict=True))
    [text] = board.Tensors("settings")
    assert b"| learning_rate | 0.002 |" in text.tensor_proto.string_val[0]

    with open(tmp_path / "history.csv") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["valid_loss"]) for row in rows] == valid

    shown = kernel.ok("runs()").of("display_data")[0]["data"]
    assert "0.002" in shown["text/plain"] and "</table><b>" not in shown["text/html"]
    assert "&lt;/table&gt;&lt;b&gt;tag" in shown["text/html"]
    kernel.ok("assert_eq!(runs().best()?.history()?, history);")


@pytest.mark.parametrize("kind", ["another file", "below a file", "full"])
def test_training_goes_on_without_a_run_log_that_can_be_written(fresh, tmp_path, kind):
    file = tmp_path / "file"
    file.write_text("This is not a database. " * 100)
    log = {"another file": file, "below a file": file / "runs.sqlite", "full": tmp_path / "runs.sqlite"}[kind]
    if kind == "full":
        log.symlink_to("/dev/full")
    written = file.read_text()
    kernel = fresh(env={**os.environ, "CANDLEBOOK_RUNS": str(log)}, cwd=str(tmp_path))
    cell = kernel.ok(TRAIN.split("history.to_tensorboard")[0] + "history.epochs.len()", timeout=300)
    assert cell.text == "3"
    # A note is wrapped.
    words = "".join(cell.stream().split())
    assert words.count(f"Thisrunisnotintherunlog,{log}:") == 1, cell.stream()
    assert file.read_text() == written


def stop_at_update(kernel, number):
    """A function for messages that presses Stop at this update of a display."""
    updates = []

    def press(message):
        if message["msg_type"] == "update_display_data":
            updates.append(message)
            if len(updates) == number:
                kernel.manager.interrupt_kernel()

    return press


MODEL = "Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(32), Relu])?"


def test_stop_ends_a_run_with_a_callback_and_keeps_the_model(kernel):
    kernel.ok(f"let data = mnist_embedded()?; let mut ae = {MODEL};")
    before = float(kernel.ok("ae.evaluate(&data.test)?").text)
    code = """
    let mut batches = 0;
    let history = ae.fit_with(&data, &Fit { epochs: 500, ..Default::default() }, |event| {
        batches += usize::from(event.kind == candlebook::train::EventKind::Batch);
        Ok(ControlFlow::Continue(()))
    })?;
    """
    kernel.ok(code, on_message=stop_at_update(kernel, 2))
    assert kernel.ok("(history.stopped, history.epochs.len() < 500, batches > 0)").text == "(true, true, true)"
    assert float(kernel.ok("ae.evaluate(&data.test)?").text) < before


def test_stop_ends_a_sweep_and_keeps_its_models(kernel):
    kernel.ok("let data = mnist_embedded()?;")
    before = float(kernel.ok(f"{MODEL}.evaluate(&data.test)?").text)
    code = f"""
    let points = candlebook::runs::Grid::new().values("rate", [1e-4, 1e-3, 2e-3, 3e-3, 4e-3, 5e-3]);
    let found = sweep(&data, &points, |point| {{
        let fit = Fit {{ epochs: 500, learning_rate: point.number("rate")?, ..Default::default() }};
        Ok(({MODEL}, fit))
    }})?;
    """
    kernel.ok(code, on_message=stop_at_update(kernel, 3))
    states = kernel.ok('found.trials.iter().map(|trial| trial.state.to_string()).collect::<Vec<_>>().join(";")').text
    states = json.loads(states).split(";")
    assert kernel.ok("found.stopped").text == "true"
    assert len(states) == 6 and "stopped" in states and states[-1] == "waiting", states
    assert float(kernel.ok("found.best_model()?.evaluate(&data.test)?").text) < before

"""Runs in the run log and in files, read by the programs that users read them with: sqlite3 and TensorBoard."""
import csv
import json
import os
import sqlite3

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

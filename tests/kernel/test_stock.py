"""The stock server: evcxr_jupyter's own, in a session of this kernel, as a reference."""
import json
import os
import pathlib
import shutil

from conftest import BIN, Kernel


def test_the_stock_server_runs_cells_with_the_helper_crate():
    kernels = pathlib.Path(os.environ["JUPYTER_DATA_DIR"]) / "kernels"
    spec = json.loads((kernels / "candlebook/kernel.json").read_text())
    spec["argv"].append("--stock")
    folder = kernels / "candlebook-stock"
    folder.mkdir(exist_ok=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
    try:
        kernel = Kernel("candlebook-stock")
        kernel.ok("let digits = mnist_embedded()?.take(20, 20);")
        cell = kernel.ok("show::Show::contents(&digits.train)?.len()")
        assert cell.text == "1"
        session = pathlib.Path(os.environ["CANDLEBOOK_HOME"]) / f"sessions/{kernel.manager.provisioner.pid}-0"
        helper = list(session.glob("target/*/debug/deps/libcandlebook*.so"))
        assert len(helper) == 1 and helper[0].stat().st_nlink > 1, "the helper was recompiled"
        data = kernel.ok("Montage::new(&digits.train.first(4)?)?").of("execute_result")[0]["data"]
        assert set(data) == {"image/png"}
        kernel.stop()
    finally:
        shutil.rmtree(folder)

"""Other tools: papermill sets parameters, nbconvert highlights Rust and writes a script."""
import json
import subprocess
import sys


def notebook(tmp_path, *cells):
    cells = [
        {"cell_type": "code", "id": str(i), "metadata": {}, "execution_count": None, "outputs": [], "source": source}
        for i, source in enumerate(cells)
    ]
    cells[0]["metadata"] = {"tags": ["parameters"]}
    kernelspec = {"name": "candlebook", "language": "rust", "display_name": "Rust (candlebook)"}
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {"kernelspec": kernelspec}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_papermill_sets_parameters_and_keeps_their_types(tmp_path):
    book = notebook(
        tmp_path,
        'let hidden: usize = 8; let dropout = 0.2; let name = "a";',
        'println!("{} {} {name}", std::any::type_name_of_val(&hidden), hidden as f64 * dropout);',
    )
    out = tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", book, out, "--no-progress-bar"]
    command += ["-p", "hidden", "64", "-p", "dropout", "0.5", "-p", "name", 'b "c"']
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    cells = json.loads(out.read_text())["cells"]
    assert "".join(cells[2]["outputs"][0]["text"]) == 'usize 32 b "c"\n'


def test_nbconvert_highlights_rust_and_writes_a_script(tmp_path):
    book = notebook(tmp_path, "let hidden: usize = 8;", "println!(\"{hidden}\");")
    out = tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "notebook", "--output", out, book]
    assert subprocess.run(command, capture_output=True).returncode == 0
    assert json.loads(out.read_text())["metadata"]["language_info"]["pygments_lexer"] == "rust"
    for kind, name in (("html", "out.html"), ("script", "out.rs")):
        command = [sys.executable, "-m", "nbconvert", "--to", kind, out]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        text = (tmp_path / name).read_text()
        assert ('<span class="kd">let</span>' if kind == "html" else "let hidden: usize = 8;") in text

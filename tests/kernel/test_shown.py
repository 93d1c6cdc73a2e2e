"""The last expression of a cell: large values, and values that cannot be shown."""
import json
import re
import subprocess

import pytest
from conftest import ROOT


@pytest.mark.parametrize(
    ("code", "start", "end"),
    [
        ("(0..3_136_000).map(|i| i as f32).collect::<Vec<f32>>()", "[0.0, 1.0, ", "... 3,136,000 values in all"),
        ('"0123456789".repeat(3_000_000)', '"0123456789', "... 30,000,000 characters in all"),
        ('"\u2665".repeat(1_000_000)', '"\u2665', "... 1,000,000 characters in all"),
        ("vec![vec![0.5; 1000]; 1000]", "[[0.5, ", "... 1,000 values in all"),
        ("(0..1_000_000).map(|i| (i, i)).collect::<std::collections::BTreeMap<i32, i32>>()", "{0: 0, 1: 1, ", "... 1,000,000 entries in all"),
        ("Some(vec![0u8; 1_000_000])", "Some([0, ", '... cut here; println!("{:?}", value) prints all of it'),
    ],
)
def test_a_large_value_shows_its_beginning_and_its_size(kernel, code, start, end):
    text = kernel.ok(code).text
    assert text.startswith(start) and text.endswith("\n" + end), (text[:40], text[-80:])
    assert len(text) < 30_000


def test_a_chart_that_cannot_be_drawn_fails_its_cell_and_keeps_its_variables(kernel):
    cell = kernel.run('let before = 41;\nlet wrong = Plot::new().line("loss", 0..3, [0.5, 0.25]);\nwrong')
    assert cell.reply["status"] == "error"
    assert cell.reply["evalue"] == (
        'plot: line "loss": expected 3 y values, one per x value, got 2. Pass sequences of equal length'
    )
    assert not cell.of("display_data") and not cell.stream("stderr")
    assert kernel.ok("before + 1").text == "42"
    # `show` in the middle of a cell: the rest of the cell runs.
    cell = kernel.run('show(&wrong);\nprintln!("after");')
    assert cell.reply["status"] == "error" and cell.stream() == "after\n"


def test_files_that_notebooks_save_are_ignored_by_git():
    if not (ROOT / ".git").exists():
        pytest.skip("no git repository")
    saved = []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        saved += re.findall(r'\.save\("([^"]+)"\)', code)
    assert "digits.png" in saved and "scatter.svg" in saved, saved
    for name in saved:
        ignored = subprocess.run(["git", "check-ignore", "--quiet", f"notebooks/{name}"], cwd=ROOT)
        assert ignored.returncode == 0, f"notebooks/{name} is not in .gitignore"

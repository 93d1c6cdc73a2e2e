"""Teams: `fit` as a job of MPI's ranks, with the wheels of MPICH and Open MPI."""
import os
import pathlib
import re
import signal
import subprocess
import time

import nbformat
import pytest
from conftest import BIN, Kernel
from mpi import mpich, openmpi

LAYERS = "[Flatten, Linear(32), BatchNorm, Relu, Dropout(0.2)]"
# A variable of the kernels of these tests, which their ranks inherit.
MARK = "CANDLEBOOK_TEST"
MODEL = f"Autoencoder::symmetric((1, 28, 28), &{LAYERS})?"


def environment(name):
    """Environment with a launcher on the path: of MPICH, by its own or the standard interface, or of Open MPI."""
    prefix = openmpi() if name == "openmpi" else mpich()
    variables = {**os.environ, MARK: str(os.getpid()), "PATH": f"{prefix}/bin:{os.environ['PATH']}"}
    if name == "standard":
        variables["CANDLEBOOK_MPI"] = str(prefix / "lib/libmpi_abi.so.1")
    return variables


@pytest.fixture(scope="module", params=["mpich", "openmpi"])
def team(request):
    """A kernel that finds one of the launchers, and some data."""
    kernel = Kernel(env=environment(request.param))
    kernel.ok("let data = mnist_embedded()?.take(1000, 50); let kept = vec![1, 2, 3];")
    yield kernel
    kernel.stop()


def ranks():
    """Processes of this test's ranks, by their numbers: another file's tests may run at the same time."""
    mark, found = f"{MARK}={os.getpid()}".encode(), []
    for process in pathlib.Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            variables = (process / "environ").read_bytes()
        except (OSError, ValueError):
            continue
        if b"rank" in words and b"--job" in words and b"mpi" not in words[0] and mark in variables.split(b"\0"):
            number = [v for v in variables.split(b"\0") if v.startswith((b"PMI_RANK=", b"OMPI_COMM_WORLD_RANK="))]
            if number:
                found.append((int(number[0].split(b"=")[1]), int(process.name)))
    return dict(found)


def numbers(text):
    return [float(word) for word in text.replace("[", " ").replace("]", " ").replace(",", " ").split()]


@pytest.mark.parametrize("name, words", [("mpich", "MPICH"), ("openmpi", "Open MPI")])
def test_doctor_starts_two_ranks(name, words):
    done = subprocess.run([BIN, "doctor"], capture_output=True, text=True, env=environment(name))
    line = next(line for line in done.stdout.splitlines() if line[9:].startswith("MPI "))
    assert line.startswith("ok") and "; its ranks use " in line and line.count(words) >= 1, done.stdout


@pytest.mark.parametrize("name", ["mpich", "standard", "openmpi"])
def test_ranks_have_the_numbers_of_one_process(fresh, name):
    kernel = fresh(env=environment(name))
    kernel.ok(f"let data = mnist_embedded()?.take(1000, 50); let mut one = {MODEL}; let mut team = {MODEL};")
    kernel.ok(
        "let fit = Fit { epochs: 2, batch_size: 101, ..Default::default() };"
        "let ranks = Fit { team: Some(Team::local(2)), ..fit.clone() };"
    )
    # The second call goes on with optimizer and random numbers.
    for _ in range(2):
        kernel.ok("let a = one.fit(&data, &fit)?; let b = team.fit(&data, &ranks)?;")
        one, team = (numbers(kernel.ok(f"{x}.valid_loss()").text) for x in "ab")
        assert len(one) == 2 and team == pytest.approx(one, rel=1e-4)
    assert kernel.ok("b.fit == ranks && !b.stopped").text == "true"
    difference = "(one.variables()[0].1.as_tensor() - team.variables()[0].1.as_tensor())?.abs()?.mean_all()?.to_scalar::<f32>()?"
    assert float(kernel.ok(difference).text) < 1e-5
    assert kernel.ok("team.restore_best()?").text == "2"


def test_the_ranks_show_what_one_process_shows(team):
    cell = team.ok(f"let mut ae = {MODEL}; ae.fit(&data, &Fit {{ epochs: 3, team: Some(Team::local(2)), ..Default::default() }})?;")
    shown = cell.of("display_data")
    assert len(shown) == 1
    last = (cell.of("update_display_data") or shown)[-1]
    assert "image/png" in last["data"]
    assert last["data"]["text/plain"].startswith("trained for 3 of 3 epochs"), last["data"]["text/plain"]


def at_epoch(number, press):
    """A handler of messages that calls `press` once when this epoch or a later one is shown, and the time of the call."""
    pressed = []

    def on_message(message):
        text = message["content"].get("data", {}).get("text/plain", "")
        shown = re.match(r"epoch (\d+)/", text)
        if not pressed and shown and int(shown[1]) >= number:
            pressed.append(time.monotonic())
            press()

    return on_message, pressed


def begin(team, press, epochs=100000, fit="", timeout=90, epoch=2):
    """Runs a long `fit`; calls `press` once when an epoch is shown."""
    on_message, pressed = at_epoch(epoch, press)
    team.ok(f"let mut ae = {MODEL}; let before = ae.evaluate(&data.test)?;")
    settings = f"epochs: {epochs}, team: Some(Team::local(2)), {fit} ..Default::default()"
    cell = team.run(f"let history = ae.fit(&data, &Fit {{ {settings} }})?;", on_message=on_message, timeout=timeout)
    assert pressed, cell.said
    return cell, time.monotonic() - pressed[0]


def test_stop_ends_all_ranks_and_keeps_the_weights_of_the_moment(team):
    cell, seconds = begin(team, team.manager.interrupt_kernel)
    assert cell.reply["status"] == "ok" and seconds < 10, cell.reply
    assert team.ok("(history.stopped, history.epochs.len() >= 1, kept.len())").text == "(true, true, 3)"
    # The model has been trained, and can be trained on.
    assert team.ok("ae.evaluate(&data.test)? < before").text == "true"
    team.ok("ae.fit(&data, &Fit { epochs: 1, team: Some(Team::local(2)), ..Default::default() })?;")
    assert not ranks()


def test_a_killed_rank_costs_the_job_and_not_the_variables(team):
    cell, seconds = begin(team, lambda: os.kill(ranks()[1], signal.SIGKILL))
    assert cell.reply["status"] == "error" and seconds < 20, cell.reply
    host = os.uname().nodename
    assert f"team: rank 1 on host {host} has ended before its time (killed;" in cell.reply["evalue"], cell.reply
    # The weights are those of the last epoch.
    assert team.ok("ae.evaluate(&data.test)? < before").text == "true"
    assert team.ok("kept.len()").text == "3"
    # Another number of ranks goes on.
    team.ok("ae.fit(&data, &Fit { epochs: 1, team: Some(Team::local(3)), ..Default::default() })?;")


def test_a_checkpoint_goes_on_with_another_number_of_ranks(team, tmp_path):
    path = tmp_path / "run.safetensors"
    begin(team, lambda: os.kill(ranks()[1], signal.SIGKILL), fit=f'checkpoint: Some("{path}".into()),', epoch=4)
    team.ok(f'let saved = train::Resume {{ epochs: None, team: Some(Team::local(3)), ..Default::default() }};')
    cell = team.run(f'let (more, history) = Autoencoder::resume_with("{path}", &data, &train::Resume {{ epochs: Some(2), ..saved.clone() }})?;')
    assert "expected at least" in cell.reply["evalue"], cell.reply
    finished = int(cell.reply["evalue"].split("expected at least ")[1].split(",")[0])
    more = f"train::Resume {{ epochs: Some({finished + 2}), ..saved.clone() }}"
    team.ok(f'let (more, history) = Autoencoder::resume_with("{path}", &data, &{more})?;')
    assert team.ok("history.epochs.len()").text == str(finished + 2)


def test_restarts_go_on_by_themselves(team):
    on_message, killed = at_epoch(2, lambda: os.kill(ranks()[1], signal.SIGKILL))
    team.ok(f"let mut ae = {MODEL};")
    fit = "Fit { epochs: 200, team: Some(Team { restarts: 1, ..Team::local(2) }), ..Default::default() }"
    cell = team.run(f"let history = ae.fit(&data, &{fit})?;", on_message=on_message)
    assert killed and cell.reply["status"] == "ok", cell.reply
    assert "A new job goes on after epoch" in cell.stream().replace("\n", " "), cell.stream()
    assert team.ok("(history.epochs.len(), history.stopped)").text == "(200, false)"


def test_errors_of_ranks_reach_the_cell(team, tmp_path):
    nan = "let mut values = vec![0.5f32; 400]; values[333] = f32::NAN;"
    split = "Split::vectors(&Tensor::from_vec(values, (100, 4), &Device::Cpu)?, None)"
    cell = team.run(f"{nan} let split = {split}?;")
    assert cell.reply["status"] == "error"
    diverging = "Fit { learning_rate: 1e30, optimizer: Optim::sgd(0.9), loss: Loss::Mse, team: Some(Team::local(2)), ..Default::default() }"
    cell = team.run(f"let mut ae = Autoencoder::new((1, 28, 28), &[Flatten, Linear(8)], &[Linear(784), Unflatten(1, 28, 28)])?; ae.fit(&data, &{diverging})?;")
    assert "training diverged: expected a finite loss" in cell.reply["evalue"], cell.reply
    cell = team.run(f"let mut ae = {MODEL}; ae.fit_with(&data, &Fit {{ team: Some(Team::local(2)), ..Default::default() }}, |_| Ok(ControlFlow::Continue(())))?;")
    assert "Fit::team: expected a run without your own functions, got a callback." in cell.reply["evalue"]
    cell = team.run(f'let mut ae = {MODEL}; ae.fit(&data, &Fit {{ team: Some(Team::by("no-mpirun -n 2")), ..Default::default() }})?;')
    assert "expected a launcher of MPI on the path, got no-mpirun does not start" in cell.reply["evalue"]


def test_an_unreadable_photograph_names_the_rank(team, tmp_path):
    from PIL import Image

    for i in range(40):
        Image.new("RGB", (20, 20), (i, 2 * i, 3 * i)).save(tmp_path / f"{i:02}.png")
    settings = "PhotoSettings { size: 16, test_split: 0.1, max_unreadable: 0, ..Default::default() }"
    team.ok(f'let photographs = image_folder("{tmp_path}", &{settings})?;')
    model = "Autoencoder::symmetric((3, 16, 16), &[Conv2d(4, 3).padding(1).into(), Relu, Flatten, Linear(8)])?"
    fit = "Fit { epochs: 2, batch_size: 8, team: Some(Team::local(2)), ..Default::default() }"
    team.ok(f"let mut ae = {model}; ae.fit(&photographs, &{fit})?;".replace(".into()", ""))
    for i in range(40):
        (tmp_path / f"{i:02}.png").write_bytes(b"torn")
    cell = team.run(f"ae.fit(&photographs, &{fit})?;")
    assert cell.reply["status"] == "error" and "unreadable photographs" in cell.reply["evalue"], cell.reply
    assert team.ok("kept.len()").text == "3"


@pytest.mark.parametrize("launcher, library", [("mpich", "openmpi"), ("openmpi", "mpich")])
def test_launcher_and_library_that_do_not_match_are_refused(fresh, launcher, library):
    prefix, name = (openmpi(), "libmpi.so.40") if library == "openmpi" else (mpich(), "libmpi.so.12")
    kernel = fresh(env={**environment(launcher), "CANDLEBOOK_MPI": str(prefix / "lib" / name)})
    kernel.ok(f"let data = mnist_embedded()?; let mut ae = {MODEL};")
    cell = kernel.run("ae.fit(&data, &Fit { team: Some(Team::local(2)), ..Default::default() })?;", timeout=30)
    assert cell.reply["evalue"].startswith("MPI: expected a library of "), cell.reply
    assert "CANDLEBOOK_MPI" in cell.reply["evalue"] and kernel.ok("data.train.len()").text == "4000"


def test_the_ranks_end_if_the_kernel_is_killed(fresh):
    kernel = fresh(env=environment("mpich"))
    kernel.ok(f"let data = mnist_embedded()?.take(1000, 50); let mut ae = {MODEL};")
    kernel.client.execute("ae.fit(&data, &Fit { epochs: 100000, team: Some(Team::local(2)), ..Default::default() })?;")
    deadline = time.monotonic() + 60
    while len(ranks()) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    mine = set(ranks().values())
    assert len(mine) == 2
    kernel.manager.provisioner.process.kill()
    while mine & set(ranks().values()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not mine & set(ranks().values())


def notebook(path, *cells):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    path.write_text(nbformat.writes(nb))


def losses(path):
    return numbers(nbformat.read(path, 4).cells[-1].outputs[-1]["data"]["text/plain"])


def test_run_trains_an_unchanged_notebook_by_a_team(tmp_path):
    source = tmp_path / "a.ipynb"
    fit = "let history = ae.fit(&data, &Fit { epochs: 2, batch_size: 101, ..Default::default() })?;"
    notebook(source, f"let data = mnist_embedded()?.take(1000, 50); let mut ae = {MODEL};", fit, "history.valid_loss()")
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd/hosts").write_text("localhost:2\n")
    for name, options in [("one", []), ("team", ["--team", "mpirun -n 2 -f hosts"])]:
        command = [BIN if os.path.isabs(BIN) else os.path.abspath(BIN), "run", source, "-o", tmp_path / f"{name}.ipynb", *options]
        done = subprocess.run(command, env=environment("mpich"), cwd=tmp_path / "cwd", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    one, team = losses(tmp_path / "one.ipynb"), losses(tmp_path / "team.ipynb")
    assert len(one) == 2 and team == pytest.approx(one, rel=1e-4)
    # A launcher would run all of it twice.
    command = [str(mpich() / "bin/mpirun"), "-n", "2", os.path.abspath(BIN), "run", str(source)]
    refused = subprocess.run(command, env=environment("mpich"), capture_output=True, text=True)
    assert "expected one process, got 2 (PMI_SIZE)" in refused.stderr and '--team "mpirun -n 2"' in refused.stderr

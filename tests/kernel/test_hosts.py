"""Teams on two hosts, which are network namespaces of this machine: the numbers, Stop, and what is lost when."""
import os
import re
import signal
import time

import pytest
from conftest import Kernel
from hosts import Hosts, obstacle
from jupyter_client.manager import KernelManager
from mpi import mpich, openmpi

MODEL = "Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(32), BatchNorm, Relu, Dropout(0.2)])?"
# Too long for any test.
LONG = "epochs: 100000"


class KernelOnHost(Kernel):
    """A kernel on host a. Its client, in this process, is a client on host a, too."""

    def __init__(self, hosts, mpi):
        prefix = {"mpich": mpich, "openmpi": openmpi}[mpi]()
        self.hosts, self.mpi = hosts, mpi
        self.manager = KernelManager(kernel_name="candlebook")
        self.manager.kernel_spec.argv = [*hosts.command("a"), *self.manager.kernel_spec.argv]
        with hosts.inside("a"):
            self.manager.start_kernel(env={**os.environ, "PATH": f"{prefix}/bin:{os.environ['PATH']}"})
            self.client = self.manager.client()
            self.client.start_channels()
            self.client.wait_for_ready(timeout=60)
        self.ok("let data = mnist_embedded()?; let kept = vec![1, 2, 3];")

    @property
    def team(self):
        """A team of one rank on each host that talk over the cable, as the words of a cell."""
        agent = self.hosts.agent
        options = {
            "mpich": f"-hosts a,b -launcher ssh -launcher-exec {agent} -genv UCX_TLS tcp,self",
            "openmpi": f"--host a,b --prtemca plm_ssh_agent {agent} --mca pml ob1 --mca btl tcp,self",
        }
        return f'Team::by("mpirun -n 2 {options[self.mpi]}")'

    def fit(self, settings, then, timeout=60):
        """Runs a long `fit` and calls `then` once when epochs are shown. Returns the cell, the seconds from then
        to its end and the number of finished epochs at that time."""
        called = []

        def on_message(message):
            text = message["content"].get("data", {}).get("text/plain", "")
            shown = re.match(r"epoch (\d+)/", text)
            if not called and message["msg_type"] == "update_display_data" and shown and int(shown[1]) >= 3:
                called.append(time.monotonic())
                then()

        self.ok(f"let mut ae = {MODEL};")
        cell = self.run(f"let history = ae.fit(&data, &Fit {{ {settings}, ..Default::default() }})?;", on_message=on_message, timeout=timeout)
        assert called, cell.said
        return cell, time.monotonic() - called[0]

    def is_alive_and_trains(self, team):
        """Variables are alive, and the model can be trained on, by this team."""
        assert self.ok("kept.len()").text == "3"
        self.ok(f"let more = ae.fit(&data, &Fit {{ epochs: 1, team: Some({team}), ..Default::default() }})?;")
        assert self.ok("more.epochs.len()").text == "1"

    def ended(self, before, seconds, but=None):
        """Waits until no process of a job is left on either host, but programs of this name on host b; `before` are
        the kernel's own. Returns the seconds."""
        start = time.monotonic()
        while True:
            left = {n: words for n, words in self.hosts.processes("a").items() if n not in before}
            left |= {n: words for n, words in self.hosts.processes("b").items() if but is None or but not in " ".join(words)}
            if not left:
                return time.monotonic() - start
            assert time.monotonic() - start < seconds, left
            time.sleep(0.1)


@pytest.fixture(scope="module")
def hosts():
    if reason := obstacle():
        pytest.skip(reason)
    with Hosts() as hosts:
        yield hosts


@pytest.fixture(scope="module", params=["mpich", "openmpi"])
def kernel(hosts, request):
    kernel = KernelOnHost(hosts, request.param)
    yield kernel
    kernel.stop()


@pytest.fixture
def processes(kernel):
    """Processes on host a between jobs."""
    return set(kernel.hosts.processes("a"))


def numbers(text):
    return [float(word) for word in text.strip("[]").split(",")]


def report(kernel, name, seconds):
    print(f"{kernel.mpi}: {name}: {seconds:.1f} s")


def test_two_hosts_have_the_numbers_of_one_process(kernel):
    fit = "Fit { epochs: 2, batch_size: 101, ..Default::default() }"
    kernel.ok(f"let mut one = {MODEL}; let mut two = {MODEL}; let fit = {fit};")
    # The second time they go on.
    for _ in range(2):
        start = time.monotonic()
        kernel.ok("let a = one.fit(&data, &fit)?;")
        alone = time.monotonic()
        kernel.ok(f"let b = two.fit(&data, &Fit {{ team: Some({kernel.team}), ..fit.clone() }})?;")
        report(kernel, "one process", alone - start)
        report(kernel, "two hosts", time.monotonic() - alone)
        for loss in ("train_loss", "valid_loss"):
            one, two = (numbers(kernel.ok(f"{history}.{loss}()").text) for history in "ab")
            assert len(one) == 2 and two == pytest.approx(one, rel=1e-4)
    kernel.ok("""fn distance(a: &Autoencoder, b: &Autoencoder) -> candlebook::Result<Vec<f32>> {
    let norm = |x: &Tensor| Ok::<f32, candle_core::Error>(x.sqr()?.sum_all()?.sqrt()?.to_scalar::<f32>()?);
    let pairs = a.variables().into_iter().zip(b.variables());
    pairs.map(|((_, a), (_, b))| Ok(norm(&(a.as_tensor() - b.as_tensor())?)? / norm(&a)?)).collect()
}""")
    # The bias in front of BatchNorm has no effect, and rounding alone moves it.
    first, _, *others = numbers(kernel.ok("&distance(&one, &two)?[..]").text)
    assert len(others) == 4 and max(first, *others) < 1e-4
    # These also depend on the averages of BatchNorm.
    one, two = (float(kernel.ok(f"{ae}.evaluate(&data.test)?").text) for ae in ("one", "two"))
    assert two == pytest.approx(one, rel=1e-4)


def test_stop_ends_both_hosts_and_keeps_the_weights_of_the_moment(kernel, processes):
    cell, seconds = kernel.fit(f"{LONG}, team: Some({kernel.team})", kernel.manager.interrupt_kernel)
    report(kernel, "Stop", seconds)
    assert cell.reply["status"] == "ok" and seconds < 6, cell.reply
    assert kernel.ok("(history.stopped, history.epochs.len() >= 2)").text == "(true, true)"
    kernel.is_alive_and_trains(kernel.team)
    kernel.ended(processes, 25)


@pytest.mark.parametrize("host", ["b", "a"])
def test_a_killed_rank_is_named_and_costs_the_job_alone(kernel, processes, host):
    def kill():
        (number,) = kernel.hosts.ranks(host)
        os.kill(number, signal.SIGKILL)

    cell, seconds = kernel.fit(f"{LONG}, batch_size: 20, team: Some({kernel.team})", kill)
    report(kernel, f"rank on {host} killed", seconds)
    rank = "ab".index(host)
    assert cell.reply["status"] == "error" and seconds < 10, cell.reply
    assert f"rank {rank} on host {host}" in cell.reply["evalue"], cell.reply
    # The weights are those after an epoch: one of the first, as they are slow here.
    kernel.ok(f"""let loss = ae.evaluate(&data.test)?;
let mut losses = Vec::<f32>::new();
let mut one = {MODEL};
one.fit_with(&data, &Fit {{ epochs: 6, batch_size: 20, ..Default::default() }}, |event| {{
    if event.kind == train::EventKind::Epoch {{ losses.push(event.model()?.evaluate(&data.test)?); }}
    Ok(ControlFlow::Continue(()))
}})?;""")
    loss, losses = float(kernel.ok("loss").text), numbers(kernel.ok("&losses[..]").text)
    epochs = [n for n, of_one in enumerate(losses, 1) if loss == pytest.approx(of_one, rel=1e-3)]
    assert len(epochs) == 1 and epochs[0] >= 2, (loss, losses)
    report(kernel, f"the model is that after epoch {epochs[0]}", seconds)
    kernel.is_alive_and_trains("Team::local(3)")
    kernel.ended(processes, 25)


def test_a_cut_link_ends_the_job_on_both_hosts(kernel, processes):
    try:
        cell, seconds = kernel.fit(f"{LONG}, team: Some(Team {{ timeout: 5.0, ..{kernel.team} }})", lambda: kernel.hosts.link("down"))
        report(kernel, "link cut", seconds)
        assert cell.reply["status"] == "error" and seconds < 30, cell.reply
        assert "rank 0 on host a has waited for another rank for 5 seconds" in cell.reply["evalue"], cell.reply
        # Open MPI's daemon on the other host knows of nothing until the link is up again.
        daemon = "prted" if kernel.mpi == "openmpi" else None
        report(kernel, "link cut, processes", seconds + kernel.ended(processes, 25, but=daemon))
    finally:
        kernel.hosts.link("up")
    report(kernel, "link mended, processes", kernel.ended(processes, 25))
    kernel.is_alive_and_trains(kernel.team)


@pytest.mark.parametrize("mpi", ["mpich", "openmpi"])
def test_ranks_end_after_their_kernel_was_killed(hosts, mpi):
    before = set(hosts.processes("a"))
    kernel = KernelOnHost(hosts, mpi)
    kernel.ok(f"let mut ae = {MODEL};")
    kernel.client.execute(f"ae.fit(&data, &Fit {{ {LONG}, team: Some({kernel.team}), ..Default::default() }})?;")
    deadline = time.monotonic() + 60
    while not (hosts.ranks("a") and hosts.ranks("b")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1)
    kernel.manager.provisioner.process.kill()
    report(kernel, "kernel killed", kernel.ended(before, 25))
    kernel.client.stop_channels()
    kernel.manager.cleanup_resources()

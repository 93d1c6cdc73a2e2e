"""Two hosts for the tests: network namespaces with a cable between them.

Each has a name, an address and processes of its own; only the files are shared, as in a cluster. What `ssh` does
for MPI's launchers, a script does here.
"""
import contextlib
import ctypes
import os
import pathlib
import shlex
import subprocess
import tempfile

# Launchers want the agent on all hosts.
SHARED = pathlib.Path(__file__).parents[2] / "target/xtask"
ADDRESSES = {"a": "10.77.0.1", "b": "10.77.0.2"}


def call(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def obstacle():
    """Why this machine cannot have two hosts; `None` if it can."""
    name = f"candlebook-{os.getpid()}-try"
    try:
        call("ip", "netns", "add", name)
        call("ip", "netns", "exec", name, "unshare", "-u", "hostname", "try")
        call("ip", "link", "add", "cable", "netns", name, "type", "veth", "peer", "name", "end", "netns", name)
    except FileNotFoundError as error:
        return f"two hosts need the program {error.filename} (Debian: iproute2, util-linux, hostname)"
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip() or error.stdout.strip()
        return f"two hosts need root with CAP_NET_ADMIN and CAP_SYS_ADMIN: {' '.join(error.cmd)}: {reason}"
    finally:
        # Fails if there is none.
        try:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        except FileNotFoundError:
            pass
    return None


def private():
    """Folders that hosts do not share: for temporary files, and for the sessions of kernels."""
    home = os.path.realpath(os.environ.get("CANDLEBOOK_HOME", os.path.expanduser("~/.local/share/candlebook")))
    folders = [tempfile.gettempdir(), os.path.join(home, "sessions")]
    return [folder for folder in folders if os.path.isdir(folder) and not home.startswith(folder + "/")]


class Hosts:
    """Hosts "a" and "b". `with Hosts() as hosts` removes them at the end, and all their processes."""

    def __enter__(self):
        self.spaces = {host: f"candlebook-{os.getpid()}-{host}" for host in ADDRESSES}
        self.folder = tempfile.TemporaryDirectory(dir=SHARED)
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def build(self):
        names = "".join(f"{address} {host}\n" for host, address in ADDRESSES.items())
        for host, space in self.spaces.items():
            call("ip", "netns", "add", space)
            # `ip netns exec` shows this file as /etc/hosts.
            folder = pathlib.Path("/etc/netns") / space
            folder.mkdir(parents=True)
            (folder / "hosts").write_text(f"127.0.0.1 localhost\n{names}")
        a, b = self.spaces.values()
        call("ip", "link", "add", "cable", "netns", a, "type", "veth", "peer", "name", "cable", "netns", b)
        for host, space in self.spaces.items():
            call("ip", "-n", space, "address", "add", f"{ADDRESSES[host]}/24", "dev", "cable")
            call("ip", "-n", space, "link", "set", "lo", "up")
            call("ip", "-n", space, "link", "set", "cable", "up")
        # As with ssh, the other host has its own environment, and a shell there reads the words.
        home = os.environ.get("CANDLEBOOK_HOME", "")
        variables = [f"HOME={os.environ.get('HOME', '/')}", f"PATH={os.defpath}", f"CANDLEBOOK_HOME={home}"]
        shell = ["/usr/bin/env", "-i", *variables, "sh", "-c"]
        cases = [f'{host}) set -- {shlex.join([*self.command(host), *shell])} "$*" ;;' for host in self.spaces]
        lines = "\n".join(cases)
        self.agent = pathlib.Path(self.folder.name) / "agent"
        self.agent.write_text(f"""#!/bin/sh
while [ "${{1#-}}" != "$1" ]; do shift; done
host=$1
shift
case $host in
{lines}
esac
exec "$@"
""")
        self.agent.chmod(0o755)

    def command(self, host):
        """Words in front of a command that runs on a host."""
        script = f"hostname {host}; "
        if host == "b":
            # The files of kernels and jobs are on the disk of host a alone.
            script += "".join(f"mount -t tmpfs none {shlex.quote(folder)}; " for folder in private())
        script += 'exec "$@"'
        return ["ip", "netns", "exec", self.spaces[host], "unshare", "-u", "-m", "sh", "-c", script, "sh"]

    @contextlib.contextmanager
    def inside(self, host):
        """What this thread opens meanwhile, it opens on that host, and so do the threads that it starts."""
        libc = ctypes.CDLL(None, use_errno=True)

        def enter(file):
            if libc.setns(file.fileno(), 0x40000000):  # CLONE_NEWNET
                raise OSError(ctypes.get_errno(), "setns")

        with open("/proc/thread-self/ns/net") as own, open(f"/var/run/netns/{self.spaces[host]}") as space:
            enter(space)
            try:
                yield
            finally:
                enter(own)

    def link(self, state):
        """Cuts the cable ("down") or mends it ("up")."""
        call("ip", "-n", self.spaces["a"], "link", "set", "cable", state)

    def processes(self, host):
        """Processes of a host: their words by their number."""
        found = {}
        for number in call("ip", "netns", "pids", self.spaces[host]).split():
            try:
                words = pathlib.Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words != [b""]:  # One that has ended.
                found[int(number)] = [word.decode(errors="replace") for word in words if word]
        return found

    def ranks(self, host):
        """Processes of ranks on a host; launchers have the rank's words too, behind others."""
        processes = self.processes(host).items()
        return [number for number, words in processes if words[1:3] == ["rank", "--job"]]

    def __exit__(self, *_):
        for host, space in self.spaces.items():
            folder = pathlib.Path("/etc/netns") / space
            if pathlib.Path("/var/run/netns", space).exists():
                for number in self.processes(host):
                    subprocess.run(["kill", "-9", str(number)], capture_output=True)
                subprocess.run(["ip", "netns", "del", space], capture_output=True)
            (folder / "hosts").unlink(missing_ok=True)
            if folder.exists():
                folder.rmdir()
        self.folder.cleanup()

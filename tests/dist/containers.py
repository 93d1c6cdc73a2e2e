"""Runs the recipes for containers and services in fresh roots, and a notebook in each.

containers.py ROOT DIST: ROOT is a folder for the roots, DIST the result of `cargo xtask dist`. A root is Debian with Python, made
by debootstrap. The image that a Dockerfile begins with is not downloaded.
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import textwrap

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
ROOT, DIST = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
SUITE = "bookworm"
PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
CELLS = ["let squares: Vec<f64> = (1..4).map(|x| (x * x) as f64).collect();", 'Plot::new().line("squares", 1..4, &squares)']


def base():
    """A fresh root with Python, which has the names and the freedom that Docker's Python images have."""
    folder = ROOT / "base"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, folder], check=True, stdout=subprocess.DEVNULL)
        for marker in folder.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            marker.unlink()
        (folder / "usr/bin/python").symlink_to("python3")
        (folder / "ready").touch()
    return folder


class Container:
    """A copy of the root, and the state that the lines of a recipe change."""

    def __init__(self, name):
        self.name, self.folder = name, ROOT / name
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run(["cp", "-a", base(), self.folder], check=True)
        # The host's certificates and resolver: a registry may be behind a proxy.
        for path in ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"):
            shutil.copy(path, self.folder / path[1:])
        self.user, self.workdir = "root", "/"
        self.env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        self.env |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy") or name == "PIP_INDEX_URL"}
        self.env.setdefault("no_proxy", "127.0.0.1")
        self.env |= {"PIP_CERT": "/etc/ssl/certs/ca-certificates.crt", "PIP_ROOT_USER_ACTION": "ignore"}

    def run(self, line, **options):
        """Runs a shell line as the recipe's user, in namespaces of its own."""
        print(f"xtask: {self.name}: {line}", flush=True)
        account = self.account()
        env = [f"{name}={value}" for name, value in ({"HOME": account[5]} | self.env).items()]
        inside = ["chroot", f"--userspec={account[2]}:{account[3]}", str(self.folder), "env", "-i", *env, "bash", "-ec", f"cd {shlex.quote(self.workdir)}; {line}"]
        mounts = f"mount -t proc proc {self.folder}/proc; mount --rbind /dev {self.folder}/dev; exec {shlex.join(inside)}"
        return subprocess.run(["unshare", "--mount", "--pid", "--fork", "bash", "-ec", mounts], check=True, **options)

    def account(self):
        lines = (self.folder / "etc/passwd").read_text().splitlines()
        return next(fields for fields in (line.split(":") for line in lines) if self.user in (fields[0], fields[2]))

    def path(self, inside):
        """The host's path of a path inside, which the working folder completes."""
        return self.folder / os.path.join(self.workdir, inside).lstrip("/")

    def copy(self, source, target):
        to = self.path(target)
        if source.is_dir():
            shutil.copytree(source, to, dirs_exist_ok=True)
        else:
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, to)
        subprocess.run(["chmod", "-R", "a+rX", to], check=True)

    def check(self):
        """The kernel is listed, a notebook runs, and its chart is an image."""
        notebook = {"cells": [{"cell_type": "code", "id": str(n), "execution_count": None, "metadata": {}, "outputs": [], "source": cell}
                              for n, cell in enumerate(CELLS)],
                    "metadata": {"kernelspec": {"name": "candlebook", "display_name": "Rust"}}, "nbformat": 4, "nbformat_minor": 5}
        (self.folder / "tmp/in.ipynb").write_text(json.dumps(notebook))
        self.run("candlebook run /tmp/in.ipynb -o /tmp/out.ipynb")
        outputs = json.loads((self.folder / "tmp/out.ipynb").read_text())["cells"][1]["outputs"]
        assert any("image/png" in output.get("data", {}) for output in outputs), outputs

    def check_jupyter(self):
        listed = self.run("jupyter kernelspec list --json", stdout=subprocess.PIPE).stdout
        assert "candlebook" in json.loads(listed)["kernelspecs"], listed


def instructions(text):
    """The instructions of a Dockerfile: each a word and its arguments."""
    joined = re.sub(r"\\\n\s*", "", text)
    lines = [line.strip() for line in joined.splitlines()]
    return [line.split(None, 1) for line in lines if line and not line.startswith("#")]


def dockerfile():
    container = Container("docker")
    for word, arguments in instructions((CHECKOUT / "packaging/Dockerfile").read_text()):
        match word:
            case "FROM" | "EXPOSE":
                pass
            case "RUN":
                container.run(arguments)
            case "USER":
                container.user = arguments
            case "WORKDIR":
                container.workdir = arguments
            case "ENV":
                name, value = arguments.split("=", 1)
                container.env[name] = value.replace("$PATH", container.env["PATH"])
            case "COPY":
                source, target = [part for part in arguments.split() if not part.startswith("--")]
                below = source.removeprefix("target/dist/")
                container.copy(DIST / below if below != source else CHECKOUT / source, target)
            case "CMD":
                serve(container, json.loads(arguments))
            case other:
                raise SystemExit(f"expected an instruction that this script knows, got {other}")
    container.check_jupyter()
    container.check()


def serve(container, command):
    """Starts the server, and asks for its version."""
    ask = 'python -c "import urllib.request as u; print(u.urlopen(\'http://127.0.0.1:8889/api\').read().decode())"'
    container.run(f"{shlex.join(command)} --port=8889 > /tmp/server.log 2>&1 & for i in $(seq 60); do sleep 1; {ask} 2> /tmp/error.log && exit 0; done; cat /tmp/server.log; exit 1")


def binder():
    """Binder's builder works in a checkout, with a Python environment that it may write to."""
    container = Container("binder")
    container.workdir = "/srv"
    container.copy(CHECKOUT / "binder", "binder")
    for wheel in DIST.glob("wheels/*.whl"):
        container.copy(wheel, f"binder/{wheel.name}")
    container.run("pip install -q -r binder/requirements.txt && bash binder/postBuild")
    container.check_jupyter()
    container.check()


def colab():
    """Colab's user is root, and its working folder has the uploaded files."""
    container = Container("colab")
    container.workdir = "/content"
    text = (CHECKOUT / "docs/install.md").read_text()
    cell = next(block for block in re.findall(r"```\n(.*?)```", text, re.DOTALL) if block.startswith("!pip"))
    for wheel in DIST.glob("wheels/*.whl"):
        container.copy(wheel, wheel.name)
    container.run("; ".join(line.removeprefix("!") for line in cell.splitlines()))
    container.check()


def conda():
    """The recipe's script with the tarball as source, and a compiler in the same prefix."""
    container = Container("conda")
    recipe = (CHECKOUT / "packaging/conda/meta.yaml").read_text()
    script = textwrap.dedent(re.search(r"  script:\n((?:    - .*\n)+)", recipe)[1])
    lines = [line.removeprefix("- ") for line in script.splitlines()]
    test = re.findall(r"^    - (candlebook .*)$", recipe, re.MULTILINE)
    container.env |= {"PREFIX": "/opt/conda", "PATH": f"/opt/conda/bin:{container.env['PATH']}"}
    [tarball] = DIST.glob("candlebook-*.tar.gz")
    container.copy(tarball, "/tmp/source.tar.gz")
    container.run("mkdir -p /tmp/source && tar xf /tmp/source.tar.gz --strip-components=1 -C /tmp/source")
    container.workdir = "/tmp/source"
    container.run(" && ".join(lines))
    # In place of conda's package of the compiler.
    for wheel in DIST.glob("wheels/candlebook_rust*.whl"):
        container.copy(wheel, f"/tmp/{wheel.name}")
    container.run("python3 -m venv /tmp/venv && /tmp/venv/bin/pip install -q --no-index --find-links /tmp candlebook-rust"
                  " && cp -a /tmp/venv/share/candlebook-dist/rust/. /opt/conda/ && rm -r /tmp/venv")
    for line in test:
        container.run(line)
    container.check()


def main():
    for recipe in (dockerfile, binder, colab, conda):
        recipe()
        shutil.rmtree(ROOT / recipe.__name__.replace("dockerfile", "docker"))
    print("xtask: all recipes passed")


main()

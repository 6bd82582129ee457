"""Installs a pinned tool (/strata/tool.txt) into /out, with whatever pip the base can offer, and with
the bytecode of all that steps import which use it."""

import os
import re
import subprocess
import sys

import network
import tree

# Where steps have it.
PLACE = "/tool/"
# What our scripts import, and pip as they run it, which imports some of itself late.
OF_STEPS = (
    "import argparse, html, importlib.metadata, json, netrc, runpy, ssl, subprocess, "
    "urllib.request, zipfile"
)
FIND_PIP = f"import sys; sys.path.insert(0, '{PLACE}pip')"
OF_PIP = (
    "import pip._internal.cli.main, pip._internal.commands.install, "
    "pip._internal.metadata.importlib, pip._internal.resolution.resolvelib.resolver"
)


def main(name):
    network.prepare()
    network.trust_plain_http("/strata/tool.txt")
    installed = subprocess.run(
        bootstrap_pip()
        + ["install", "--target", "/out", "--requirement", "/strata/tool.txt", "--no-deps"]
        + ["--only-binary", ":all:", "--no-compile", "--no-input", "--disable-pip-version-check"]
        + ["--quiet"],
        # By the environment, because an old pip refuses flags it does not know.
        env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"},
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    print(installed.stderr, end="", file=sys.stderr, flush=True)
    if installed.returncode != 0:
        explain_failure("No matching distribution found" in installed.stderr)
    # The time of a source is in its bytecode.
    tree.normalise("/out")
    compile_imports(name)
    tree.normalise("/out")


def compile_imports(name):
    """Leaves bytecode of what the steps import: of the tool beside it, for the processes that it
    starts, and of that and the base in /out/bytecode, in the form of Python's `pycache_prefix`.
    Docker's own images of Python have none of theirs: every step would compile all that it imports
    before it does anything."""
    os.makedirs(PLACE, exist_ok=True)
    if not os.path.lexists(PLACE + name):
        # They find themselves there.
        os.symlink("/out", PLACE + name)
    imports = [OF_STEPS, *([FIND_PIP, OF_PIP] if name == "pip" else [])]
    # As the steps have it, but that bytecode is written, and is the same every time.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env["PYTHONHASHSEED"] = "0"
    for options in [], ["-X", "pycache_prefix=/out/bytecode"]:
        # Where it fails, a step takes longer.
        command = [sys.executable, "-s", *options, "-c", "; ".join(imports)]
        subprocess.run(command, env=env, check=False)


def explain_failure(not_found):
    """Says which indexes lack the tool, or have trouble, and ends the step; unless it is uv, and
    all indexes say that they have none for this machine: pip can do what it does."""
    with open("/strata/tool.txt", encoding="utf-8") as file:
        (tool,) = re.findall(r"^([\w.-]+)==", file.read(), re.MULTILINE)
    indexes = network.indexes("/strata/tool.txt")
    pages = [network.page(index, tool) for index in indexes]
    has_way_out = not_found and tool == "uv"
    if has_way_out:
        pages = [page for page in pages if not network.lacks(page)]
    if network.explain(pages) or not has_way_out:
        if network.PYPI in indexes:
            print(
                f"{tool} comes from PyPI: where another index stands in for that, name it in the "
                "manifest, `python: {index_url: …}`",
                file=sys.stderr,
            )
        sys.exit(1)
    print("there is no uv for this machine: pip will resolve, which takes longer")


def bootstrap_pip():
    """The base's own pip, else the one that comes with ensurepip."""
    own = [sys.executable, "-m", "pip"]
    if answers(own + ["--version"]):
        return own
    if answers([sys.executable, "-m", "venv", "/tmp/bootstrap"]):
        return ["/tmp/bootstrap/bin/python", "-m", "pip"]
    sys.exit(
        f"the base image's {sys.executable} has neither pip nor ensurepip to install packages "
        "with: add python3-pip or python3-venv to system.python, or choose a base that has pip"
    )


def answers(command):
    """Whether a command succeeds; what it says does not matter."""
    quiet = subprocess.DEVNULL
    return subprocess.run(command, stdout=quiet, stderr=quiet, check=False).returncode == 0


main(*sys.argv[1:])

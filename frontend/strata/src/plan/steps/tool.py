"""Installs a pinned tool (/strata/tool.txt) into /out, with whatever pip the base can offer, and with
the bytecode of all that steps import which use it."""

import os
import re
import subprocess
import sys
import tempfile

import network
import tree

# Its release, and the indexes that have it.
PINS = "/strata/tool.txt"
# What pip says where no file is for this machine; and where there are none, or it was not answered.
NOT_FOUND = "No matching distribution found"
# What the page of an index may have that has no files (PEP 629, PEP 691).
OF_AN_INDEX = re.compile(r'pypi:repository-version|"files"\s*:\s*\[')
# Where steps have it.
PLACE = "/tool/"
# What our scripts import, and pip as they run it, which imports some of itself late.
OF_STEPS = (
    "import argparse, concurrent.futures.thread, html, importlib.metadata, json, netrc, runpy, "
    "ssl, subprocess, urllib.request, zipfile"
)
FIND_PIP = f"import sys; sys.path.insert(0, '{PLACE}pip')"
OF_PIP = (
    "import pip._internal.cli.main, pip._internal.commands.install, "
    "pip._internal.metadata.importlib, pip._internal.resolution.resolvelib.resolver"
)


def main(name):
    network.prepare()
    network.trust_plain_http(PINS)
    pip = bootstrap_pip()
    installed = subprocess.run(
        pip + ["install", "--target", "/out", "--requirement", PINS, "--no-deps"]
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
        explain_failure(pip, NOT_FOUND in installed.stderr)
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


def explain_failure(pip, not_found):
    """Says which indexes lack the tool, or have trouble, and ends the step; unless it is uv, and
    all indexes say that they have none for this machine: pip can do what it does."""
    with open(PINS, encoding="utf-8") as file:
        ((tool, version),) = re.findall(r"^([\w.-]+)==(\S+)", file.read(), re.MULTILINE)
    indexes = network.indexes(PINS)
    pages = [network.page(index, tool) for index in indexes]
    has_way_out = not_found and tool == "uv"
    if has_way_out:
        pages = [page for page in pages if not network.lacks(page)]
    wrong = list(filter(None, map(network.trouble, pages)))
    if has_way_out and pages and not wrong:
        wrong = list(filter(None, (lack(pip, page, version) for page in pages)))
    for words in wrong:
        print(words, file=sys.stderr)
    if wrong or not has_way_out:
        if network.PYPI in indexes:
            print(
                f"{tool} comes from PyPI: where another index stands in for that, name it in the "
                "manifest, `python: {index_url: …}`",
                file=sys.stderr,
            )
        sys.exit(1)
    print(
        f"there is no uv {version} for this machine: pip will resolve, which takes longer; once an "
        "index has it, build with `--no-cache-filter tool`"
    )


def lack(pip, page, version):
    """What is wrong if a page is no index's, or has uv for this machine: that there is none is
    kept."""
    shown = network.text(page)
    name = re.compile(r"\buv-(\d[\w.+!]*)(?:-[\w.-]+?\.whl|\.tar\.gz)")
    found = list(name.finditer(shown))
    if fits(pip, {one.group() for one in found if one.group(1) == version}, version):
        return f"{page} has a uv for this machine that pip was not shown: build again"
    if not found and not OF_AN_INDEX.search(shown):
        return f"{page} shows no files, nor that it is a page of an index: try again later"
    return None


def fits(pip, files, version):
    """Whether one of these files of uv is for this machine: pip goes by their names."""
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            open(os.path.join(folder, file), "wb").close()
        tried = subprocess.run(
            pip
            + ["download", f"uv=={version}", "--no-index", "--find-links", folder, "--no-deps"]
            + ["--only-binary", ":all:", "--dest", folder, "--disable-pip-version-check"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    # Where it fits, pip finds it to be empty.
    return NOT_FOUND not in tried.stderr


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


if __name__ == "__main__":
    main(*sys.argv[1:])

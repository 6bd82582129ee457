"""Installs /strata/requirements.txt below /out, run by the environment's own Python.

pip comes from /tool and runs in this process, so that its words, its exit code and its idea of
the interpreter are what they would be inside the environment.
"""

import itertools
import os
import runpy
import sys
import tempfile

import network
import tree

VENV = "/opt/venv"
OUT_VENV = "/out" + VENV


def main():
    network.prepare()
    settle_builds()
    keep_lib64()
    status = pip(
        ["install", "--root", "/out", "--no-compile", "--ignore-installed", "--no-input"]
        + ["--requirement", "/strata/requirements.txt"]
        + ["--constraint", "/strata/constraints.txt"]
        + ["--disable-pip-version-check", "--root-user-action", "ignore"]
        + ["--no-warn-script-location"]
    )
    if status:
        sys.exit(status)
    tree.compile_bytecode(OUT_VENV + "/lib", "/out")
    tree.normalise("/out")


def settle_builds():
    """Keeps what varies out of packages that are built from source.

    pip builds in folders with random names, and a compiler writes the names of what it reads
    into debug information (and into assertions); so the names count up instead, and there is
    no debug information, which would also be most of a library's size.
    """
    tempfile._name_sequence = (f"{number:08}" for number in itertools.count())
    for flags in ["CFLAGS", "CXXFLAGS"]:
        os.environ.setdefault(flags, "-g0")


def keep_lib64():
    """Where Python installs into lib64 (Red Hat), that is a link in the environment. Without it
    pip would make a folder of that name, which would then hide the link."""
    if os.path.islink(VENV + "/lib64"):
        os.makedirs(OUT_VENV + "/lib")
        os.symlink("lib", OUT_VENV + "/lib64")


def pip(arguments):
    """Runs pip as `python -m pip` would; returns its exit code."""
    sys.path.insert(0, "/tool")
    sys.argv = ["pip"] + arguments
    try:
        runpy.run_module("pip", run_name="__main__", alter_sys=True)
    except SystemExit as exited:
        return exited.code
    return 0


main()

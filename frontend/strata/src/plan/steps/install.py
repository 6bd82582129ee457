"""Installs /strata/requirements.txt below /out, run by the environment's own Python.

pip comes from /tool and runs in this process, so that its words, its exit code and its idea of
the interpreter are what they would be inside the environment.
"""

import os
import runpy
import sys

import network
import tree

VENV = "/opt/venv"
OUT_VENV = "/out" + VENV

# pip and its build backends work in folders with random names, which compilers write into
# debug information and assertions, and CMake into what it installs. These names count up.
COUNTED_NAMES = """
import itertools, tempfile
tempfile._name_sequence = map("{:08}".format, itertools.count())
"""


def main():
    network.prepare()
    sys.path.insert(0, "/tool")
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
    """Keeps what varies out of packages that are built from source."""
    exec(COUNTED_NAMES)
    from pip._internal import build_env

    class SettledEnvironment(build_env.BuildEnvironment):
        """Runs the backend, which is a process of its own, with the same names."""

        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            with open(self._site_dir + "/sitecustomize.py", "a", encoding="utf-8") as startup:
                startup.write(COUNTED_NAMES)

    build_env.BuildEnvironment = SettledEnvironment
    # Debug information names files, too; and it would be most of a library's size.
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
    sys.argv = ["pip"] + arguments
    try:
        runpy.run_module("pip", run_name="__main__", alter_sys=True)
    except SystemExit as exited:
        return exited.code
    return 0


main()

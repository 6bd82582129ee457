"""pip, run in this very process: its words, its exit code and its idea of the interpreter are then
what they would be inside the environment, and its builds can be settled."""

import importlib.metadata
import os
import runpy
import sys

import network

OPTIONS = "/strata/options.txt"
# What builds are held to, if they are.
BUILD_CONSTRAINTS = "/strata/build_constraints.txt"
VENV = "/opt/venv"
OUT_VENV = "/out" + VENV
# What a build must see beside its own requirements: an environment.
VISIBLE = "/see"

# pip and its build backends work in folders with random names, which compilers write into
# debug information and assertions, and CMake into what it installs. These names count up.
COUNTED_NAMES = """
import itertools, tempfile
tempfile._name_sequence = map("{:08}".format, itertools.count())
"""


def install(arguments):
    """Runs `pip install` as `python -m pip` would, into /out; its exit code."""
    keep_lib64()
    sys.path.insert(0, "/tool/pip")
    sys.argv = ["pip", "install", "--no-deps", "--root", "/out", "--no-compile"]
    sys.argv += ["--ignore-installed", "--no-input", "--quiet", "--disable-pip-version-check"]
    sys.argv += ["--root-user-action", "ignore", "--no-warn-script-location", *arguments]
    try:
        runpy.run_module("pip", run_name="__main__", alter_sys=True)
    except SystemExit as exited:
        return exited.code
    return 0


def options():
    """pip's options, of which the file has one on each line, for what is built."""
    held = ["--build-constraint", BUILD_CONSTRAINTS] if os.path.exists(BUILD_CONSTRAINTS) else []
    with open(OPTIONS, encoding="utf-8") as file:
        return held + [word for line in file for word in line.strip().split(" ", 1)]


def settle_builds():
    """Keeps what varies out of packages that are built from source, and what is of another index than
    its own out of what they are built with."""
    exec(COUNTED_NAMES)
    sys.path.insert(0, "/tool/pip")
    from pip._internal import build_env
    from pip._internal.exceptions import InstallationError

    class SettledEnvironment(build_env.BuildEnvironment):
        """Runs the backend, which is a process of its own, with the same names, and lets it see
        what the manifest says that it must."""

        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            with open(self._site_dir + "/sitecustomize.py", "a", encoding="utf-8") as startup:
                startup.write(COUNTED_NAMES)
                if os.path.isdir(VISIBLE):
                    startup.write(f"sys.path.append({visible_packages()!r})\n")

        def install_requirements(self, *arguments, **options):
            super().install_requirements(*arguments, **options)
            folders = [one for prefix in self._prefixes.values() for one in prefix.lib_dirs]
            installed = importlib.metadata.distributions(path=folders)
            names = {one.metadata["Name"] for one in installed if one.read_text("METADATA")}
            words = passed_over(sorted(filter(None, names)))
            if words:
                raise InstallationError(words)

    build_env.BuildEnvironment = SettledEnvironment
    # Debug information names files, too; and it would be most of a library's size.
    for flags in ["CFLAGS", "CXXFLAGS"]:
        os.environ.setdefault(flags, "-g0")


def passed_over(names):
    """What to say if pip may have taken one of these from another index than its own."""
    indexes, links = network.indexes(OPTIONS), network.links(OPTIONS)
    if not names or not (indexes[1:] or links):
        return None
    pages = [network.page(index, name) for index in indexes for name in names]
    return network.refusal(indexes, names, None) or network.trouble_of(pages, links)


def visible_packages():
    version = "python{}.{}".format(*sys.version_info)
    return f"{VISIBLE}{VENV}/lib/{version}/site-packages"


def keep_lib64():
    """Where Python installs into lib64 (Red Hat), that is a link in the environment. Without it
    an installer would make a folder of that name, which would hide the link, or be hidden by it."""
    link = OUT_VENV + "/lib64"
    if os.path.islink(VENV + "/lib64") and not os.path.islink(link):
        os.makedirs(OUT_VENV + "/lib", exist_ok=True)
        os.symlink("lib", link)

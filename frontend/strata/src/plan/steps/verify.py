"""Imports the modules of /strata/verify.json as the image's user will, without a network.

Leaves a note of what was imported, so that it is known and kept like any other layer.
"""

import concurrent.futures
import csv
import importlib.metadata
import json
import os
import subprocess
import sys

import tree

# So many are imported at a time, if there are as many processors: each may take a gigabyte.
AT_ONCE = 4
# What this step needs and an image does not have.
OWN_VARIABLES = ["SOURCE_DATE_EPOCH", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED"]


def main():
    os.chmod("/tmp", 0o1777)
    with open("/strata/verify.json", encoding="utf-8") as file:
        asked = json.load(file)
    modules = asked["modules"]
    failed = []
    with concurrent.futures.ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as pool:
        results = pool.map(lambda module: imports(module, asked), modules)
        # In their order, whichever is done first.
        for module, (can, words) in zip(modules, results):
            print(f"import {module}\n{words}", end="", flush=True)
            failed += [] if can else [module]
    if failed:
        sys.exit(f"cannot import {', '.join(failed)} as the image's user: see Python's words above")
    for path, owners in overlaps() if asked["overlaps"] else ():
        print(f"warning: {' and '.join(owners)} both have {path}", file=sys.stderr)
    os.makedirs("/out/opt/strata")
    with open("/out/opt/strata/" + asked["note"], "w", encoding="utf-8") as out:
        json.dump({"imports": asked["modules"]}, out, indent=1)
        out.write("\n")
    tree.normalise("/out")


def imports(module, asked):
    """Whether a module can be imported, and what was said: each by a Python of its own, as programs
    do it."""
    environment = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
    environment.update({"HOME": asked["home"], **asked["env"]})
    folder = asked["folder"] if os.access(asked["folder"], os.X_OK) else "/"
    command = [sys.executable, "-B", "-c", f"import {module}"]
    who = {"user": asked["uid"], "group": asked["gid"], "extra_groups": []}
    said = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, cwd=folder, env=environment, check=False, **said, **who)
    return done.returncode == 0, done.stdout.decode(errors="replace")


def overlaps():
    """Files that two packages have with different content: the layer that lies above wins."""
    known = {}
    for package in importlib.metadata.distributions():
        if not (package.read_text("METADATA") or package.read_text("PKG-INFO")):
            # `package.metadata` is none then from Python 3.14 on, and raises from 3.15 on.
            continue
        name = package.metadata["Name"]
        for row in csv.reader((package.read_text("RECORD") or "").splitlines()):
            path, digest = (row + ["", ""])[:2]
            path = os.path.normpath(package.locate_file(path))
            other, before = known.setdefault(path, (name, digest))
            if other != name and before != digest:
                yield path, (other, name)


main()

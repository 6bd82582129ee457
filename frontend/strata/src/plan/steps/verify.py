"""Imports modules as the image's user will, without a network: `verify.py UID GID HOME MODULE…`.

Leaves a note of what was imported, so that it is known and kept like any other layer.
"""

import csv
import importlib.metadata
import json
import os
import subprocess
import sys

import tree

# What this step needs and an image does not have.
OWN_VARIABLES = ["SOURCE_DATE_EPOCH", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED"]


def main(uid, gid, home, *modules):
    os.chmod("/tmp", 0o1777)
    environment = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
    environment["HOME"] = home
    failed = [module for module in modules if not imports(module, int(uid), int(gid), environment)]
    if failed:
        sys.exit(f"cannot import {', '.join(failed)} as the image's user: see Python's words above")
    for path, owners in overlaps():
        print(f"warning: {' and '.join(owners)} both have {path}", file=sys.stderr)
    os.makedirs("/out/opt/strata")
    with open("/out/opt/strata/verified.json", "w", encoding="utf-8") as out:
        json.dump({"imports": modules}, out, indent=1)
        out.write("\n")
    tree.normalise("/out")


def imports(module, uid, gid, environment):
    """Whether a module can be imported: each by a Python of its own, as programs do it."""
    print(f"import {module}", flush=True)
    command = [sys.executable, "-B", "-c", f"import {module}"]
    here = "/" if not os.access(environment["HOME"], os.X_OK) else environment["HOME"]
    done = subprocess.run(
        command, cwd=here, env=environment, user=uid, group=gid, extra_groups=[], check=False
    )
    return done.returncode == 0


def overlaps():
    """Files that two packages have with different content: the layer that lies above wins."""
    known = {}
    for package in importlib.metadata.distributions():
        name = package.metadata["Name"]
        for row in csv.reader((package.read_text("RECORD") or "").splitlines()):
            path, digest = (row + ["", ""])[:2]
            path = os.path.normpath(package.locate_file(path))
            other, before = known.setdefault(path, (name, digest))
            if other != name and before != digest:
                yield path, (other, name)


main(*sys.argv[1:])

"""Runs the command of /strata/command.json, which downloads something, and keeps of it in /out what
it is told to keep."""

import json
import os
import shutil
import stat
import subprocess
import sys

import network
import tree

TOKEN = "/run/secrets/token"
# What this step needs and an image does not have.
OWN_VARIABLES = ["SOURCE_DATE_EPOCH", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED"]
# Where it has its secrets, and what else is its own: these, what is in them and what they are in.
OWN_PATHS = [
    "/dev",
    "/out",
    "/proc",
    "/run/secrets",
    "/strata",
    "/sys",
    "/tmp/ca_bundle.pem",
    "/tmp/home",
]


def main():
    network.prepare()
    with open("/strata/command.json", encoding="utf-8") as file:
        asked = json.load(file)
    home = asked["home"]
    os.makedirs(home, exist_ok=True)
    before = above(asked["keep"])
    environment = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
    environment["HOME"] = home
    if os.path.exists(TOKEN):
        environment["HF_TOKEN_PATH"] = TOKEN
    environment.update(asked["env"])
    try:
        status = subprocess.run(asked["words"], cwd="/tmp", env=environment, check=False).returncode
    except OSError as error:
        sys.exit(f"{asked['words'][0]} cannot be run: {error.strerror}")
    if status:
        sys.exit(f"{asked['words'][0]} ended with status {status}: see its words above")
    for path in asked["keep"]:
        keep(path)
    tree.normalise("/out")
    own(os.path.realpath(home), asked["uid"], asked["gid"], before)
    empty(os.path.join(home, ".cache"))


def keep(path):
    """Copies what is there, through no link of the base: in a layer, a folder would take the
    link's place."""
    source = place(path)
    target = "/out" + source
    if not os.path.lexists(source):
        sys.exit(f"the command has made no {path}, which `keep` names")
    if os.path.isdir(source):
        shutil.copytree(source, target, symlinks=True, ignore=special, dirs_exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(source, target)


def place(path):
    """Where a path to be kept leads, which links of the base or the command's may hide."""
    real = os.path.realpath(path)
    for own in OWN_PATHS:
        both = {real, os.path.realpath(own)}
        if os.path.commonpath(both) in both:
            sys.exit(
                f"{path}, which `keep` names, leads to {real}, and {own} is the step's own and may hold "
                "secrets: have the command write to a folder of its own, such as /models"
            )
    return real


def special(folder, names):
    """Locks and sockets are of no use, and pipes would never end."""
    paths = ((name, os.lstat(os.path.join(folder, name)).st_mode) for name in names)
    return [
        name
        for name, mode in paths
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode) or stat.S_ISLNK(mode))
    ]


def above(paths):
    """The folders above these that the image has already, and not for a mount's sake alone."""
    folders = set()
    for path in paths:
        folder = os.path.dirname(place(path))
        while folder != "/":
            names = os.listdir(folder) if os.path.isdir(folder) else []
            if names and not os.path.ismount(folder) and names != [".cache"]:
                folders.add(folder)
            folder = os.path.dirname(folder)
    return folders


def own(home, uid, gid, before):
    """What is new in the user's home is the user's. A system's user may have a home that is the
    system's, such as `/`, whose folders stay whose they are."""
    if home == "/":
        return
    for folder, folders, files in os.walk("/out" + home):
        here = [folder] + [os.path.join(folder, name) for name in folders + files]
        for path in here:
            if path[len("/out") :] not in before:
                os.lchown(path, uid, gid)


def empty(cache):
    """The mount is for attempts that failed: the next one that succeeds must not keep what this one
    has downloaded, as it may download something newer."""
    for name in os.listdir(cache):
        path = os.path.join(cache, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.remove(path)


if __name__ == "__main__":
    main()

"""Runs the command of /strata/build.json on the code (/code), at the place where the image will have
it. What is there then, and was not there before the code was, is left in /out."""

import json
import os
import shutil
import stat
import subprocess
import sys

import network
import tree

CODE = "/code"


def main():
    network.prepare()
    with open("/strata/build.json", encoding="utf-8") as file:
        asked = json.load(file)
    folder, words = asked["folder"], asked["words"]
    before = {path: mark(path) for path in below(folder)}
    shutil.copytree(CODE, folder, symlinks=True, dirs_exist_ok=True)
    environment = {**os.environ, **asked["env"]}
    try:
        status = subprocess.run(words, cwd=folder, env=environment, check=False).returncode
    except OSError as error:
        sys.exit(f"{words[0]} cannot be run: {error.strerror}")
    if status:
        sys.exit(f"`build` ended with status {status}: see its words above")
    os.makedirs("/out" + folder)
    for path in below(folder):
        if path not in before or before[path] != mark(path):
            keep(path)
    tree.normalise("/out")


def below(folder):
    """Everything in a folder, folders before what is in them."""
    for above, folders, files in os.walk(folder):
        for name in folders + files:
            yield os.path.join(above, name)


def mark(path):
    """What is another number after any change to a file; a folder changes with what is in it."""
    there = os.lstat(path)
    return None if stat.S_ISDIR(there.st_mode) else (there.st_dev, there.st_ino, there.st_ctime_ns)


def keep(path):
    """Copies files, links and folders; locks and sockets are of no use, and pipes would never end."""
    target = "/out" + path
    mode = os.lstat(path).st_mode
    if stat.S_ISDIR(mode):
        os.makedirs(target, exist_ok=True)
        return
    if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy2(path, target, follow_symlinks=False)


main()

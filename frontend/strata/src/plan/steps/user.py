"""Makes a user, with a group of the same name and a home: `user.py NAME UID GID`.

The account files are written here rather than by useradd, which not every base has, and which
writes the day into them. Doing it again changes nothing.
"""

import os
import sys

TIME = int(os.environ["SOURCE_DATE_EPOCH"])


def main(name, uid, gid):
    home = f"/home/{name}"
    # A group that has the number already is as good as one of the same name.
    if not any(fields[2] == gid for fields in entries("/etc/group")):
        add("/etc/group", name, [gid], f"{name}:x:{gid}:")
    add("/etc/passwd", name, [uid, gid], f"{name}:x:{uid}:{gid}::{home}:/bin/sh")
    if os.path.exists("/etc/shadow"):
        # A locked password, without a date.
        add("/etc/shadow", name, [], f"{name}:!::0:99999:7:::")
    os.makedirs(home, exist_ok=True)
    # In root's group it may be run as anyone.
    os.chmod(home, 0o775 if gid == "0" else 0o755)
    os.chown(home, int(uid), int(gid))
    # The folders that changed, and one that mounts touch: their times are in the layer too.
    for path in [home, "/home", "/etc", "/run"]:
        if os.path.isdir(path):
            os.utime(path, (TIME, TIME))


def entries(path):
    """The lines of an account file, in fields."""
    with open(path, encoding="utf-8") as file:
        return [line.split(":") for line in file.read().splitlines() if line]


def add(path, name, numbers, entry):
    """Adds `entry` to an account file, unless `name` is there with these numbers."""
    for fields in entries(path):
        there = fields[2 : 2 + len(numbers)]
        if fields[0] == name and there == numbers:
            return
        if fields[0] == name:
            sys.exit(
                f"the base image has {name} as {':'.join(there)} in {path}, not {':'.join(numbers)}: "
                "name another user, or those numbers, in `user`"
            )
        if numbers and there[0] == numbers[0]:
            sys.exit(
                f"{numbers[0]} is already {fields[0]} in the base image's {path}: name that user, or "
                "other numbers, in `user`"
            )
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if text and not text.endswith("\n"):
        text += "\n"
    replace(path, f"{text}{entry}\n")


def replace(path, text):
    """Writes a file in one step, with the mode and owner that it had."""
    before = os.stat(path)
    with open(path + ".new", "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), before.st_mode)
        os.fchown(file.fileno(), before.st_uid, before.st_gid)
        file.write(text)
    os.utime(path + ".new", (TIME, TIME))
    os.replace(path + ".new", path)


main(*sys.argv[1:])

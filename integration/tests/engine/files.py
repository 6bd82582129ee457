"""Lists the files of the image that it runs in: path, type and mode, owner, content, time."""

import hashlib
import os
import stat

# What the engine puts into every container: mounts, and these two files.
with open("/proc/self/mountinfo") as mountinfo:
    foreign = {line.split()[4] for line in mountinfo} | {"/.dockerenv", "/etc/mtab"}


def content(path, mode):
    if stat.S_ISLNK(mode):
        return os.readlink(path)
    if stat.S_ISREG(mode):
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    return ""


def walk(folder):
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if path in foreign:
            continue
        found = os.lstat(path)
        mode = found.st_mode
        is_folder = stat.S_ISDIR(mode)
        # A folder's time changes with each layer that passes through it.
        time = "" if is_folder else found.st_mtime_ns
        owner = f"{found.st_uid}:{found.st_gid}"
        print(path, stat.filemode(mode), owner, content(path, mode), time, sep="\t")
        if is_folder:
            walk(path)


walk("/")

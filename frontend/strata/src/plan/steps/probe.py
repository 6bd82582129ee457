"""Writes down what the base is, for the plan that stands on it; with `--packages`, which Python
packages it has, too."""

import hashlib
import importlib.metadata
import json
import os
import platform
import pwd
import re
import shlex
import stat
import struct
import subprocess
import sys
import sysconfig

import tree

# What is not the base's while this runs.
MOUNTED = ["/proc", "/sys", "/dev", "/tmp", "/out", "/strata"]

# Who requires these takes nearly any, and a base has newer ones whenever it is built anew.
INSTALLERS = ["pip", "setuptools", "wheel"]

# How deep links and unusual folders are looked for: `/usr/local/man` is the deepest that
# distributions have.
DEPTH = 3


def main():
    facts = {
        "python": {
            "version": platform.python_version(),
            "implementation": sys.implementation.name,
            "implementation_version": implementation_version(),
            "soabi": sysconfig.get_config_var("SOABI"),
            "platform": sysconfig.get_platform(),
            "bits": struct.calcsize("P") * 8,
        },
        "machine": platform.machine(),
        "libc": libc(),
        "users": {
            user.pw_name: {"uid": user.pw_uid, "gid": user.pw_gid, "home": user.pw_dir}
            for user in pwd.getpwall()
        },
        **folders(),
    }
    if "--packages" in sys.argv:
        facts["packages"] = packages()
    os.makedirs("/out/opt/strata")
    with open("/out/opt/strata/probe.json", "w", encoding="utf-8") as out:
        json.dump(facts, out, indent=1, sort_keys=True)
        out.write("\n")
    tree.normalise("/out")
    print(f"Python {facts['python']['version']} on {operating_system()}")


def folders():
    """What a layer must know of the folders it passes through: links to folders, and folders
    that are not simply root's with mode 0755."""
    links, unusual = {}, {"/tmp": {"uid": 0, "gid": 0, "mode": 0o1777}}
    level = ["/"]
    for _ in range(DEPTH):
        level = [entry.path for folder in level for entry in os.scandir(folder)]
        level = [path for path in level if path not in MOUNTED and os.path.isdir(path)]
        links.update({path: os.path.realpath(path) for path in level if os.path.islink(path)})
        level = [path for path in level if path not in links]
        for path in level:
            there = os.stat(path)
            mode = stat.S_IMODE(there.st_mode)
            if (there.st_uid, there.st_gid, mode) != (0, 0, 0o755):
                unusual[path] = {"uid": there.st_uid, "gid": there.st_gid, "mode": mode}
    return {"links": links, "folders": unusual}


def packages():
    """What the packages are known by that `installed_wheels` of `resolve.py` counts as installed."""
    pins = set()
    for package in importlib.metadata.distributions():
        if not (package.read_text("METADATA") or package.read_text("PKG-INFO")):
            # `package.metadata` is none then from Python 3.14 on, and raises from 3.15 on.
            continue
        name, version = package.metadata["Name"], package.metadata["Version"]
        if not name or not version or not re.match(r"[\w.!+]+$", version):
            continue
        name = re.sub(r"[-_.]+", "-", name).lower()
        if name not in INSTALLERS:
            pins.add(f"{name}=={version}")
    return "sha256:" + hashlib.sha256("\n".join(sorted(pins)).encode()).hexdigest()


def implementation_version():
    """PyPy's own version, as markers have it; CPython's is that of the language."""
    version = sys.implementation.version
    text = f"{version.major}.{version.minor}.{version.micro}"
    if version.releaselevel == "final":
        return text
    return f"{text}{version.releaselevel[0]}{version.serial}"


def libc():
    """The C library that this Python runs on: a system may have musl beside its own. musl tells
    its version only when its loader is run."""
    own = loader(sys.executable)
    if "ld-musl-" not in own:
        name, version = platform.libc_ver()
        return {"name": name, "version": version}
    said = subprocess.run([own], stderr=subprocess.PIPE, text=True, check=False).stderr
    version = re.search(r"^Version (\S+)", said, re.MULTILINE)
    return {"name": "musl", "version": version.group(1) if version else ""}


def loader(path):
    """The program that loads another, by what that says (elf(5), PT_INTERP); empty if it does not."""
    with open(path, "rb") as file:
        head = file.read(64)
        if len(head) < 64 or not head.startswith(b"\x7fELF"):
            return ""
        order, wide = "<" if head[5] == 1 else ">", head[4] == 2
        word = order + ("Q" if wide else "I")
        (table,) = struct.unpack_from(word, head, 32 if wide else 28)
        size, count = struct.unpack_from(order + "HH", head, 54 if wide else 42)
        for index in range(count):
            file.seek(table + index * size)
            entry = file.read(size)
            if struct.unpack_from(order + "I", entry) == (3,):
                (at,) = struct.unpack_from(word, entry, 8 if wide else 4)
                (length,) = struct.unpack_from(word, entry, 32 if wide else 16)
                file.seek(at)
                return os.fsdecode(file.read(length).rstrip(b"\0"))
    return ""


def operating_system():
    """The distribution and its version, by os-release(5); those that roll have none."""
    entries = {}
    for path in ["/etc/os-release", "/usr/lib/os-release"]:
        if os.path.exists(path):
            with open(path, encoding="utf-8") as lines:
                words = shlex.split(lines.read(), comments=True)
            entries = dict(word.split("=", 1) for word in words if "=" in word)
            break
    return f"{entries.get('ID', 'linux')} {entries.get('VERSION_ID', '')}".strip()


if __name__ == "__main__":
    main()

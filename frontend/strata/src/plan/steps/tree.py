"""The form every step's result has: the same bytes and metadata whoever builds it, and when."""

import errno
import os
import stat
import subprocess
import sys

TIME = int(os.environ["SOURCE_DATE_EPOCH"])


def normalise(root):
    """Gives everything below `root` to root, with plain modes and one fixed time. Folders that
    the base has, too, stay as they are there: a layer restamps each one it passes through."""
    for folder, folders, files in os.walk(root, topdown=False):
        for name in folders + files:
            _stamp(os.path.join(folder, name), root)
    _stamp(root, root)


def _stamp(path, root):
    mode = os.lstat(path).st_mode
    if stat.S_ISDIR(mode):
        uid, gid, permissions = _folder(os.path.join("/", os.path.relpath(path, root)))
    else:
        uid, gid, permissions = 0, 0, 0o755 if mode & 0o111 else 0o644
    os.chown(path, uid, gid, follow_symlinks=False)
    if not stat.S_ISLNK(mode):
        os.chmod(path, permissions)
    os.utime(path, (TIME, TIME), follow_symlinks=False)


def _folder(path):
    """Owner and permissions of a folder of the image."""
    if path == "/tmp":
        # A step's own is a mount.
        return 0, 0, 0o1777
    if not os.path.isdir(path):
        return 0, 0, 0o755
    there = os.stat(path)
    return there.st_uid, there.st_gid, stat.S_IMODE(there.st_mode)


def sources(folder):
    """How many files of Python there are."""
    return sum(name.endswith(".py") for _, _, files in os.walk(folder) for name in files)


def compile_bytecode(folder, root):
    """Byte-compiles the normalised `folder`, which the image will have without `root` before it.

    In a process of its own and in a fixed order, because what a process did before shows in
    the bytes (which constants are shared); Python 3.13 was the first that several processes
    give the same bytes with. As all sources have one time, that serves as the key, as everywhere:
    a hash in its place would make every start of Python read every source. Files that are no
    valid Python for this version are left as they are; any other without bytecode ends the step.
    """
    # To start more processes takes as long as some hundred files do.
    several = sys.version_info >= (3, 13) and sources(folder) > 400
    processes = "0" if several else "1"
    # What is set for the base's Python holds for this one, too.
    python = [sys.executable, "-sB"]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    compiled = subprocess.run(
        python + ["-m", "compileall", "-qq", "-j", processes, "-s", root]
        + ["--invalidation-mode", "timestamp", folder],
        env=environment,
        check=False,
    )
    # It says the same of a full disk as of a source that is none.
    if compiled.returncode != 0:
        looked = subprocess.run(python + [__file__, folder], env=environment, check=False)
        if looked.returncode != 0:
            sys.exit("a layer without all of its bytecode is not kept: see the words above")


def require_bytecode(folder):
    """Ends the process, which is as that of `compileall` was, if a source lacks the bytecode that it
    can have."""
    import py_compile

    for source, bytecode in _without_bytecode(folder):
        try:
            py_compile.compile(source, bytecode, doraise=True)
        except py_compile.PyCompileError:
            continue
        except OSError as error:
            # What the package itself has in the way, or a name that bytecode would make too long.
            if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG):
                continue
            sys.exit(f"the bytecode of {source} cannot be written: {error.strerror}")
        sys.exit(
            f"the bytecode of {source} is missing: what compiles was ended before it was done, "
            "perhaps because memory ran out; build again"
        )


def _without_bytecode(folder):
    """The sources without bytecode, and where that would be."""
    from importlib.util import cache_from_source

    for above, _, files in os.walk(folder):
        for name in files if os.path.basename(above) != "__pycache__" else ():
            source = os.path.join(above, name)
            if not name.endswith(".py") or not os.path.isfile(source):
                continue
            bytecode = cache_from_source(source)
            if not os.path.lexists(bytecode):
                yield source, bytecode


if __name__ == "__main__":
    require_bytecode(*sys.argv[1:])

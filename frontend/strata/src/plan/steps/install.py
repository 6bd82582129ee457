"""Installs the packages of /strata/packages.json below /out, run by the environment's own Python.

Each is one file by its hash, and nothing is asked of an index: `install.py pip` or `uv` for
wheels, `install.py source` for what has to be built. `install.py uv apart` is for packages that own
the same files.
"""

import html
import json
import os
import runpy
import subprocess
import sys

import network
import tree

VENV = "/opt/venv"
OUT_VENV = "/out" + VENV
LINKS = "/tmp/links.html"
REQUIREMENTS = "/tmp/requirements.txt"
# What a build must see beside its own requirements: an environment.
VISIBLE = "/see"

# pip and its build backends work in folders with random names, which compilers write into
# debug information and assertions, and CMake into what it installs. These names count up.
COUNTED_NAMES = """
import itertools, tempfile
tempfile._name_sequence = map("{:08}".format, itertools.count())
"""


def main(installer, *apart):
    network.prepare()
    with open("/strata/packages.json", encoding="utf-8") as file:
        packages = json.load(file)
    # uv installs as downloads end, pip the last name first: what that leaves is what stays.
    parts = [[package] for package in reversed(packages)] if apart else [packages]
    install = {"pip": with_pip, "uv": with_uv, "source": from_source}[installer]
    status = next(filter(None, map(install, parts)), 0)
    if status:
        explain_failure(installer, packages)
        sys.exit(status)
    tree.normalise("/out")
    tree.compile_bytecode(OUT_VENV + "/lib", "/out")
    tree.normalise("/out")


def explain_failure(installer, packages):
    """Says more of a failure than the installer did."""
    files = [one["url"].split("#")[0] for one in packages if not one["url"].startswith("git+")]
    if not network.explain(files) and installer != "source":
        print(
            "if a file is not what the lock says, then its index has changed since: lock again, or "
            "have the requirements resolved again, with `--no-cache-filter lock`",
            file=sys.stderr,
        )


def with_pip(packages):
    write_links(packages)
    return pip(["--only-binary", ":all:", "--no-index", "--require-hashes"])


def with_uv(packages):
    lock = "/tmp/pylock.toml"
    with open(lock, "w", encoding="utf-8") as out:
        out.write('lock-version = "1.0"\ncreated-by = "strata"\n')
        out.writelines(map(locked, packages))
    command = ["/tool/uv/bin/uv", "--no-config", "pip", "install", "--requirement", lock]
    command += ["--python", VENV + "/bin/python3", "--prefix", OUT_VENV, "--no-deps", "--no-build"]
    command += ["--no-python-downloads", "--link-mode", "copy", "--cache-dir", "/cache/uv"]
    command += ["--no-progress", "--color", "never", "--preview-features", "pylock"]
    status = subprocess.run(command, check=False).returncode
    # What uv keeps two of itself apart with.
    if os.path.exists(OUT_VENV + "/.lock"):
        os.remove(OUT_VENV + "/.lock")
    return status


def from_source(packages):
    write_links(packages)
    settle_builds()
    network.trust_plain_http("/strata/options.txt")
    with open("/strata/options.txt", encoding="utf-8") as file:
        options = [word for line in file for word in line.strip().split(" ", 1)]
    (name,) = [package["name"] for package in packages]
    import hints

    with hints.Heard() as heard:
        status = pip(options + ["--no-binary", name])
    hint = hints.hint(name, heard.words) if status else None
    if hint:
        print(hint, file=sys.stderr)
    return status


def write_links(packages):
    """The files as a page of links, because pip then takes them for what they are, releases of
    an index, and does not note their URLs in the environment."""
    with open(LINKS, "w", encoding="utf-8") as links, open(
        REQUIREMENTS, "w", encoding="utf-8"
    ) as requirements:
        for package in packages:
            hashes = "".join(f" --hash={one}" for one in package["hashes"])
            if package["direct"]:
                requirements.write(f"{package['name']} @ {package['url']}{hashes}\n")
                continue
            name, url = html.escape(package["file"]), html.escape(package["url"])
            links.write(f'<a href="{url}">{name}</a><br>\n')
            requirements.write(f"{package['name']}=={package['version']}{hashes}\n")


def locked(package):
    """A wheel in the words of PEP 751."""
    text = json.dumps
    hashes = ", ".join("{} = {}".format(kind, text(value)) for kind, value in map(split, package["hashes"]))
    file = f"url = {text(package['url'])}, hashes = {{ {hashes} }}"
    kind = f"archive = {{ {file} }}" if package["direct"] else (
        f"wheels = [{{ name = {text(package['file'])}, {file} }}]"
    )
    name, version = text(package["name"]), text(package["version"])
    return f"\n[[packages]]\nname = {name}\nversion = {version}\n{kind}\n"


def split(one):
    return one.split(":", 1)


def settle_builds():
    """Keeps what varies out of packages that are built from source."""
    exec(COUNTED_NAMES)
    sys.path.insert(0, "/tool/pip")
    from pip._internal import build_env

    class SettledEnvironment(build_env.BuildEnvironment):
        """Runs the backend, which is a process of its own, with the same names, and lets it see
        what the manifest says that it must."""

        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            with open(self._site_dir + "/sitecustomize.py", "a", encoding="utf-8") as startup:
                startup.write(COUNTED_NAMES)
                if os.path.isdir(VISIBLE):
                    startup.write(f"sys.path.append({visible_packages()!r})\n")

    build_env.BuildEnvironment = SettledEnvironment
    # Debug information names files, too; and it would be most of a library's size.
    for flags in ["CFLAGS", "CXXFLAGS"]:
        os.environ.setdefault(flags, "-g0")


def visible_packages():
    version = "python{}.{}".format(*sys.version_info)
    return f"{VISIBLE}{VENV}/lib/{version}/site-packages"


def pip(options):
    """Runs pip as `python -m pip install` would, in this process, so that its words, its exit code
    and its idea of the interpreter are what they would be inside the environment."""
    keep_lib64()
    sys.path.insert(0, "/tool/pip")
    sys.argv = ["pip", "install", "--requirement", REQUIREMENTS, "--find-links", LINKS, "--no-deps"]
    sys.argv += ["--root", "/out", "--no-compile", "--ignore-installed", "--no-input", "--quiet"]
    sys.argv += ["--disable-pip-version-check", "--root-user-action", "ignore"]
    sys.argv += ["--no-warn-script-location", *options]
    try:
        runpy.run_module("pip", run_name="__main__", alter_sys=True)
    except SystemExit as exited:
        return exited.code
    return 0


def keep_lib64():
    """Where Python installs into lib64 (Red Hat), that is a link in the environment. Without it
    pip would make a folder of that name, which would then hide the link."""
    if os.path.islink(VENV + "/lib64"):
        os.makedirs(OUT_VENV + "/lib")
        os.symlink("lib", OUT_VENV + "/lib64")


main(*sys.argv[1:])

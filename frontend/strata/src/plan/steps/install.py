"""Installs the packages of /strata/packages.json below /out, run by the environment's own Python.

Each is one file by its hash, and nothing is asked of an index: `install.py pip` or `uv` for
wheels, `install.py source` for what has to be built. `install.py uv apart` is for packages that own
the same files.
"""

import html
import json
import os
import subprocess
import sys

import inside_pip
import network
import tree
from inside_pip import OUT_VENV, VENV

UV = "/tool/uv/bin/uv"
LINKS = "/tmp/links.html"
REQUIREMENTS = "/tmp/requirements.txt"


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
    trusted = [word for host in trusted_hosts() for word in ("--trusted-host", host)]
    return pip(["--only-binary", ":all:", "--no-index", "--require-hashes", *trusted])


def pip(options):
    # Which releases are for this Python, the lock has decided: uv and other tools pass over the
    # upper bounds of a Requires-Python, and pip would end where they go on.
    files = ["--requirement", REQUIREMENTS, "--find-links", LINKS, "--ignore-requires-python"]
    return inside_pip.install(files + options)


def with_uv(packages):
    if not os.path.exists(UV):
        sys.exit(
            "the index has no uv for this machine: take `installer: pip`, or add uv's wheel to it and "
            "build once with `--no-cache-filter tool`, as it is kept that there was none"
        )
    inside_pip.keep_lib64()
    lock = "/tmp/pylock.toml"
    with open(lock, "w", encoding="utf-8") as out:
        out.write('lock-version = "1.0"\ncreated-by = "strata"\n')
        out.writelines(map(locked, packages))
    command = [UV, "--no-config", "pip", "install", "--requirement", lock]
    command += ["--python", VENV + "/bin/python3", "--prefix", OUT_VENV, "--no-deps", "--no-build"]
    command += ["--no-python-downloads", "--link-mode", "copy", "--cache-dir", "/cache/uv"]
    command += ["--no-progress", "--color", "never", "--preview-features", "pylock"]
    command += [word for host in trusted_hosts() for word in ("--allow-insecure-host", host)]
    status = subprocess.run(command, check=False).returncode
    # What uv keeps two of itself apart with.
    if os.path.exists(OUT_VENV + "/.lock"):
        os.remove(OUT_VENV + "/.lock")
    return status


def trusted_hosts():
    """Hosts of the files that the requirements trust without a certificate."""
    if not os.path.exists("/strata/trusted.txt"):
        return []
    with open("/strata/trusted.txt", encoding="utf-8") as hosts:
        return hosts.read().split()


def from_source(packages):
    write_links(packages)
    inside_pip.settle_builds()
    network.trust_plain_http("/strata/options.txt")
    (name,) = [package["name"] for package in packages]
    import hints

    with hints.Heard() as heard:
        status = pip(inside_pip.options() + ["--no-binary", name])
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
    # What is given by its URL may say its version nowhere.
    version = f"version = {text(package['version'])}\n" if package["version"] else ""
    return f"\n[[packages]]\nname = {text(package['name'])}\n{version}{kind}\n"


def split(one):
    return one.split(":", 1)


main(*sys.argv[1:])

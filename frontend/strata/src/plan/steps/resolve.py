"""Resolves /strata/requirements.txt for this Python into /out/opt/strata/pylock.toml (PEP 751).

uv does it, from metadata alone: no wheel is downloaded for it. Where there is no uv, or where it
cannot read what pip can, pip's dry run does, which has to look into the wheels.
"""

import argparse
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import zipfile

import network
import tree

UV = "/tool/uv/bin/uv"
LOCK = "/out/opt/strata/pylock.toml"
# What builds are held to, if they are.
BUILD_CONSTRAINTS = "/strata/build_constraints.txt"
# In place of the lock: that it takes a toolchain to make one.
UNBUILT = "/out/opt/strata/unbuilt.txt"
WORK = "/tmp/resolve"
# What uv writes: packages, and the same with who needs whom.
PACKAGES = WORK + "/pylock.toml"
PINS = WORK + "/requirements.txt"
# What is there already, as wheels with nothing but metadata.
INSTALLED = WORK + "/installed"
# Of an environment that goes on, nothing may be replaced.
KEPT = WORK + "/kept.txt"

# What pip is held to, and what it chose.
HELD = WORK + "/held.txt"
REPORT = WORK + "/report.json"

# How often pip may say what else stands in the way of what is preferred: it tells one thing at a
# time, and takes long for each.
TRIES = 5

# pip's options by uv's names; both know the others by the same.
OF_UV = {"--trusted-host": "--allow-insecure-host", "--pre": "--prerelease=allow"}
# By which pip takes an older release that it need not build. uv cannot.
PREFER_BINARY = "--prefer-binary"
# uv has no word for it: a lock has hashes anyway.
NOT_OF_UV = ["--require-hashes"]

# What PyTorch's own index is asked for: the packages that uv asks it for (`TorchStrategy::applies_to`
# in uv's crates/uv-torch/src/backend.rs).
OF_TORCH = [
    "fbgemm-gpu",
    "fbgemm-gpu-genai",
    "pytorch-triton",
    "pytorch-triton-rocm",
    "pytorch-triton-xpu",
    "torch",
    "torch-tensorrt",
    "torchao",
    "torcharrow",
    "torchaudio",
    "torchcodec",
    "torchcsprng",
    "torchdistx",
    "torchrec",
    "torchserve",
    "torchtext",
    "torchtune",
    "torchvision",
    "triton",
    "triton-rocm",
    "triton-xpu",
    "xformers",
]

# What is said, by uv or pip, where it takes a compiler, a library or git to tell what a package
# needs.
BUILD_FAILED = re.compile(
    r"failed to build|build backend|build_wheel|egg_info|git executable not found|command 'git'",
    re.IGNORECASE,
)
BUILT = re.compile(r"Failed to (?:download and )?build [`']([\w.-]+)")
# What is said of a project that no index has; of one that an index does not show, too.
NOT_FOUND = re.compile(
    r"[\w.-]+(?= was not found in the package registry)"
    r"|(?<=No matching distribution found for )[\w.-]+"
)
# What uv says of a file or page that it was not given.
NOT_FETCHED = re.compile(r"Failed to fetch: `?(https?://[^\s`]+)")
# What pip says of a version that it is held to and cannot have.
IN_THE_WAY = re.compile(r"The user requested \(constraint\) ([\w.-]+)==")
# What uv says of requirements that it cannot read; it is not about what an index answers with.
NOT_READ = re.compile(r"couldn't parse|unsupported (?!`content-type`)", re.IGNORECASE)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--torch")
    arguments.add_argument("--no-deps", action="store_true")
    arguments.add_argument("--site-packages", action="store_true")
    arguments.add_argument("--goes-on", action="store_true")
    arguments.add_argument("--may-need-toolchain", action="store_true")
    arguments = arguments.parse_args()
    network.prepare()
    network.trust_plain_http("/strata/options.txt")
    indexes = network.indexes("/strata/options.txt")
    lines = read("/strata/requirements.txt").splitlines()
    named = [line for line in lines if "://" not in line.partition(";")[0]]
    names = re.findall(r"^[\w.-]+", "\n".join(named), re.MULTILINE) or [network.NOBODYS]
    os.makedirs(WORK)
    os.makedirs(os.path.dirname(LOCK))
    preferred = read("/strata/preferences.txt").splitlines()
    if arguments.goes_on:
        arguments.site_packages = True
    there = installed_wheels() if arguments.site_packages else []
    if arguments.goes_on:
        write(KEPT, "".join(f"{pin}\n" for pin in there))
    does_uv = os.path.exists(UV) and PREFER_BINARY not in dict(options())
    running = start_uv(arguments, there + preferred) if does_uv else None
    # Meanwhile: it may take as long.
    refusal = network.refusal(indexes, names[:1], names[1:])
    if refusal:
        sys.exit(refusal)
    status, words = resolve_with_uv(arguments, running) if running else (2, "")
    if status and (not does_uv or NOT_READ.search(words)):
        print("uv cannot: pip resolves, which takes longer", flush=True)
        status, words = ask_pip(arguments, preferred, indexes, names)
    elif status == 0 and has_other_files():
        # pip looks for them on all indexes. Where they are nowhere, this lock shows what there is.
        print("files of another index are asked for: pip resolves, which takes longer", flush=True)
        ask_pip(arguments, preferred, indexes, names)
    refusal = None if status else refusal_of_locked(arguments, indexes, names)
    if refusal:
        sys.exit(refusal)
    if status and arguments.may_need_toolchain and BUILD_FAILED.search(words):
        # Whoever asked may have a toolchain to try with. This outcome is kept, the failure is not.
        # The words of the tool are not those of the next time, and the layer is to be the same.
        write(UNBUILT, "a package has to be built to tell what it needs\n")
    elif status:
        missing = sorted(set(NOT_FOUND.findall(words)))
        pages = [network.page(index, name) for name in missing for index in indexes]
        network.explain(pages + sorted(set(NOT_FETCHED.findall(words))))
        explain_build(words)
        if arguments.goes_on:
            print(
                "the base image's environment goes on with the versions that it has: where they "
                "will not do, build the base anew with others",
                file=sys.stderr,
            )
        sys.exit(status)
    tree.normalise("/out")


def refusal_of_locked(arguments, indexes, names):
    """What to say if an index refuses the page of a package of the lock: that it is needed may be
    known only now, and which index it is of, neither tool says."""
    locked = released() if has_others(arguments, indexes) else []
    if arguments.torch:
        # Whose they are is settled.
        locked = [name for name in locked if name not in OF_TORCH]
    indexes = [index for index in indexes if not network.is_pytorch(index)]
    return network.refusal(indexes, locked, names)


def has_others(arguments, indexes):
    """Whether a package may come from elsewhere than the first index."""
    return bool(indexes[1:] or arguments.torch or network.links("/strata/options.txt"))


def released():
    """The packages of the lock that are of an index, or a page of links."""
    packages = read(LOCK).split("\n[[packages]]\n")[1:]
    files = re.compile(r"^(?:wheels|sdist) = ", re.MULTILINE)
    return [field(text, "name") for text in packages if files.search(text)]


def explain_build(words):
    """Says what may help where a package could not be built to tell what it needs."""
    built = BUILT.search(words)
    if built and BUILD_FAILED.search(words):
        import hints

        print(hints.hint(normal(built.group(1)), words) or "", file=sys.stderr)


def start_uv(arguments, preferred):
    """uv, at work on `PACKAGES`."""
    if preferred:
        head = 'lock-version = "1.0"\ncreated-by = "strata"\n'
        write(PACKAGES, head + "".join(map(preference, preferred)))
        write(PINS, "".join(f"{pin}\n" for pin in preferred))
    return uv(arguments, ["--format", "pylock.toml", "--output-file", PACKAGES])


def resolve_with_uv(arguments, running):
    """uv's status, and what it said."""
    status, words = heard(running)
    if status:
        return status, words
    packages = read(PACKAGES).split("\n[[packages]]\n")
    head, packages = packages[0], [text for text in packages[1:] if INSTALLED not in text]
    status, told = edges_with_uv(arguments)
    if status:
        return status, told
    edges = dependencies(PINS)
    packages = [with_edges(text, edges.get(field(text, "name"), [])) for text in packages]
    write(LOCK, "\n[[packages]]\n".join([head] + packages))
    return 0, words


def has_other_files():
    """Whether the lock has a package with none of the files that requirements have hashes of: of
    the indexes that have a version, uv takes the files of the first."""
    asked = {}
    for line in read("/strata/requirements.txt").splitlines():
        hashes = re.findall(r"--hash=\w+:(\w+)", line)
        if hashes:
            asked.setdefault(normal(re.match(r"[\w.-]+", line).group()), set()).update(hashes)
    packages = read(LOCK).split("\n[[packages]]\n")[1:] if asked else []
    found = {field(text, "name"): set(re.findall(r"\b[0-9a-f]{64,}\b", text)) for text in packages}
    return any(name in found and hashes.isdisjoint(found[name]) for name, hashes in asked.items())


def edges_with_uv(arguments):
    """Has uv write into `PINS` who needs whom, which it says only beside other words for the same
    packages: out of its cache, where all is by now but what an index lets nobody keep, and a branch
    of git's. uv's status, and what it said."""
    options = ["--quiet", "--annotation-style", "line", "--output-file", PINS]
    offline = uv(arguments, options + ["--offline"])
    offline.communicate()
    return heard(uv(arguments, options)) if offline.returncode else (0, "")


def heard(running):
    """The status of a process, and what it said, which is passed on meanwhile."""
    told = []
    for line in running.stderr:
        told.append(line)
        print(line, end="", file=sys.stderr, flush=True)
    return running.wait(), "".join(told)


def uv(arguments, output):
    command = [UV, "--config-file", "/strata/uv.toml", "pip", "compile", "/strata/requirements.txt"]
    if read("/strata/constraints.txt"):
        command += ["--constraints", "/strata/constraints.txt"]
    if os.path.exists(BUILD_CONSTRAINTS):
        command += ["--build-constraints", BUILD_CONSTRAINTS]
    command += ["--constraints", KEPT] if arguments.goes_on else []
    command += ["--python", sys.executable, "--no-python-downloads", "--cache-dir", "/cache/uv"]
    command += ["--no-header"]
    # As pip has it: the newest release of all indexes, not the first index's.
    command += ["--index-strategy", "unsafe-best-match", "--no-progress", "--color", "never"]
    command += ["--torch-backend", arguments.torch] if arguments.torch else []
    command += ["--no-deps"] if arguments.no_deps else []
    command += ["--find-links", INSTALLED] if arguments.site_packages else []
    for option, value in options():
        if option not in NOT_OF_UV:
            command += [OF_UV.get(option, option)] + value
    return subprocess.Popen(
        command + output, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def dependencies(pins):
    """Who needs whom, as uv notes it beside the same packages in a requirements file."""
    edges = {}
    for line in read(pins).splitlines():
        package, _, needed_by = line.partition("# via ")
        name = normal(re.split(r"[=@\s\[]", package.strip(), maxsplit=1)[0])
        for other in needed_by.split(","):
            if other.strip() and not other.strip().startswith(("-r", "-c")):
                edges.setdefault(normal(other.strip()), []).append(name)
    return edges


def with_edges(package, needs):
    """The text of a package of the lock with `dependencies`."""
    if not needs:
        return package
    needs = ", ".join(f"{{ name = {json.dumps(name)} }}" for name in sorted(set(needs)))
    name, newline, rest = package.partition("\n")
    return f"{name}{newline}dependencies = [{needs}]\n{rest}"


def ask_pip(arguments, preferred, indexes, names):
    """pip's status, and what it said. Unlike uv, it does without an index that has trouble."""
    pages = [network.page(index, names[0]) for index in indexes]
    links = network.links("/strata/options.txt")
    if arguments.torch:
        links.append(f"https://{network.PYTORCH}/whl/{arguments.torch}/torch/")
    network.require(pages, links)
    status, words = resolve_with_pip(arguments, preferred)
    if status == 0:
        # One that had trouble meanwhile may have it still, and with one page alone.
        locked = released() if has_others(arguments, indexes) else []
        pages += [network.page(index, name) for index in indexes for name in locked]
        network.require(pages, links)
    return status, words


def resolve_with_pip(arguments, preferred):
    """pip's status, and what it said. It knows no preferences: it is held to them, but for those of
    which it says that they stand in the way."""
    held = preferred
    for _ in range(TRIES if held else 0):
        write(HELD, "".join(f"{pin}\n" for pin in held))
        command = pip(arguments) + ["--constraint", HELD]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            write_lock()
            return 0, done.stderr
        in_the_way = set(map(normal, IN_THE_WAY.findall(done.stdout + done.stderr)))
        held = [pin for pin in held if normal(pin.partition("==")[0]) not in in_the_way]
        if not in_the_way or not held:
            break
    status, words = heard(subprocess.Popen(pip(arguments), stderr=subprocess.PIPE, text=True))
    if status == 0:
        write_lock()
    return status, words


def write_lock():
    """pip's choice as a lock."""
    chosen = json.loads(read(REPORT))["install"]
    names = {normal(one["metadata"]["name"]) for one in chosen}
    text = 'lock-version = "1.0"\ncreated-by = "pip"\n'
    write(LOCK, text + "".join(reported(one, names) for one in chosen))


def pip(arguments):
    command = [sys.executable, "-sB", "/tool/pip/pip", "install", "--dry-run", "--report", REPORT]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    # What is there is pip's own first choice.
    command += [] if arguments.site_packages else ["--ignore-installed"]
    command += ["--requirement", "/strata/requirements.txt"]
    command += ["--constraint", "/strata/constraints.txt"]
    if os.path.exists(BUILD_CONSTRAINTS):
        command += ["--build-constraint", BUILD_CONSTRAINTS]
    command += ["--constraint", KEPT] if arguments.goes_on else []
    command += ["--no-deps"] if arguments.no_deps else []
    if arguments.torch:
        # pip asks an index for everything: these are the pages of the family alone.
        index = f"https://{network.PYTORCH}/whl/{arguments.torch}"
        command += [word for name in OF_TORCH for word in ("--find-links", f"{index}/{name}/")]
    for option, value in options():
        command += [option] + value
    return command


def reported(one, names):
    """A package of pip's report in the words of PEP 751."""
    source, metadata = one["download_info"], one["metadata"]
    name = normal(metadata["name"])
    where = {key: source[key] for key in ["url", "subdirectory"] if key in source}
    text = f"\n[[packages]]\nname = {json.dumps(name)}\nversion = {json.dumps(metadata['version'])}\n"
    needs = (re.match(r"[\w.-]+", need) for need in metadata.get("requires_dist", []))
    text = with_edges(text.lstrip(), names.intersection(normal(need.group()) for need in needs if need))
    if "vcs_info" in source:
        info = source["vcs_info"]
        vcs = {"type": info["vcs"], **where, "commit-id": info["commit_id"]}
        return f"\n{text}vcs = {table(vcs)}\n"
    file = table({**where, "hashes": source["archive_info"]["hashes"]})
    if one["is_direct"]:
        return f"\n{text}archive = {file}\n"
    is_wheel = source["url"].endswith(".whl")
    return f"\n{text}wheels = [{file}]\n" if is_wheel else f"\n{text}sdist = {file}\n"


def table(values):
    """An inline table of TOML."""
    texts = [table(value) if isinstance(value, dict) else json.dumps(value) for value in values.values()]
    return "{ " + ", ".join(f"{key} = {text}" for key, text in zip(values, texts)) + " }"


def installed_wheels():
    """Makes a wheel of the metadata of every package of the base's own, so that the resolver can
    choose it where it will do; returns their pins. Whoever needs another version gets that."""
    os.makedirs(INSTALLED)
    pins = []
    for package in importlib.metadata.distributions():
        metadata = package.read_text("METADATA") or package.read_text("PKG-INFO")
        if not metadata:
            # `package.metadata` is none then from Python 3.14 on, and raises from 3.15 on.
            continue
        name, version = package.metadata["Name"], package.metadata["Version"]
        if not name or not version or not re.match(r"[\w.!+]+$", version):
            continue
        stem = "{}-{}".format(re.sub(r"[-_.]+", "_", name), version.replace("-", "_"))
        wheel = f"{INSTALLED}/{stem}-py3-none-any.whl"
        if os.path.exists(wheel):
            continue
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{stem}.dist-info/METADATA", metadata)
            archive.writestr(
                f"{stem}.dist-info/WHEEL",
                "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            )
            archive.writestr(f"{stem}.dist-info/RECORD", "")
        pins.append(f"{normal(name)}=={version}")
    return pins


def options():
    """The lines of /strata/options.txt: an option, and its value if it has one."""
    for line in read("/strata/options.txt").splitlines():
        option, _, value = line.partition(" ")
        yield option, [value] if value else []


def preference(pin):
    name, _, version = pin.partition("==")
    return f"\n[[packages]]\nname = {json.dumps(name)}\nversion = {json.dumps(version)}\n"


def field(package, key):
    """A text of a package of uv's lock, which has one on each line."""
    found = re.search(rf'^{key} = "([^"]*)"$', package, re.MULTILINE)
    return found.group(1) if found else ""


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()

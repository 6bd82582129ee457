"""Fetches a model from a Hugging Face hub: into the layout of its cache, or as plain files.

Downloads go to the cache mount and are copied from there, checked on the way; the cache may
hold other models, other revisions and other steps' work at the same time.
"""

import argparse
import concurrent.futures
import difflib
import hashlib
import os
import sys
import time

import network
import tree

CACHE = "/cache/huggingface"
TOKEN = "/run/secrets/hf_token"
HUB_IN_IMAGE = "/out/opt/huggingface/hub"
WAITS = [1, 2, 4, 8, 16]

asked = argparse.ArgumentParser()
asked.add_argument("--endpoint", required=True)
asked.add_argument("--repo", required=True)
asked.add_argument("--revision", required=True)
asked.add_argument("--pattern", action="append", default=[])
asked.add_argument("--to")
asked.add_argument("--token-secret")
asked = asked.parse_args()

network.prepare()
# Read when the library is loaded. A base that is made to run offline has no say in it.
os.environ.update({
    "HF_ENDPOINT": asked.endpoint,
    "HF_HUB_OFFLINE": "0",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DOWNLOAD_TIMEOUT": "60",
    "HF_HUB_ETAG_TIMEOUT": "60",
})
sys.path.insert(0, "/tool")
import httpx  # noqa: E402
import huggingface_hub  # noqa: E402
from huggingface_hub import errors  # noqa: E402
from huggingface_hub.utils import filter_repo_objects  # noqa: E402


def main():
    token = read_token()
    info = patiently(
        lambda: huggingface_hub.HfApi(token=token).model_info(asked.repo, revision=asked.revision)
    )
    names = choose([file.rfilename for file in info.siblings])
    print(f"{asked.repo} at {info.sha}, files: {len(names)}", flush=True)

    def fetch(name):
        return Download(name, info.sha, token).copied(place(name, info.sha))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        running = [pool.submit(fetch, name) for name in names]
        try:
            for fetched in concurrent.futures.as_completed(running):
                fetched.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if not asked.to:
        write_references(info.sha)
    tree.normalise("/out")


def read_token():
    """The token, if its secret was given to this build; False lets the library look nowhere."""
    if os.path.exists(TOKEN):
        with open(TOKEN, encoding="utf-8") as file:
            return file.read().strip() or False
    return False


def choose(names):
    """The files that the patterns mean; a name that stands for one file must be there."""
    if not asked.pattern:
        return sorted(names)
    for pattern in asked.pattern:
        if is_name(pattern) and not list(filter_repo_objects(names, allow_patterns=[pattern])):
            sys.exit(nothing_matches(pattern, names))
    chosen = sorted(filter_repo_objects(names, allow_patterns=asked.pattern))
    if not chosen:
        sys.exit(nothing_matches(" or ".join(asked.pattern), names))
    return chosen


def is_name(pattern):
    """Whether a pattern stands for one file; one that ends in `/` stands for a folder's."""
    return not set("*?[") & set(pattern) and not pattern.endswith("/")


def nothing_matches(pattern, names):
    near = difflib.get_close_matches(pattern, names, n=3, cutoff=0.5) or sorted(names)[:3]
    return (
        f"no file of {asked.repo} at {asked.revision} matches {pattern}: "
        f"it has {', '.join(near)}{' and others' if len(names) > len(near) else ''}"
    )


class Download:
    """One file of the repository at one commit."""

    def __init__(self, name, commit, token):
        self.name, self.commit, self.token = name, commit, token

    def copied(self, target):
        """Fetches and copies it, and once more if what was in the cache is damaged."""
        for _ in range(2):
            blob = os.path.realpath(self.cached())
            if copy(blob, target(os.path.basename(blob))):
                print(f"{self.name}  {size(os.path.getsize(blob))}", flush=True)
                return
            print(f"{self.name} does not have its checksum: fetching it again", flush=True)
            os.unlink(blob)
        sys.exit(f"{asked.endpoint} sends {self.name} of {asked.repo} with another checksum than it says")

    def cached(self):
        """The file in the cache; fetched if it is not there."""
        return patiently(
            lambda: huggingface_hub.hf_hub_download(
                asked.repo,
                self.name,
                revision=self.commit,
                cache_dir=CACHE,
                token=self.token,
                tqdm_class=Progress,
            )
        )


def place(name, commit):
    """Where a file goes, given the name of its blob."""
    if asked.to:
        # Through no link of the base: in a layer, a folder would take the link's place.
        to = "/out" + os.path.realpath(asked.to)
        single = len(asked.pattern) == 1 and is_name(asked.pattern[0]) and not asked.to.endswith("/")
        return lambda blob: to if single else os.path.join(to, name)
    folder = repository_folder()
    link = os.path.join(folder, "snapshots", commit, name)

    def target(blob):
        path = os.path.join(folder, "blobs", blob)
        os.makedirs(os.path.dirname(link), exist_ok=True)
        if not os.path.lexists(link):
            os.symlink(os.path.relpath(path, os.path.dirname(link)), link)
        return path

    return target


def repository_folder():
    return os.path.join(HUB_IN_IMAGE, "models--" + asked.repo.replace("/", "--"))


def write_references(commit):
    """Lets the commit be found offline by the revision asked for, and by no revision at all."""
    for name in {"main", asked.revision} - {commit}:
        path = os.path.join(repository_folder(), "refs", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(commit)


def copy(source, target):
    """Copies a file; whether it has the checksum that its name is, if its name is one."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    digest = hashlib.sha256()
    with open(source, "rb") as read, open(target, "wb") as write:
        for chunk in iter(lambda: read.read(1 << 20), b""):
            digest.update(chunk)
            write.write(chunk)
    expected = os.path.basename(source)
    return len(expected) != 64 or expected == digest.hexdigest()


class Progress:
    """A line now and then, where the library would draw a bar."""

    def __init__(self, total=None, initial=0, desc="", **_):
        self.total, self.done, self.name = total, initial, desc
        self.told = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def update(self, count):
        self.done += count
        if time.monotonic() - self.told > 10:
            self.told = time.monotonic()
            whole = f" of {size(self.total)}" if self.total else ""
            print(f"{self.name}  {size(self.done)}{whole}", flush=True)


def size(count):
    return f"{count / 1e6:.1f} MB" if count > 1e5 else f"{count} bytes"


def patiently(call):
    """Calls again, later and later, as long as the failure is one that passes."""
    for wait in WAITS + [None]:
        try:
            return call()
        except (httpx.TransportError, errors.HfHubHTTPError) as error:
            if wait is None or not passes(error):
                raise
            print(f"{sentence(error)}; asking again in {wait} s", flush=True)
            time.sleep(wait)


def passes(error):
    if isinstance(error, errors.HfHubHTTPError):
        return error.response.status_code in [408, 429, 500, 502, 503, 504]
    return True


def sentence(error):
    """What went wrong and what to do about it, in one sentence."""
    # The library's own summary of a failure hides the failure in its cause.
    if isinstance(error, errors.LocalEntryNotFoundError) and error.__cause__:
        error = error.__cause__
    if isinstance(error, errors.GatedRepoError):
        return f"{asked.repo} is gated: accept its terms at {asked.endpoint}/{asked.repo}, and {advice()}"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"{asked.endpoint} has no model {asked.repo}, or it is private: check the name, or {advice()}"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{asked.repo} at {asked.endpoint} has no revision {asked.revision}"
    if isinstance(error, errors.HfHubHTTPError):
        response = error.response
        if response.status_code in [401, 403]:
            return f"{asked.endpoint} refuses {asked.repo} ({response.status_code}): {advice()}"
        request = response.request
        host = request.url.netloc.decode()
        return f"{host} answered {response.status_code} to {request.method} {request.url.path}"
    if isinstance(error, httpx.HTTPError):
        return f"{asked.endpoint} cannot be reached: {error}"
    return f"{asked.repo} could not be fetched from {asked.endpoint}: {error}"


def advice():
    """What to do about the token."""
    secret = asked.token_secret
    if not secret:
        return "name the secret that holds a token in the model's `token`"
    if not os.path.exists(TOKEN):
        return f"give the build its token: --secret id={secret},env=HF_TOKEN"
    return f"see that the token in the secret {secret} is valid and has access"


try:
    main()
except Exception as error:  # pylint: disable=broad-except
    print(sentence(error), file=sys.stderr, flush=True)
    # Downloads that are still running would hold the process back.
    os._exit(1)

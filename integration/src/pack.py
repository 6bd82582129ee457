"""Packs files into a wheel or a tar archive: `pack.py LIST FILE`."""

import base64
import gzip
import hashlib
import io
import json
import sys
import tarfile
import zipfile

# The first time that a zip file can express.
TIME = 315532800


def main(listing, target):
    with open(listing, encoding="utf-8") as file:
        job = json.load(file)
    files = [(path, text.encode()) for path, text in job["files"]]
    if target.endswith(".whl"):
        wheel(target, files, job["info"] + "/RECORD")
    else:
        archive(target, files)


def wheel(target, files, record):
    rows = [f"{path},sha256={digest(content)},{len(content)}\n" for path, content in files]
    files.append((record, ("".join(rows) + f"{record},,\n").encode()))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for path, content in files:
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (0o100755 if ".data/scripts/" in path else 0o100644) << 16
            out.writestr(entry, content)


def digest(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def archive(target, files):
    with open(target, "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=TIME) as zipped:
        with tarfile.open(fileobj=zipped, mode="w") as out:
            for path, content in files:
                entry = tarfile.TarInfo(path)
                entry.size, entry.mtime, entry.mode = len(content), TIME, 0o644
                out.addfile(entry, io.BytesIO(content))


main(*sys.argv[1:])

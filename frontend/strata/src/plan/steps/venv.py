"""Makes the environment that packages go into, at the place where the image will have it."""

import os
import shutil
import subprocess
import sys
import sysconfig

import tree

VENV = "/opt/venv"

if os.path.lexists(VENV):
    sys.exit(
        f"the base image already has {VENV}, where the image's environment goes: a base that has "
        f"{VENV}/bin on its PATH goes on with it; else take another base"
    )
made = subprocess.run(
    [sys.executable, "-m", "venv", "--without-pip", *sys.argv[1:], VENV], check=False
)
if made.returncode != 0:
    sys.exit(f"{sys.executable} could not make a virtual environment: see its words above")
if "--system-site-packages" in sys.argv and sys.prefix != sys.base_prefix:
    # The base's Python is an environment itself, of which Python would go on to the parent alone.
    packages = sorted({sysconfig.get_path(kind) for kind in ("purelib", "platlib")})
    version = "python{}.{}".format(*sys.version_info)
    with open(f"{VENV}/lib/{version}/site-packages/base.pth", "w", encoding="utf-8") as links:
        links.writelines(f"import site; site.addsitedir({path!r})\n" for path in packages)
shutil.move(VENV, "/out" + VENV)
tree.normalise("/out")

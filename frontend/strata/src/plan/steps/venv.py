"""Makes the environment that packages go into, at the place where the image will have it."""

import os
import shutil
import subprocess
import sys

import tree

VENV = "/opt/venv"

if os.path.lexists(VENV):
    sys.exit(f"the base image already has {VENV}, where the image's environment goes")
made = subprocess.run(
    [sys.executable, "-m", "venv", "--without-pip", *sys.argv[1:], VENV], check=False
)
if made.returncode != 0:
    sys.exit(f"{sys.executable} could not make a virtual environment: see its words above")
shutil.move(VENV, "/out" + VENV)
tree.normalise("/out")

"""Installs packages of the code (/code) into /out, built at the place where the image has the code:
`install_code.py FOLDER PACKAGE...`, each by its folder. Run by the environment's own Python."""

import shutil
import sys

import inside_pip
import network
import tree


def main(folder, *packages):
    network.prepare()
    network.trust_plain_http("/strata/options.txt")
    # Builds leave files beside the sources.
    shutil.copytree("/code", folder, symlinks=True, dirs_exist_ok=True)
    inside_pip.settle_builds()
    if inside_pip.install(inside_pip.options() + list(packages)):
        sys.exit(
            "the code could not be installed: see pip's words above; the compilers and libraries "
            "that it takes are named in `system.build`"
        )
    tree.normalise("/out")
    tree.compile_bytecode(inside_pip.OUT_VENV + "/lib", "/out")
    tree.normalise("/out")


main(*sys.argv[1:])

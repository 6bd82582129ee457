# Finds the base's Python and lets it tell about itself. A shell does it because only a shell
# can say that there is none: exit 3; or one that is too old: exit 4.
set -eu

if ! command -v python3 >/dev/null; then
    echo "the base image has no python3 on its PATH ($PATH): choose a base with Python 3.9 or newer, or name its packages in system.python" >&2
    exit 3
fi
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))'; then
    echo "the base image's $(command -v python3) is $(python3 --version 2>&1): 3.9 is the oldest that works" >&2
    exit 4
fi
exec python3 -EsB /strata/scripts/probe.py "$@"

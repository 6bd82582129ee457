"""What may help where a package could not be built from source. Only builds see this file: no
wheel is another one because somebody wrote a better hint."""

import os
import re
import sysconfig
import threading

# What is usually installed to build these, by Debian's names.
KNOWN = {
    "blis": "build-essential",
    "cffi": "gcc libffi-dev",
    "cryptography": "cargo gcc libssl-dev pkg-config rustc",
    "dbus-python": "build-essential libdbus-1-dev libglib2.0-dev pkg-config",
    "dlib": "build-essential cmake",
    "fasttext": "build-essential",
    "gdal": "build-essential libgdal-dev",
    "gevent": "build-essential libffi-dev",
    "greenlet": "build-essential",
    "h5py": "build-essential libhdf5-dev pkg-config",
    "llama-cpp-python": "build-essential cmake",
    "lxml": "gcc libxml2-dev libxslt1-dev",
    "mysqlclient": "default-libmysqlclient-dev gcc pkg-config",
    "netcdf4": "build-essential libnetcdf-dev",
    "numpy": "build-essential",
    "pandas": "build-essential",
    "pillow": "gcc libfreetype-dev libjpeg-dev zlib1g-dev",
    "psutil": "gcc",
    "psycopg": "gcc libpq-dev",
    "psycopg-c": "gcc libpq-dev",
    "psycopg2": "gcc libpq-dev",
    "pyaudio": "gcc portaudio19-dev",
    "pycairo": "gcc libcairo2-dev pkg-config",
    "pygobject": "gcc libcairo2-dev libgirepository-2.0-dev pkg-config",
    "pygraphviz": "gcc libgraphviz-dev",
    "pyodbc": "g++ unixodbc-dev",
    "python-ldap": "gcc libldap-dev libsasl2-dev",
    "scipy": "build-essential gfortran libopenblas-dev pkg-config",
    "tokenizers": "cargo gcc rustc",
    "uwsgi": "build-essential",
    "xmlsec": "gcc libxmlsec1-dev pkg-config",
}

# What says that something is missing, and the package that has it.
MISSING = [
    (r"command '?(?:\S*gcc|cc|clang)'? failed: No such file", "gcc"),
    (r"No such file or directory: '(?:\S*gcc|cc|clang)'", "gcc"),
    (r"command '?(?:\S*g\+\+|c\+\+)'? failed: No such file", "g++"),
    (r"No such file or directory: '(?:\S*g\+\+|c\+\+)'", "g++"),
    (r"No CMAKE_C\w*_COMPILER could be found|Unknown compiler\(s\)", "build-essential"),
    (r"CMake must be installed|[Nn]o such file or directory: '?cmake", "cmake"),
    (r"requires Rust|can't find Rust compiler|Cargo, the Rust package manager, is not", "cargo rustc"),
    (r"No such file or directory: '?(?:nvcc|\S*/bin/nvcc)|CUDA_HOME environment variable is not", ""),
    (r"pg_config executable not found|libpq-fe\.h: No such file", "libpq-dev"),
    (r"mysql_config|mysql\.h: No such file", "default-libmysqlclient-dev"),
    (r"pkg-config(?:: not found|: command not found|' is required| not found)", "pkg-config"),
    (r"ffi\.h: No such file", "libffi-dev"),
    (r"openssl/\w+\.h: No such file", "libssl-dev"),
    (r"xmlversion\.h: No such file", "libxml2-dev libxslt1-dev"),
    (r"Python\.h: No such file", "python3-dev"),
]

UNSEEN = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")


def hint(name, words):
    """What may help `name`, whose build ended with `words`, or nothing."""
    unseen = UNSEEN.findall(words)
    if unseen:
        module = unseen[-1].split(".")[0]
        return (
            f"the build of {name} imports {module}, which it does not say that it needs: if that is "
            f"one of your packages, have the build see it, `after: {{{name}: [{module}]}}`"
        )
    wanted = set(KNOWN.get(name, "").split())
    for pattern, package in MISSING:
        if re.search(pattern, words):
            wanted.update(package.split())
    if not wanted:
        return None
    if not os.path.exists(sysconfig.get_path("include") + "/Python.h"):
        wanted.add("python3-dev")
    listed = ", ".join(sorted(wanted))
    return (
        f"{name} has no wheel that fits, and is built from source: what that usually takes is, by "
        f"Debian's names, `system: {{build: [{listed}]}}`"
    )


class Heard:
    """Keeps the end of what this process and those that it starts say, and passes it on."""

    END = 200_000

    def __enter__(self):
        self.words = ""
        self.own = [os.dup(stream) for stream in (1, 2)]
        reading, writing = os.pipe()
        for stream in (1, 2):
            os.dup2(writing, stream)
        os.close(writing)
        self.listener = threading.Thread(target=self._listen, args=[reading], daemon=True)
        self.listener.start()
        return self

    def _listen(self, reading):
        while heard := os.read(reading, 65536):
            os.write(self.own[1], heard)
            self.words = (self.words + heard.decode(errors="replace"))[-self.END :]

    def __exit__(self, *_):
        for stream, own in zip((1, 2), self.own):
            os.dup2(own, stream)
        # A compiler's server may live on and hold the other end.
        self.listener.join(timeout=5)

"""What may help where a package could not be built from source. Only builds see this file: no
wheel is another one because somebody wrote a better hint."""

import os
import re
import sys
import sysconfig
import threading

# What builds take, and the packages that have it: Debian's, Alpine's and Fedora's. Recommended
# packages are not installed, so that a compiler's C library is named with it.
NAMES = {
    "c": ("gcc libc6-dev", "gcc musl-dev", "gcc"),
    "c++": ("g++", "g++ musl-dev", "gcc-c++"),
    "cairo": ("libcairo2-dev", "cairo-dev", "cairo-devel"),
    "cmake": ("cmake", "cmake", "cmake"),
    "dbus": ("libdbus-1-dev", "dbus-dev", "dbus-devel"),
    "ffi": ("libffi-dev", "libffi-dev", "libffi-devel"),
    "fortran": ("gfortran", "gfortran", "gcc-gfortran"),
    "freetype": ("libfreetype-dev", "freetype-dev", "freetype-devel"),
    "gdal": ("libgdal-dev", "gdal-dev", "gdal-devel"),
    "girepository": ("libgirepository-2.0-dev", "glib-dev", "glib2-devel"),
    "glib": ("libglib2.0-dev", "glib-dev", "glib2-devel"),
    "graphviz": ("libgraphviz-dev", "graphviz-dev", "graphviz-devel"),
    "hdf5": ("libhdf5-dev", "hdf5-dev", "hdf5-devel"),
    "jpeg": ("libjpeg-dev", "libjpeg-turbo-dev", "libjpeg-turbo-devel"),
    "ldap": ("libldap-dev", "openldap-dev", "openldap-devel"),
    "linux": ("libc6-dev", "linux-headers", "kernel-headers"),
    "make": ("build-essential", "build-base", "gcc-c++ make"),
    "mysql": ("default-libmysqlclient-dev", "mariadb-connector-c-dev", "mariadb-connector-c-devel"),
    "netcdf": ("libnetcdf-dev", "netcdf-dev", "netcdf-devel"),
    "odbc": ("unixodbc-dev", "unixodbc-dev", "unixODBC-devel"),
    "openblas": ("libopenblas-dev", "openblas-dev", "openblas-devel"),
    "pkg-config": ("pkg-config", "pkgconf", "pkgconf-pkg-config"),
    "portaudio": ("portaudio19-dev", "portaudio-dev", "portaudio-devel"),
    "postgresql": ("libpq-dev", "libpq-dev", "libpq-devel"),
    # Fedora's kin have several Pythons, each with its own.
    "python": ("python3-dev", "python3-dev", "python{}.{}-devel".format(*sys.version_info)),
    "rust": ("cargo rustc", "cargo rust", "cargo rust"),
    "sasl": ("libsasl2-dev", "cyrus-sasl-dev", "cyrus-sasl-devel"),
    "ssl": ("libssl-dev", "openssl-dev", "openssl-devel"),
    "xml": ("libxml2-dev libxslt1-dev", "libxml2-dev libxslt-dev", "libxml2-devel libxslt-devel"),
    "xmlsec": ("libxmlsec1-dev", "xmlsec-dev", "libtool-ltdl-devel xmlsec1-devel xmlsec1-openssl-devel"),
    "zlib": ("zlib1g-dev", "zlib-dev", "zlib-devel"),
}

# The column of each family, and those whose packages have the same names.
FAMILIES = [
    ("Debian", {"debian", "ubuntu"}),
    ("Alpine", {"alpine"}),
    ("Fedora", {"fedora", "rhel", "centos"}),
]
OS_RELEASE = ["/etc/os-release", "/usr/lib/os-release"]

# What is usually installed to build these.
KNOWN = {
    "blis": "make",
    "cffi": "c ffi",
    "cryptography": "c pkg-config rust ssl",
    "dbus-python": "dbus glib make pkg-config",
    "dlib": "cmake make",
    "fasttext": "make",
    "gdal": "gdal make",
    "gevent": "ffi linux make",
    "greenlet": "make",
    "h5py": "hdf5 make pkg-config",
    "llama-cpp-python": "cmake make",
    "lxml": "c xml",
    "mysqlclient": "c mysql pkg-config",
    "netcdf4": "make netcdf",
    "numpy": "make",
    "pandas": "make",
    "pillow": "c freetype jpeg zlib",
    "psutil": "c linux",
    "psycopg": "c postgresql",
    "psycopg-c": "c postgresql",
    "psycopg2": "c postgresql",
    "pyaudio": "c portaudio",
    "pycairo": "c cairo pkg-config",
    "pygobject": "c cairo girepository pkg-config",
    "pygraphviz": "c graphviz",
    "pyodbc": "c++ odbc",
    "python-ldap": "c ldap sasl",
    "scipy": "fortran make openblas pkg-config",
    "tokenizers": "c rust",
    "uwsgi": "linux make",
    "xmlsec": "c pkg-config xmlsec",
}

# What says that something is missing, and what that is.
MISSING = [
    (r"command '?(?:\S*gcc|cc|clang)'? failed: No such file", "c"),
    (r"No such file or directory: '(?:\S*gcc|cc|clang)'", "c"),
    (r"command '?(?:\S*g\+\+|c\+\+)'? failed: No such file", "c++"),
    (r"No such file or directory: '(?:\S*g\+\+|c\+\+)'", "c++"),
    (r"No CMAKE_C\w*_COMPILER could be found|Unknown compiler\(s\)", "make"),
    (r"CMake must be installed|[Nn]o such file or directory: '?cmake", "cmake"),
    (r"requires Rust|can't find Rust compiler|Cargo, the Rust package manager, is not", "rust"),
    (r"No such file or directory: '?(?:nvcc|\S*/bin/nvcc)|CUDA_HOME environment variable is not", ""),
    (r"pg_config executable not found|libpq-fe\.h: No such file", "postgresql"),
    (r"mysql_config|mysql\.h: No such file", "mysql"),
    (r"pkg-config(?:: not found|: command not found|' is required| not found)", "pkg-config"),
    (r"ffi\.h: No such file", "ffi"),
    (r"openssl/\w+\.h: No such file", "ssl"),
    (r"xmlversion\.h: No such file", "xml"),
    (r"(?:limits|stdio|stdlib)\.h: No such file", "c"),
    (r"linux/\w+\.h: No such file", "linux"),
    (r"Python\.h: No such file", "python"),
]

NO_GIT = re.compile(r"Git executable not found|Cannot find command 'git'")
UNSEEN = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")


def hint(name, words):
    """What may help `name`, whose build ended with `words`, or nothing."""
    if NO_GIT.search(words):
        return f"{name} comes from git, which is not here: `system: {{build: [git]}}`"
    unseen = UNSEEN.findall(words)
    if unseen:
        module = unseen[-1].split(".")[0]
        return (
            f"the build of {name} imports {module}, which it does not say that it needs: if that is "
            f"one of your packages, have the build see it, `after: {{{name}: [{module}]}}`"
        )
    needs = set(KNOWN.get(name, "").split())
    for pattern, missing in MISSING:
        if re.search(pattern, words):
            needs.update(missing.split())
    if not needs:
        return None
    if not os.path.exists(sysconfig.get_path("include") + "/Python.h"):
        needs.add("python")
    column = family()
    listed = ", ".join(sorted({package for one in needs for package in NAMES[one][column].split()}))
    return (
        f"{name} has no wheel that fits, and is built from source: what that usually takes is, by "
        f"{FAMILIES[column][0]}'s names, `system: {{build: [{listed}]}}`"
    )


def family():
    """The base's column of `NAMES`; Debian's where it is of none of these families."""
    kin = set()
    path = next(filter(os.path.exists, OS_RELEASE), os.devnull)
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            key, _, value = line.strip().partition("=")
            if key in ("ID", "ID_LIKE"):
                kin.update(value.strip("\"'").split())
    return next((column for column, (_, ids) in enumerate(FAMILIES) if kin & ids), 0)


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

//! Packages of the system's.

use super::{
    draft::{add, fits},
    pythons,
    run::Run,
};
use crate::manifest::values;

/// Packages that only builds need, whatever the system.
const OF_BUILDS: [&str; 36] = [
    "autoconf",
    "automake",
    "bison",
    "build-base",
    "build-essential",
    "cargo",
    "clang",
    "cmake",
    "cython3",
    "flex",
    "g++",
    "gcc",
    "gcc-c++",
    "gfortran",
    "golang",
    "libtool",
    "linux-headers",
    "llvm",
    "m4",
    "make",
    "meson",
    "nasm",
    "ninja",
    "ninja-build",
    "patch",
    "patchelf",
    "pkg-config",
    "pkgconf",
    "pkgconfig",
    "protobuf-compiler",
    "python3-dev",
    "python3-devel",
    "python3-setuptools",
    "rustc",
    "swig",
    "yasm",
];

/// The system's package managers.
pub const MANAGERS: [&str; 6] = ["apt-get", "apt", "apk", "dnf", "microdnf", "yum"];

/// Whether a command is one of the system's package managers.
pub fn is_manager(words: &[String]) -> bool {
    words.first().is_some_and(|program| MANAGERS.contains(&program.as_str()))
}

/// `apt-get`, `apk` and their like, after the program's name.
pub fn install(run: &mut Run<'_, '_>, words: &[String]) {
    let mut words = words.iter().skip_while(|word| word.starts_with('-'));
    if !words.next().is_some_and(|verb| ["install", "add"].contains(&verb.as_str())) {
        return;
    }
    let mut developing = Vec::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-t" | "--target-release" | "--virtual" | "-o" | "--repository" => drop(words.next()),
            _ if word.starts_with('-') => {}
            _ if is_python(word) => {
                run.reader.packages.system_python = true;
                let own = word.strip_suffix("-venv").unwrap_or(word);
                pythons::of_package(run, own);
                let python = &mut run.reader.draft.system.python;
                if own.starts_with("python3.") && python.is_empty() {
                    *python = vec![own.to_owned(), format!("{own}-venv")];
                } else if own.starts_with("python-3") && python.is_empty() {
                    *python = vec![own.to_owned()];
                }
            }
            _ if !fits(word, values::system_package) => {
                run.note(format!("`{word}` is no package's name"));
            }
            _ => {
                let name = word.split(['=', '~', '<', '>']).next().unwrap_or(word);
                let is_header = name.ends_with("-dev") || name.ends_with("-devel");
                let compiler = ["gcc-", "g++-", "clang-", "llvm-", "cuda-nvcc"];
                let of_builds = is_header
                    || OF_BUILDS.contains(&name)
                    || compiler.iter().any(|start| name.starts_with(start));
                let is_final = run.reader.stage.is_final;
                if is_header && is_final && !OF_BUILDS.contains(&name) {
                    developing.push(name.to_owned());
                }
                let system = &mut run.reader.draft.system;
                match (of_builds, is_final) {
                    (true, _) => add(&mut system.build, word.clone()),
                    (false, true) => add(&mut system.runtime, word.clone()),
                    (false, false) => {}
                }
            }
        }
    }
    if !developing.is_empty() {
        run.note(format!(
            "{} only where packages are built: a library that they load when they run goes under \
             `system.runtime`, as libpq5 for libpq-dev",
            developing.join(", ")
        ));
    }
}

fn is_python(name: &str) -> bool {
    // Of Wolfi's, `python-3.12`.
    let rest = name.strip_prefix("python3").or_else(|| name.strip_prefix("python-3"));
    let rest = rest.map(|rest| match rest.strip_prefix('.') {
        Some(minor) => minor.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    });
    let kinds = ["", "-pip", "-venv", "-minimal", "-full", "-distutils"];
    rest.is_some_and(|rest| kinds.contains(&rest))
        || ["python-is-python3", "py3-pip"].contains(&name)
}

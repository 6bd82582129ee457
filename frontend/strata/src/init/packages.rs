//! Packages: the system's, and Python's.

use super::{
    Note,
    dockerfile::Dockerfile,
    draft::{add, fits},
    lockers,
    run::{Run, shortened},
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

/// What pip installs for the build's own sake.
const TOOLS: [&str; 9] =
    ["pip", "setuptools", "wheel", "uv", "poetry", "pdm", "pipenv", "virtualenv", "build"];

/// What to do about a package that is installed beside a lock.
pub const BESIDE: &str = "a lock is all that is installed: add it to the project and lock again";

/// Bases whose Python has packages of its own, by parts of their names.
const BRING_PACKAGES: [&str; 6] = [
    "pytorch/pytorch",
    "nvidia/pytorch",
    "nvidia/tensorflow",
    "tensorflow/tensorflow",
    "rocm/pytorch",
    "rocm/tensorflow",
];

/// PyTorch's own indexes.
const TORCH: &str = "download.pytorch.org/whl/";

/// Whether a file of that name says what to install.
pub fn is_input(name: &str) -> bool {
    let known = [
        "pyproject.toml",
        "uv.lock",
        "poetry.lock",
        "pdm.lock",
        "pylock.toml",
        "Pipfile",
        "Pipfile.lock",
        "setup.cfg",
        "environment.yml",
        ".python-version",
        "poetry.toml",
    ];
    let text = name.ends_with(".txt") || name.ends_with(".in") || !name.contains('.');
    known.contains(&name)
        || (text && (name.starts_with("requirements") || name.starts_with("constraints")))
        || name.ends_with("requirements.txt")
}

/// `apt-get`, `apk` and their like, after the program's name.
pub fn system(run: &mut Run<'_, '_>, words: &[String]) {
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
                run.reader.system_python = true;
                let own = word.strip_suffix("-venv").unwrap_or(word);
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

/// pip, after its name.
pub fn pip(run: &mut Run<'_, '_>, words: &[String]) {
    let mut words = words.iter().skip_while(|word| word.starts_with('-'));
    match words.next().map(String::as_str) {
        Some("install" | "wheel" | "download" | "sync") => {}
        Some("config") => {
            let words: Vec<_> = words.collect();
            if let [_, .., key, url] = &words[..]
                && key.ends_with("index-url")
            {
                index(run, url, key.ends_with(".index-url"));
            }
            return;
        }
        _ => return,
    }
    let mut asked = Asked::default();
    while let Some(word) = words.next() {
        let (flag, attached) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value.to_owned())),
            _ => (word.as_str(), None),
        };
        let mut value = || attached.clone().or_else(|| words.next().cloned()).unwrap_or_default();
        match flag {
            "-r" | "--requirement" => asked.files.push(value()),
            "-c" | "--constraint" => {
                let name = value();
                run.note(format!("constraints: write `-c {name}` into the requirements file"));
            }
            "-e" | "--editable" => asked.packages.push(value()),
            "-i" | "--index-url" => index(run, &value(), true),
            "--extra-index-url" => index(run, &value(), false),
            "-f" | "--find-links" => asked.links.push(value()),
            "--no-deps" => asked.alone = true,
            "--extra" => lockers::extras(run, flag, &value()),
            "--group" => lockers::groups(run, flag, &value()),
            "--pre" => run.note("`--pre`: write it into the requirements file"),
            "--no-build-isolation" => {
                run.note("`--no-build-isolation`: what a build must see is `python.after`");
            }
            "--no-binary" | "--only-binary" => {
                let name = value();
                run.note(format!("`{flag} {name}`: write it into the requirements file"));
            }
            "--target" | "-t" | "--prefix" | "--root" | "-w" | "--wheel-dir" | "--trusted-host"
            | "--timeout" | "--retries" | "--cache-dir" | "--python" | "-p"
            | "--upgrade-strategy" | "--progress-bar" | "--root-user-action" | "-d" | "--dest"
            | "--proxy" | "--cert" => {
                value();
            }
            _ if flag.starts_with("-r") && flag.len() > 2 => asked.files.push(flag[2..].to_owned()),
            _ if flag.starts_with('-') => {}
            _ => asked.packages.push(word.clone()),
        }
    }
    asked.install(run);
}

/// What one `pip install` asks for.
#[derive(Default)]
struct Asked {
    files: Vec<String>,
    packages: Vec<String>,
    links: Vec<String>,
    alone: bool,
}

impl Asked {
    fn install(self, run: &mut Run<'_, '_>) {
        for name in self.files {
            let path = run.path(&name);
            let plain = name.rsplit('/').next().unwrap_or(&name).to_owned();
            if run.reader.exported.contains(&plain) {
                continue;
            }
            run.reader.named.push((run.line, name.clone()));
            let found = run.reader.in_context(&path);
            let found =
                found.or_else(|| Some(plain).filter(|name| run.reader.project.may_have(name)));
            match found.filter(|name| fits(name, values::requirements)) {
                Some(name) if name.ends_with(".toml") => {
                    run.reader.draft.python.pyproject = Some(name);
                }
                Some(name) if name.ends_with("setup.py") || name.ends_with("setup.cfg") => {
                    run.note(format!(
                        "`{name}` is read by its own tools alone: name what it requires"
                    ));
                }
                Some(name) => add(&mut run.reader.draft.python.requirements, name),
                None => run.note(format!("`{name}` is not found in the build context")),
            }
        }
        for link in self.links {
            match fits(&link, values::page) {
                true => add(&mut run.reader.draft.python.find_links, link),
                false if link.starts_with('/') => {}
                false => run.note(format!("`--find-links {link}` is not carried over")),
            }
        }
        for package in self.packages {
            let name = package.split(['=', '<', '>', '!', '~', '[', ' ', ';', '@']).next();
            let name = name.unwrap_or(&package);
            match package.split('[').next() {
                _ if TOOLS.contains(&name) || name.starts_with("poetry-") => {
                    run.reader.draft.python.uv |= name == "uv";
                }
                Some("." | "./") => own(run, &package, self.alone),
                _ if name.contains(['/', '*'])
                    && !name.contains("://")
                    && !package.contains("://") =>
                {
                    // Wheels that an earlier stage has made of what it was asked for.
                    if !run.reader.draft.python.installs() {
                        run.note(format!("`{package}`: a package of the project goes under `code`, others come from indexes"));
                    }
                }
                _ if package.contains('$') || !fits(&package, values::requirement) => {
                    run.note(format!("`{}` is not carried over", shortened(&package)));
                }
                _ => {
                    run.reader.named.push((run.line, package.clone()));
                    add(&mut run.reader.draft.python.packages, package);
                }
            }
        }
    }
}

/// The project itself.
fn own(run: &mut Run<'_, '_>, package: &str, alone: bool) {
    run.reader.code.install = true;
    if alone {
        return;
    }
    let python = &mut run.reader.draft.python;
    if run.reader.project.may_have("pyproject.toml") {
        python.pyproject = Some("pyproject.toml".to_owned());
        let extras = package.split_once('[').map_or("", |(_, rest)| rest.trim_end_matches(']'));
        for extra in extras.split(',').map(str::trim).filter(|extra| !extra.is_empty()) {
            add(&mut python.extras, extra.to_owned());
        }
    } else {
        run.note("what the project needs is read from a pyproject.toml, and it has none: name its requirements");
    }
}

fn index(run: &mut Run<'_, '_>, url: &str, instead: bool) {
    if let Some((_, build)) = url.split_once(TORCH) {
        let build = build.trim_end_matches('/');
        if fits(build, values::torch) {
            run.reader.draft.python.torch = Some(build.to_owned())
        } else {
            run.note(format!("`{url}`: `python.torch` takes builds such as `cpu` and `cu126`"))
        }
    } else if url.trim_end_matches('/') == "https://pypi.org/simple" {
    } else if !fits(url, values::index) {
        run.note("an index with a password, or one that a variable names: `python.index_url` and `python.credentials`");
    } else if instead {
        run.reader.draft.python.index_url = Some(url.to_owned());
    } else {
        add(&mut run.reader.draft.python.extra_index_urls, url.to_owned());
    }
}

/// What is known of packages once all of the Dockerfile is read.
pub fn settle(reader: &mut Dockerfile<'_>) {
    let base = reader.draft.base.rsplit('/').next().unwrap_or_default();
    let has_python = ["python", "pytorch", "conda", "jupyter", "tensorflow", "uv:"];
    let has_python = has_python.iter().any(|name| base.contains(name));
    let is_bare = !has_python && !reader.system_python && is_bare(&reader.draft.base);
    if is_bare {
        let base = &reader.draft.base;
        let text = format!("{base} has no Python of its own: the system's is `system.python`");
        reader.notes.push(Note { place: None, text });
    }
    let system = &mut reader.draft.system;
    match is_bare || (reader.system_python && !has_python) {
        true if system.python.is_empty() => {
            system.python = ["python3", "python3-venv"].map(str::to_owned).into();
        }
        true => {}
        false => system.python.clear(),
    }
    // It was there to fetch the code.
    if reader.code.is_remote() {
        system.runtime.retain(|name| name != "git");
    }
    let python = &mut reader.draft.python;
    if python.lock.is_some() {
        // A lock says all of it.
        python.requirements.clear();
        python.pyproject = python.member.take();
        python.packages.clear();
        python.torch = None;
        for (line, name) in std::mem::take(&mut reader.named) {
            reader.note(line, format!("`{}`: {BESIDE}", shortened(&name)));
        }
    }
    let python = &mut reader.draft.python;
    if python.lock.is_none()
        && python.installs()
        && let Some((line, lock)) = reader.locks.pop()
    {
        reader.note(
            line,
            format!(
                "`{lock}`: nothing that could be read installs it; `python: {{lock: {lock}}}` does"
            ),
        );
    }
    let python = &mut reader.draft.python;
    if python.lock.is_none() && python.pyproject.is_none() {
        (python.extras, python.groups) = (Vec::new(), Vec::new());
    }
    if !python.installs() {
        python.uv = false;
    } else if python.lock.is_none()
        && let Some(own) = BRING_PACKAGES.iter().find(|name| reader.draft.base.contains(*name))
    {
        python.system_site_packages = true;
        let text = format!(
            "{own} brings packages of its own, which count as installed: `python.system_site_packages`"
        );
        reader.notes.push(Note { place: None, text });
    }
}

/// Whether a base is a system without a Python.
fn is_bare(base: &str) -> bool {
    let name = base.split(['@', ':']).next().unwrap_or(base);
    ["debian", "ubuntu", "nvidia/cuda"]
        .iter()
        .any(|bare| name == *bare || name.ends_with(&format!("/{bare}")))
}

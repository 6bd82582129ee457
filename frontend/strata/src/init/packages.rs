//! Packages of Python's.

use super::{
    Note, bases,
    dockerfile::Dockerfile,
    draft::{add, fits},
    indexes::{self, Kind},
    lockers::{self, LOCKERS},
    pythons::{self, Wanted},
    run::{Run, shortened},
    shell::Word,
};
use crate::manifest::values;

/// What pip installs for the build's own sake.
const TOOLS: [&str; 9] =
    ["pip", "setuptools", "wheel", "uv", "poetry", "pdm", "pipenv", "virtualenv", "build"];

/// What to do about a package that is installed beside a lock.
pub const BESIDE: &str = "a lock is all that is installed: add it to the project and lock again";

/// What a Dockerfile says of packages, until all of it is known.
#[derive(Debug, Default)]
pub struct Said {
    /// Whether the base's package manager installs a Python.
    pub system_python: bool,
    /// Requirements and files of them, with the lines that install them.
    pub named: Vec<(usize, String)>,
    /// Locks that are copied, with their lines.
    pub locks: Vec<(usize, String)>,
    /// The names of the files that a tool writes what its lock says into.
    pub exported: Vec<String>,
    /// Indexes, with the lines that name them.
    pub indexes: Vec<(usize, Kind, String)>,
    /// Pythons that are asked for.
    pub pythons: Vec<Wanted>,
}

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

/// Whether a command installs Python packages.
pub fn is_of_python(words: &[String]) -> bool {
    let is_one = |name: &String| name.starts_with("pip") || LOCKERS.contains(&name.as_str());
    match words {
        [python, module, name, ..] if python.starts_with("python") && module == "-m" => {
            is_one(name)
        }
        [name, ..] => is_one(name),
        [] => false,
    }
}

/// pip, after its name.
pub fn pip(run: &mut Run<'_, '_>, words: &[String]) {
    let mut words = words.iter().skip_while(|word| word.starts_with('-'));
    match words.next().map(String::as_str) {
        Some("install" | "wheel" | "download" | "sync") => {}
        Some("config") => {
            if let [_, .., key, value] = &words.collect::<Vec<_>>()[..] {
                setting(run, key, value);
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
            "-i" | "--index-url" | "--default-index" => {
                asked.elsewhere = true;
                indexes::url(run.reader, run.line, Kind::Instead, &value());
            }
            "--extra-index-url" | "--index" => {
                indexes::url(run.reader, run.line, Kind::Beside, &value());
            }
            "-f" | "--find-links" => indexes::url(run.reader, run.line, Kind::Links, &value()),
            "--no-index" => asked.elsewhere = true,
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
    /// Whether an option says where from.
    elsewhere: bool,
    /// Whether without what they require.
    alone: bool,
}

impl Asked {
    /// Whether it looks into an index: not for a build's tools, for files and for remotes.
    fn uses_index(&self, exported: &[String]) -> bool {
        let is_lock = |name: &String| exported.iter().any(|lock| name.ends_with(lock));
        let is_of_index = |package: &String| {
            !TOOLS.contains(&name(package))
                && !package.contains(['/', '*'])
                && (!package.starts_with('.') || !self.alone)
        };
        !self.files.iter().all(is_lock) || self.packages.iter().any(is_of_index)
    }

    fn install(self, run: &mut Run<'_, '_>) {
        let is_set = || indexes::is_set(|name| run.variable(name));
        if self.uses_index(&run.reader.packages.exported) && !self.elsewhere && !is_set() {
            indexes::of_pypi(run.reader, run.line);
        }
        for name in self.files {
            let path = run.path(&name);
            let plain = name.rsplit('/').next().unwrap_or(&name).to_owned();
            if run.reader.packages.exported.contains(&plain) {
                continue;
            }
            run.reader.packages.named.push((run.line, name.clone()));
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
        for package in self.packages {
            let name = name(&package);
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
                    run.reader.packages.named.push((run.line, package.clone()));
                    add(&mut run.reader.draft.python.packages, package);
                }
            }
        }
    }
}

/// The name of what is required.
fn name(package: &str) -> &str {
    package.split(['=', '<', '>', '!', '~', '[', ' ', ';', '@']).next().unwrap_or(package)
}

/// A setting of pip's, which a variable of the same name says, too.
fn setting(run: &mut Run<'_, '_>, key: &str, value: &str) {
    let key = key.rsplit('.').next().unwrap_or(key).replace('-', "_").to_uppercase();
    let (name, value) = (format!("PIP_{key}"), value.to_owned());
    run.reader.stage.variables.insert(name.clone(), value.clone());
    let value = Word { text: value, unknown: Vec::new() };
    indexes::variable(run.reader, run.line, &name, &value);
}

/// The project itself.
fn own(run: &mut Run<'_, '_>, package: &str, alone: bool) {
    run.reader.install_code();
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

/// What is known of packages once all of the Dockerfile is read.
pub fn settle(reader: &mut Dockerfile<'_>) {
    pythons::settle(reader);
    indexes::settle(reader);
    let base = &reader.draft.base;
    let has_python = bases::has_python(base) || bases::brings_packages(base).is_some();
    let is_bare = !has_python && !reader.packages.system_python && bases::is_bare(base);
    if is_bare {
        let base = &reader.draft.base;
        let text = format!("{base} has no Python of its own: the system's is `system.python`");
        reader.notes.push(Note { place: None, text });
    }
    let system = &mut reader.draft.system;
    match is_bare || (reader.packages.system_python && !has_python) {
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
        for (line, name) in std::mem::take(&mut reader.packages.named) {
            reader.note(line, format!("`{}`: {BESIDE}", shortened(&name)));
        }
    }
    let python = &mut reader.draft.python;
    if python.lock.is_none()
        && python.installs()
        && let Some((line, lock)) = reader.packages.locks.pop()
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
        && let Some(own) = bases::brings_packages(&reader.draft.base)
    {
        python.system_site_packages = true;
        let text = format!(
            "{own} brings packages of its own, which count as installed: `python.system_site_packages`"
        );
        reader.notes.push(Note { place: None, text });
    }
}

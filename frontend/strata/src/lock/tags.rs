//! The tags of the wheels that an environment takes (PEP 425), the best first: those that
//! `packaging.tags` gives for it.

use std::collections::{BTreeSet, HashMap};

use crate::environment::Environment;

/// What wheels an environment takes, and how gladly.
#[derive(Clone, Debug)]
pub struct Tags {
    order: Vec<Tag>,
    ranks: HashMap<Tag, usize>,
    /// What each part of a tag can be.
    parts: [BTreeSet<String>; 3],
}

/// Python, ABI and platform.
type Tag = [String; 3];

/// How well a wheel fits; the smallest is the best.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    tag: usize,
    /// Of wheels with the same tags, the last build wins.
    build: std::cmp::Reverse<(u64, String)>,
}

/// Names that versions of glibc had before they were tags themselves (PEP 600).
const LEGACY: [((u32, u32), &str); 3] =
    [((2, 17), "manylinux2014"), ((2, 12), "manylinux2010"), ((2, 5), "manylinux1")];

/// Machines for which manylinux is defined, 32-bit ones aside.
const MANYLINUX: [&str; 7] =
    ["x86_64", "aarch64", "ppc64", "ppc64le", "s390x", "loongarch64", "riscv64"];

/// No C library has had so many; a wrong one in a probe must not fill the memory.
const MINORS: u32 = 200;

impl Tags {
    /// The tags of an environment.
    pub fn of(environment: &Environment) -> Self {
        let mut order = Vec::new();
        let (major, minor) = environment.python();
        let minor = minor.min(MINORS);
        let platforms = platforms(environment);
        let mut add = |python: &str, abi: &str, platform: &str| {
            order.push([python.to_owned(), abi.to_owned(), platform.to_owned()]);
        };
        let mut add_all = |python: &str, abi: &str| {
            platforms.iter().for_each(|platform| add(python, abi, platform));
        };
        let interpreter = match environment.implementation_name.as_str() {
            "cpython" => {
                let python = format!("cp{major}{minor}");
                let (abis, threaded) = cpython_abis(environment);
                for abi in abis {
                    add_all(&python, &abi);
                }
                let stable = if threaded { "abi3t" } else { "abi3" };
                add_all(&python, stable);
                add_all(&python, "none");
                for minor in (2..minor).rev() {
                    add_all(&format!("cp{major}{minor}"), stable);
                }
                python
            }
            name => {
                let short = if name == "pypy" { "pp" } else { name };
                let python = format!("{short}{major}{minor}");
                if let Some(abi) = generic_abi(environment) {
                    add_all(&python, &abi);
                }
                add_all(&python, "none");
                // Wheels for any PyPy: `packaging` has no such tag for others.
                if name == "pypy" { format!("pp{major}") } else { String::new() }
            }
        };
        let minors = (0..minor).rev().map(|minor| format!("py{major}{minor}"));
        let pythons: Vec<String> =
            [format!("py{major}{minor}"), format!("py{major}")].into_iter().chain(minors).collect();
        pythons.iter().for_each(|python| add_all(python, "none"));
        if !interpreter.is_empty() {
            add(&interpreter, "none", "any");
        }
        pythons.iter().for_each(|python| add(python, "none", "any"));
        Self::new(order)
    }

    fn new(order: Vec<Tag>) -> Self {
        let mut ranks = HashMap::new();
        let mut parts: [BTreeSet<String>; 3] = Default::default();
        for (rank, tag) in order.iter().enumerate() {
            ranks.entry(tag.clone()).or_insert(rank);
            for (parts, part) in parts.iter_mut().zip(tag) {
                if !parts.contains(part) {
                    parts.insert(part.clone());
                }
            }
        }
        Self { order, ranks, parts }
    }

    /// The tags as `cp312-cp312-manylinux_2_17_x86_64`, the best first.
    pub fn iter(&self) -> impl Iterator<Item = String> {
        self.order.iter().map(|tag| tag.join("-"))
    }

    /// How well a wheel fits by its file name; none if it does not, or is not a wheel's name.
    pub fn rank(&self, file: &str) -> Option<Rank> {
        let (build, tags) = split(file)?;
        // Only what is known: a name can say very many.
        let known = |index: usize| {
            let known = tags[index].split('.').map(str::to_lowercase);
            known.filter(|part| self.parts[index].contains(part)).collect::<BTreeSet<_>>()
        };
        let (pythons, abis, platforms) = (known(0), known(1), known(2));
        let mut best = None;
        for python in &pythons {
            for abi in &abis {
                for platform in &platforms {
                    let tag = [python.clone(), abi.clone(), platform.clone()];
                    let rank = self.ranks.get(&tag).copied();
                    best = [best, rank].into_iter().flatten().min();
                }
            }
        }
        Some(Rank { tag: best?, build: std::cmp::Reverse(build) })
    }
}

/// A wheel's build and its three tags: `name-version[-build]-python-abi-platform.whl` (PEP 427).
fn split(file: &str) -> Option<((u64, String), [&str; 3])> {
    let parts: Vec<&str> = file.strip_suffix(".whl")?.split('-').collect();
    match parts[..] {
        [_, _, python, abi, platform] => Some(((0, String::new()), [python, abi, platform])),
        [_, _, build, python, abi, platform] => {
            let end = build.find(|c: char| !c.is_ascii_digit()).unwrap_or(build.len());
            let (number, rest) = build.split_at(end);
            Some(((number.parse().ok()?, rest.to_owned()), [python, abi, platform]))
        }
        _ => None,
    }
}

/// The ABIs of a CPython, and whether it is free-threaded.
fn cpython_abis(environment: &Environment) -> (Vec<String>, bool) {
    let (major, minor) = environment.python();
    let version = format!("cp{major}{minor}");
    let own = environment.soabi.split('-').nth(1).unwrap_or_default();
    let flags = own.trim_start_matches(|c: char| c.is_ascii_digit());
    let threaded = flags.contains('t');
    let plain = if threaded { format!("{version}t") } else { version.clone() };
    let mut abis = vec![format!("{version}{flags}")];
    if flags.contains('d') && (major, minor) >= (3, 8) {
        abis.push(plain);
    }
    (abis, threaded)
}

/// `pypy310_pp73` of `pypy310-pp73`.
fn generic_abi(environment: &Environment) -> Option<String> {
    let soabi = &environment.soabi;
    let parts = match soabi.split('-').next()? {
        name if name.starts_with("pypy") => 2,
        name if name.starts_with("graalpy") => 3,
        _ => usize::MAX,
    };
    let abi = soabi.split('-').take(parts).collect::<Vec<_>>().join("_");
    (!abi.is_empty()).then(|| normal(&abi))
}

/// The platforms, the closest first.
fn platforms(environment: &Environment) -> Vec<String> {
    let platform = normal(&environment.platform);
    let Some(machine) = platform.strip_prefix("linux_") else { return vec![platform] };
    // What a 64-bit kernel says to a 32-bit Python.
    let machine = match machine {
        "x86_64" if environment.bits == 32 => "i686",
        "aarch64" if environment.bits == 32 => "armv8l",
        machine => machine,
    };
    let machines = match machine {
        "armv8l" => vec!["armv8l", "armv7l"],
        machine => vec![machine],
    };
    let mut platforms: Vec<String> =
        machines.iter().map(|machine| format!("linux_{machine}")).collect();
    if let Some(version) = environment.libc("glibc") {
        machines
            .iter()
            .for_each(|machine| manylinux(environment, version, machine, &mut platforms));
    }
    if let Some((major, minor)) = environment.libc("musl") {
        for machine in machines {
            let minors = (0..=minor.min(MINORS)).rev();
            platforms.extend(minors.map(|minor| format!("musllinux_{major}_{minor}_{machine}")));
        }
    }
    platforms
}

fn manylinux(
    environment: &Environment,
    (major, minor): (u32, u32),
    machine: &str,
    into: &mut Vec<String>,
) {
    let defined = match machine {
        // With floating point in hardware only.
        "armv7l" | "armv8l" => !environment.soabi.ends_with("gnueabi"),
        "i686" => true,
        machine => MANYLINUX.contains(&machine),
    };
    if !defined || major != 2 {
        return;
    }
    let oldest = if matches!(machine, "x86_64" | "i686") { 5 } else { 17 };
    for minor in (oldest..=minor.min(MINORS)).rev() {
        into.push(format!("manylinux_{major}_{minor}_{machine}"));
        let legacy = LEGACY.iter().find(|(version, _)| *version == (major, minor));
        into.extend(legacy.map(|(_, name)| format!("{name}_{machine}")));
    }
}

fn normal(text: &str) -> String {
    text.replace(['.', '-', ' '], "_")
}

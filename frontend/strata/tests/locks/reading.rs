//! Reading a lock in a test.

use std::sync::Arc;

use llb::SourceFile;
use strata::{
    environment::Environment,
    lock::{self, Choice, Kind, Lock, Tags},
    mistake::Mistakes,
    requirements::{Options, Selection},
};

pub fn file(name: &str, data: &str) -> Arc<SourceFile> {
    Arc::new(SourceFile { name: name.into(), language: "TOML".into(), data: data.into() })
}

/// Reads a lock by itself, or together with the file that it was made from.
pub fn read(
    file: &Arc<SourceFile>,
    project: Option<&Arc<SourceFile>>,
    selection: &Selection,
    environment: &Environment,
) -> Result<Lock, Mistakes> {
    lock::read(file, Kind::of(&file.name).unwrap(), project, &[], selection, environment)
}

/// A line for each package and what is installed of it; `refused` for a lock that is not for
/// the environment.
pub fn chosen(file: &Arc<SourceFile>, selection: &Selection, environment: &Environment) -> String {
    let Ok(lock) = read(file, None, selection, environment) else { return "  refused\n".into() };
    let (tags, options) = (Tags::of(environment), Options::default());
    let line = |package: &lock::Package| {
        let what = match lock::choose(package, &tags, environment, &options) {
            Ok(Choice::Wheel(file) | Choice::Sdist(file)) => file.name.clone(),
            Ok(other) => format!("{other:?}"),
            Err(mistake) => mistake.message,
        };
        format!("  {} {} {what}\n", package.name, package.version.clone().unwrap_or_default())
    };
    lock.packages.iter().map(line).collect()
}

/// What is said against a lock.
pub fn mistakes(
    file: &Arc<SourceFile>,
    selection: &Selection,
    environment: &Environment,
) -> String {
    read(file, None, selection, environment).unwrap_err().to_string()
}

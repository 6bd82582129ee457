//! Which file of a package is installed.

use super::{File, Package, Source, Tags};
use crate::{
    environment::Environment,
    mistake::Mistake,
    requirements::{Formats, Options},
};

/// What is installed of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// This wheel.
    Wheel(&'a File),
    /// What is built from this source archive.
    Sdist(&'a File),
    /// What is built from a commit.
    Git,
}

/// So many wheels are named in a message.
const NAMED: usize = 8;

/// Chooses the wheel that fits best, else the source, as far as the options allow them.
///
/// # Errors
///
/// When nothing is left: says for what the wheels are, and what the environment is. When what fits
/// best has no hash. When nobody has looked up yet where its files are.
pub fn choose<'a>(
    package: &'a Package,
    tags: &Tags,
    environment: &Environment,
    options: &Options,
) -> Result<Choice<'a>, Mistake> {
    let choice = fitting(package, tags, environment, options).and_then(|choice| match choice {
        Choice::Wheel(file) | Choice::Sdist(file) => file.has_hash().map(|()| choice),
        Choice::Git => Ok(choice),
    });
    choice.map_err(|mistake| {
        let name = match &package.version {
            Some(version) => format!("{} {version}", package.name),
            None => package.name.clone(),
        };
        let mistake = mistake.about(&name);
        match &package.location {
            Some(location) => mistake.on(&location.file, location.lines),
            None => mistake,
        }
    })
}

fn fitting<'a>(
    package: &'a Package,
    tags: &Tags,
    environment: &Environment,
    options: &Options,
) -> Result<Choice<'a>, Mistake> {
    let formats = options.formats_of(&package.name);
    match &package.source {
        Source::Hashes(_) => Err(Mistake::new("the lock does not say where it is")),
        Source::Git { .. } if formats.source => Ok(Choice::Git),
        Source::Git { url, .. } => {
            let words = format!("it is built from {url}, and `--only-binary` forbids that");
            Err(Mistake::new(words).help("take it out of `--only-binary`"))
        }
        Source::Archive { file, .. } if file.name.ends_with(".whl") => {
            // `--no-binary` chooses among files; a URL is chosen already.
            match tags.rank(&file.name) {
                Some(_) => Ok(Choice::Wheel(file)),
                None => Err(nothing_fits(&[file], environment)),
            }
        }
        Source::Archive { file, .. } if formats.source => Ok(Choice::Sdist(file)),
        Source::Archive { file, .. } => {
            let words = format!("`{}` is a source, and `--only-binary` forbids it", file.name);
            Err(Mistake::new(words).help("take it out of `--only-binary`"))
        }
        Source::Release { wheels, sdist } => {
            let best = wheels.iter().filter_map(|wheel| Some((tags.rank(&wheel.name)?, wheel)));
            let best = best.filter(|_| formats.wheel).min_by(|(a, _), (b, _)| a.cmp(b));
            match (best, sdist) {
                (Some((_, wheel)), _) => Ok(Choice::Wheel(wheel)),
                (None, Some(sdist)) if formats.source => Ok(Choice::Sdist(sdist)),
                (None, sdist) => {
                    let wheels: Vec<&File> = wheels.iter().collect();
                    Err(nothing(&wheels, sdist.as_ref(), formats, environment))
                }
            }
        }
    }
}

fn nothing(
    wheels: &[&File],
    sdist: Option<&File>,
    formats: Formats,
    environment: &Environment,
) -> Mistake {
    if !formats.wheel && sdist.is_none() {
        return Mistake::new("the lock has no source of it, and `--no-binary` asks for one")
            .help("take it out of `--no-binary`");
    }
    if wheels.is_empty() && sdist.is_none() {
        let words = "none of its files on the index has a hash that is asked for";
        return Mistake::new(words).help(
            "the file is another than it was, or the hashes are of another release: see which, \
             and lock again",
        );
    }
    let mistake = nothing_fits(wheels, environment);
    match sdist {
        Some(_) => mistake
            .help("its source could be built: take it out of `--only-binary`, or lock a release that has such a wheel"),
        None => mistake.help(
            "the lock may be for another platform or Python: lock again for this one, or take \
             another base",
        ),
    }
}

/// That of wheels none fits, and what they are for.
fn nothing_fits(wheels: &[&File], environment: &Environment) -> Mistake {
    let tags = |file: &&File| {
        let name = file.name.strip_suffix(".whl").unwrap_or(&file.name);
        let parts: Vec<&str> = name.rsplitn(4, '-').take(3).collect();
        parts.into_iter().rev().collect::<Vec<_>>().join("-")
    };
    if wheels.is_empty() {
        return Mistake::new(format!("the lock has no wheel of it for {environment}"));
    }
    let mut shown: Vec<String> = wheels.iter().map(tags).take(NAMED).collect();
    let more = wheels.len().saturating_sub(NAMED);
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    Mistake::new(format!("none of its wheels is for {environment}: there are {}", shown.join(", ")))
}

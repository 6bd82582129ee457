//! A first manifest out of what a project has: its Dockerfile, or its Python files.
//!
//! Nothing is run and nobody is asked. What cannot be carried over is told, with its line, for a
//! person to decide.

mod bases;
mod branches;
mod clones;
mod copies;
mod dockerfile;
mod draft;
mod environment;
mod folder;
mod heredoc;
mod indexes;
mod lockers;
mod models;
mod packages;
mod programs;
mod pythons;
mod repositories;
mod run;
mod runner;
mod settings;
mod shell;
mod stages;
mod system;
mod yaml;

use std::{fmt, fs, path::Path};

pub use self::folder::Folder;
use self::{dockerfile::Dockerfile, draft::Draft};

/// A manifest, and what of the project is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The manifest.
    pub manifest: String,
    /// What a person has to look at.
    pub notes: Vec<Note>,
}

/// Something that a manifest does not say, or that it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The file and line that it is about; none for the project as a whole.
    pub place: Option<(String, usize)>,
    /// What to know about it.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((file, line)) = &self.place {
            write!(f, "{file}:{line}: ")?;
        }
        f.write_str(&self.text)
    }
}

/// The manifest for the project in `folder`, out of the Dockerfile of that name, or if there is
/// none, out of what the project has for Python's tools.
///
/// # Errors
///
/// When the Dockerfile that is asked for cannot be read, or is none; and when there is nothing to
/// begin with.
pub fn init(folder: &Path, dockerfile: Option<&Path>) -> Result<Found, String> {
    let project = Folder::new(folder);
    let own = || ["Dockerfile", "Containerfile"].map(|name| folder.join(name));
    let dockerfile = match dockerfile {
        Some(path) => Some(path.to_owned()),
        None => own().into_iter().find(|path| path.is_file()),
    };
    match dockerfile {
        Some(path) => {
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            let name = path.strip_prefix("./").unwrap_or(&path).display().to_string();
            of_dockerfile(&name, &text, &project)
        }
        None => of_folder(&project),
    }
}

/// The manifest for a project with this Dockerfile.
///
/// # Errors
///
/// When it is no Dockerfile.
pub fn of_dockerfile(name: &str, text: &str, project: &Folder) -> Result<Found, String> {
    let text = text.trim_start_matches('\u{feff}');
    let (plain, texts) = heredoc::taken_out(text);
    let parsed = parse_dockerfile::parse(&plain).map_err(|error| format!("{name}: {error}"))?;
    let mut reader = Dockerfile::new(name, text, texts, project);
    reader.read(&parsed);
    let (draft, notes) = reader.finish();
    Ok(found(&draft, notes))
}

fn of_folder(project: &Folder) -> Result<Found, String> {
    let (draft, notes) = project.draft()?;
    Ok(found(&draft, notes))
}

fn found(draft: &Draft, mut notes: Vec<Note>) -> Found {
    notes.sort_by_key(|note| note.place.as_ref().map_or(usize::MAX, |(_, line)| *line));
    notes.dedup();
    Found { manifest: draft.manifest(), notes }
}

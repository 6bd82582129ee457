//! One requirements file, read.

use std::sync::Arc;

use llb::{Lines, Location, SourceFile};

use super::{Options, Requirement, lines, options::split_value, requirement::refuse_variable};
use crate::mistake::{Findings, Mistake, Mistakes, quote};

/// What one file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequirementsFile {
    /// Its requirements.
    pub requirements: Vec<Requirement>,
    /// Other files it wants read.
    pub includes: Vec<Include>,
    /// Its options.
    pub options: Options,
    /// The line that has `--index-url`, the last if there are several.
    pub index: Option<Location>,
    /// The hosts of indexes whose URLs have their login in variables, and the lines.
    pub logins: Vec<(String, Location)>,
}

/// A line `-r other.txt` or `-c other.txt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// Which of the two.
    pub kind: IncludeKind,
    /// The path, as written: relative to the file that has the line.
    pub path: String,
    /// The line.
    pub lines: Lines,
}

/// What the lines of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IncludeKind {
    /// To be installed.
    Requirements,
    /// Only to hold if something else asks for the project.
    Constraints,
}

impl RequirementsFile {
    /// Reads a file as pip does.
    ///
    /// # Errors
    ///
    /// Every line that pip would refuse, or that a build cannot honour.
    pub fn parse(file: &Arc<SourceFile>) -> Result<Self, Mistakes> {
        let mut findings = Findings::new(Arc::clone(file));
        let mut read = Self::default();
        match lines::decode(&file.data) {
            None => findings.at(Lines::one(1), Mistake::new("the file is not UTF-8 text")),
            Some(text) => {
                for (lines, line) in lines::logical(&text) {
                    if let Err(mistake) = read.line(file, lines, &line) {
                        findings.at(lines, mistake);
                    }
                }
            }
        }
        findings.or(read)
    }

    fn line(&mut self, file: &Arc<SourceFile>, lines: Lines, line: &str) -> Result<(), Mistake> {
        if !line.starts_with('-') {
            self.requirements.push(Requirement::parse(line)?);
            return Ok(());
        }
        let words = shlex::split(line)
            .ok_or_else(|| Mistake::new(format!("{} has an unclosed quote", quote(line))))?;
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let (option, value) = split_value(&word);
            let mut value = || value.clone().or_else(|| words.next());
            let kind = match option {
                "-r" | "--requirement" => IncludeKind::Requirements,
                "-c" | "--constraint" => IncludeKind::Constraints,
                "-e" | "--editable" => {
                    self.requirements.push(editable(&value().unwrap_or_default())?);
                    continue;
                }
                option => {
                    let at = Location { file: Arc::clone(file), lines };
                    let before = self.options.index_url.take();
                    let login = self.options.set(option, value)?;
                    self.logins.extend(login.map(|host| (host, at.clone())));
                    if self.options.index_url.is_some() {
                        self.index = Some(at);
                    } else {
                        self.options.index_url = before;
                    }
                    continue;
                }
            };
            let path =
                value().ok_or_else(|| Mistake::new(format!("{} has no file", quote(option))))?;
            refuse_variable(&path)?;
            if path.contains("://") {
                let mistake = Mistake::new(format!("{} is not in the build context", quote(&path)));
                return Err(mistake.help("download it beside the file that names it"));
            }
            self.includes.push(Include { kind, path, lines });
        }
        Ok(())
    }
}

/// What `-e` installs, if it is a commit: `pip freeze` writes `-e git+https://…#egg=name`. A folder is
/// somebody's code.
fn editable(value: &str) -> Result<Requirement, Mistake> {
    let url = value.split_once('@').map_or(value, |(_, url)| url.trim_start());
    if [value, url].iter().any(|text| text.starts_with("git+")) {
        return Requirement::parse(value);
    }
    Err(Mistake::new("an editable install is code, not a dependency").help(
        "take the line out: your own code goes under `code`, and `code.install` makes a package of it",
    ))
}

//! A repository, and what can be committed to it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::command::output;
use crate::git::git;

/// Who commits, and when. Always the same, so that the same history has the same ids.
const IDENTITY: &str = "Strata <strata@example.org> 1700000000 +0000";

/// A bare repository on a [`GitServer`]; its default branch is `main`.
#[derive(Debug)]
pub struct Repository {
    pub(super) name: String,
    folder: PathBuf,
    url: String,
}

impl Repository {
    pub(super) fn init(root: &Path, name: &str, url: String) -> Result<Self> {
        let folder = root.join(format!("{name}.git"));
        std::fs::create_dir(&folder)?;
        output(git()?.current_dir(&folder).args([
            "init",
            "--quiet",
            "--bare",
            "--initial-branch=main",
        ]))?;
        // As on GitHub: any commit of the history may be fetched by its id.
        output(git()?.current_dir(&folder).args([
            "config",
            "uploadpack.allowReachableSHA1InWant",
            "true",
        ]))?;
        output(git()?.current_dir(&folder).args(["config", "uploadpack.allowFilter", "true"]))?;
        Ok(Self { name: name.into(), folder, url })
    }

    /// Its address over HTTP.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Commits these files, each with its text, on top of `main`, and returns the commit's id.
    /// Files that are not named stay as they are.
    ///
    /// # Errors
    ///
    /// When git refuses a path.
    pub fn commit(
        &self,
        files: &[(impl AsRef<str>, impl AsRef<str>)],
        message: &str,
    ) -> Result<String> {
        self.commit_to("main", files, message)
    }

    /// The same on another branch, which starts at `main` if there is none of that name.
    ///
    /// # Errors
    ///
    /// When git refuses the branch's name or a path.
    pub fn commit_to(
        &self,
        branch: &str,
        files: &[(impl AsRef<str>, impl AsRef<str>)],
        message: &str,
    ) -> Result<String> {
        let change = |path: &str, text| format!("M 100644 inline {path}\n{}", data(text));
        let changes = files.iter().map(|(path, text)| change(path.as_ref(), text.as_ref()));
        self.append(branch, message, &changes.collect::<String>())
    }

    /// Commits `of`, at its newest commit, as a submodule at `path`.
    ///
    /// # Errors
    ///
    /// When `of` is empty, or git refuses the path.
    pub fn submodule(&self, path: &str, of: &Repository) -> Result<String> {
        let list = format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {}\n", of.url);
        let changes = format!(
            "M 100644 inline .gitmodules\n{}M 160000 {} {path}\n",
            data(&list),
            of.tip("main")?
        );
        self.append("main", &format!("add {path}"), &changes)
    }

    /// Puts an annotated tag on what `main` points at. As the tag is an object of its own,
    /// its id is not the commit's.
    ///
    /// # Errors
    ///
    /// When the repository is empty.
    pub fn tag(&self, name: &str) -> Result<()> {
        let tag = format!("tag {name}\nfrom refs/heads/main^0\ntagger {IDENTITY}\n{}", data(name));
        fast_import(&self.folder, &tag)
    }

    /// The commit that `branch` points at.
    ///
    /// # Errors
    ///
    /// When there is no such branch.
    pub fn tip(&self, branch: &str) -> Result<String> {
        output(git()?.current_dir(&self.folder).args([
            "rev-parse",
            "--verify",
            &format!("refs/heads/{branch}"),
        ]))
    }

    fn append(&self, branch: &str, message: &str, changes: &str) -> Result<String> {
        let parent = self.tip(branch).or_else(|_| self.tip("main"));
        let from = parent.map(|commit| format!("from {commit}\n")).unwrap_or_default();
        let message = data(message);
        let commit =
            format!("commit refs/heads/{branch}\ncommitter {IDENTITY}\n{message}{from}{changes}");
        fast_import(&self.folder, &commit)?;
        self.tip(branch)
    }
}

/// A text as git-fast-import(1) reads it.
fn data(text: &str) -> String {
    format!("data {}\n{text}\n", text.len())
}

fn fast_import(repository: &Path, stream: &str) -> Result<()> {
    let mut import = git()?
        .current_dir(repository)
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("start git")?;
    let stdin = import.stdin.take().context("git has no standard input")?;
    let written = { stdin }.write_all(stream.as_bytes());
    let output = import.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git fast-import: {said}");
    Ok(written?)
}

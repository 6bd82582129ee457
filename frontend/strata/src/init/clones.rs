//! Code and models that a build clones.

use super::{
    draft::{Code, fits},
    models,
    run::{Run, shortened},
};
use crate::manifest::values;

/// `git`, after its name.
pub fn git(run: &mut Run<'_, '_>, words: &[String]) {
    if words.first().map(String::as_str) != Some("clone") {
        if words.first().is_some_and(|verb| verb == "lfs") {
            run.note("`git lfs`: code that BuildKit gets from git has pointers in place of LFS files: have these in the build context, or as `models`");
        } else if words
            .first()
            .is_some_and(|verb| !["config", "--version"].contains(&verb.as_str()))
        {
            run.note(format!("`git {}`: a branch, tag or commit is `code.ref`, or the build argument CODE_VERSION", words.join(" ")));
        }
        return;
    }
    let mut reference = None;
    let mut places = Vec::new();
    let mut words = words[1..].iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-b" | "--branch" => reference = words.next().cloned(),
            "--depth" | "-c" | "--config" | "-j" | "--jobs" | "--filter" => drop(words.next()),
            _ if word.starts_with("--branch=") => {
                reference = word.split_once('=').map(|(_, name)| name.to_owned());
            }
            _ if word.starts_with('-') => {}
            _ => places.push(word.clone()),
        }
    }
    let Some(url) = places.first() else { return };
    let name = url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or(url);
    let folder = places.get(1).map_or_else(|| name.trim_end_matches(".git"), String::as_str);
    let to = run.path(folder);
    let hub = ["https://huggingface.co/", "https://hf.co/"];
    if let Some(name) = hub.iter().find_map(|hub| url.strip_prefix(hub)) {
        let name = name.trim_end_matches('/').trim_end_matches(".git").to_owned();
        models::repository(run.reader, run.line, name, reference, Vec::new(), Some(to));
        return;
    }
    if !fits(url, values::git) {
        run.note(format!(
            "`git clone {}`: a remote is `code: {{git: …}}`, without credentials in its URL",
            shortened(url)
        ));
        return;
    }
    let reference = reference.filter(|name| fits(name, values::reference));
    let clone = Code { source: url.clone(), reference, to, ..Code::default() };
    match run.reader.stage.is_final {
        true => run.reader.clone_code(run.line, clone),
        // Who copies it says whether it is the code.
        false => run.reader.stage.clone = Some(clone),
    }
}

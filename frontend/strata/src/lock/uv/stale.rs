//! Whether a uv.lock is still that of its pyproject.toml.
//!
//! uv writes down what was asked for, but with markers in a form of its own. So both sides are
//! compared by what they ask for in the one environment that is built for.

use std::{collections::BTreeSet, str::FromStr as _};

use llb::Lines;
use pep440_rs::{Operator, Version, VersionSpecifier, VersionSpecifiers};
use toml::Value;

use super::{Package, Required, UvLock, parameter};
use crate::{
    environment::Environment,
    lock::{
        document::{When, holds},
        pyproject::{Member, Pyproject, Stated},
    },
    mistake::{Mistake, quote},
    requirements::{Dependency, DependencySource, Selection, normalize, over_https},
};

/// One thing that is asked for.
struct Asked {
    name: String,
    extras: BTreeSet<String>,
    from: From,
    /// Its line in the pyproject.toml, of what stands there, and its text.
    stated: Option<(Lines, String)>,
}

enum From {
    /// These versions, of a certain index if it was said which.
    Index(BTreeSet<String>, Option<String>),
    Url(String),
    /// A repository, and what of it.
    Git(String, Option<String>),
    /// A folder, or something that only uv can find out.
    Other,
}

/// The two files, and for what they are compared.
struct Comparison<'a> {
    lock: &'a UvLock,
    root: Option<&'a Package>,
    project: &'a Pyproject,
    environment: &'a Environment,
}

/// What the lock was not made for, and what it should no longer have.
pub(super) fn differences(
    lock: &UvLock,
    root: Option<&Package>,
    project: &Pyproject,
    lock_name: &str,
    environment: &Environment,
) -> Vec<Mistake> {
    let both = Comparison { lock, root, project, environment };
    let help = || format!("{lock_name} is out of date: run `uv lock`");
    let mut mistakes = Vec::new();
    for (stated, locked) in both.parts() {
        let new: Vec<&Asked> = stated
            .iter()
            .filter(|one| !locked.iter().any(|other| both.agree(one, other)))
            .collect();
        let old = locked.iter().filter(|one| {
            !stated.iter().any(|other| both.agree(other, one))
                && !new.iter().any(|new| new.name == one.name)
        });
        for Asked { name, .. } in old {
            let words = format!("{lock_name} was made for `{name}`, too, which is not here");
            mistakes.push(Mistake::at(&project.file, Lines::one(1), words).help(help()));
        }
        for (lines, text) in new.iter().filter_map(|one| one.stated.as_ref()) {
            let words = format!("{lock_name} was not made for {}", quote(text));
            mistakes.push(Mistake::at(&project.file, *lines, words).help(help()));
        }
    }
    if let Some((python, lines)) = both.other_python() {
        let words = format!("{lock_name} was not made for Python {}", quote(python));
        mistakes.push(Mistake::at(&project.file, lines, words).help(help()));
    }
    mistakes
}

impl Comparison<'_> {
    /// What the pyproject.toml asks for and what the lock was made for, for each of the project's
    /// parts; those that cannot be known without building are left out.
    fn parts(&self) -> Vec<(Vec<Asked>, Vec<Asked>)> {
        let project = self.project;
        let is_dynamic = |key: &str| project.dynamic.iter().any(|name| name == key);
        let mut parts = Vec::new();
        if let Some(root) = self.root
            && !is_dynamic("dependencies")
        {
            let metadata = &root.metadata;
            let own: Vec<&Stated> = project.dependencies.iter().collect();
            let locked = self.locked(&metadata.requires_dist, None);
            parts.push((self.stated(own.clone()), locked));
            let known = project.extras.keys().chain(&metadata.provides_extras);
            let known = known.filter(|_| !is_dynamic("optional-dependencies"));
            for extra in known.map(|name| normalize(name)).collect::<BTreeSet<_>>() {
                let more = project.extras.get(&extra).into_iter().flatten();
                let stated = self.stated(own.iter().copied().chain(more).collect());
                parts.push((stated, self.locked(&metadata.requires_dist, Some(extra))));
            }
        }
        let groups = match self.root {
            Some(root) => &root.metadata.requires_dev,
            None => &self.lock.manifest.dependency_groups,
        };
        let known = project.groups.keys().chain(groups.keys());
        for group in known.map(|name| normalize(name)).collect::<BTreeSet<_>>() {
            let stated = project.included(&group);
            let stated = stated.into_iter().filter_map(|name| project.groups.get(name)).flatten();
            let stated = stated.filter_map(|member| match member {
                Member::Requirement(stated) => Some(stated),
                _ => None,
            });
            let locked = groups.iter().filter(|(name, _)| normalize(name) == group);
            let locked = locked.flat_map(|(_, all)| self.locked(all, None)).collect();
            // Older projects have this one in a table of uv's.
            if group != "dev" || self.uv("dev-dependencies").is_none() {
                parts.push((self.stated(stated.collect()), locked));
            }
        }
        let manifest = &self.lock.manifest;
        for (key, locked) in [
            ("constraint-dependencies", &manifest.constraints),
            ("override-dependencies", &manifest.overrides),
        ] {
            // uv reads them in the workspace's root alone.
            if let Some(stated) = self.whole(key).filter(|_| self.is_root()) {
                parts.push((self.stated(stated.iter().collect()), self.locked(locked, None)));
            }
        }
        parts.into_iter().filter_map(|(stated, locked)| Some((stated?, locked))).collect()
    }

    /// Whether the pyproject.toml is that of the whole workspace.
    fn is_root(&self) -> bool {
        self.root.is_none_or(|root| root.code_folder() == Some("."))
    }

    /// A list of dependencies in a table of uv's; none if there is another thing in it.
    fn whole(&self, key: &str) -> Option<Vec<Stated>> {
        let lines = self.project.line_of(key);
        let texts =
            self.uv(key).map_or(Some(&[][..]), |list| list.as_array().map(Vec::as_slice))?;
        let stated = |text: &Value| Some(Stated { text: text.as_str()?.to_owned(), lines });
        texts.iter().map(stated).collect()
    }

    /// The project's `requires-python`, if the lock was made for other Pythons. That of several
    /// members, and of groups that have their own, is what all of them have in common.
    fn other_python(&self) -> Option<(&str, Lines)> {
        let (stated, lines) = self.project.requires_python.as_ref()?;
        let locked = self.lock.requires_python.as_ref()?.get_ref();
        let is_all = self.is_root()
            && self.lock.manifest.members.len() < 2
            && self.uv("dependency-groups").is_none();
        (is_all && !same_pythons(stated, locked)?).then_some((stated.as_str(), *lines))
    }

    fn uv(&self, key: &str) -> Option<&Value> {
        self.project.tool("uv")?.get(key)
    }

    /// What these texts ask for here, references of the project to its own extras followed; none
    /// if one of them cannot be read.
    fn stated(&self, texts: Vec<&Stated>) -> Option<Vec<Asked>> {
        let (mut texts, mut followed, mut asked) = (texts, BTreeSet::new(), Vec::new());
        while let Some(stated) = texts.pop() {
            let dependency = Dependency::parse(&stated.text).ok()?;
            if !dependency.is_for(self.environment) {
                continue;
            }
            let name = dependency.name.clone()?;
            if self.project.name.as_ref() == Some(&name) {
                for extra in dependency.extras {
                    if followed.insert(extra.clone()) {
                        texts.extend(self.project.extras.get(&extra).into_iter().flatten());
                    }
                }
                continue;
            }
            let from = self.from(&name, &dependency.source);
            let stated = Some((stated.lines, stated.text.clone()));
            asked.push(Asked { name, extras: dependency.extras, from, stated });
        }
        Some(asked)
    }

    fn from(&self, name: &str, source: &DependencySource) -> From {
        let versions = match source {
            DependencySource::Url(url) | DependencySource::BareUrl(url) => return From::url(url),
            DependencySource::Versions(versions) => versions.clone(),
        };
        let sources = self.uv("sources").and_then(Value::as_table);
        let mut sources = sources.into_iter().flatten();
        let Some((_, entry)) = sources.find(|(key, _)| normalize(key) == name) else {
            return From::Index(versions, None);
        };
        // Several, or one for some environments: which of them counts here only uv can find out.
        let is_limited = ["marker", "extra", "group"].iter().any(|key| entry.get(key).is_some());
        let limited = entry.as_array().map(Vec::as_slice);
        let limited = limited.or(is_limited.then_some(std::slice::from_ref(entry)));
        if let Some(entries) = limited {
            return if entries.iter().all(|one| one.get("index").is_some()) {
                From::Index(versions, None)
            } else {
                From::Other
            };
        }
        let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(url) = text("git") {
            return From::Git(over_https(&url), text("rev").or(text("tag")).or(text("branch")));
        }
        if let Some(url) = text("url") {
            return From::Url(url);
        }
        match text("index") {
            Some(index) => From::Index(versions, self.index(&index)),
            None => From::Other,
        }
    }

    /// The URL of the index of that name.
    fn index(&self, name: &str) -> Option<String> {
        let mut all = self.uv("index")?.as_array()?.iter();
        let index = all.find(|one| one.get("name").and_then(Value::as_str) == Some(name))?;
        index.get("url")?.as_str().map(str::to_owned)
    }

    /// What the lock was made for, with one of the project's extras or without any. What these
    /// stand for is with the project, wherever they are asked for: by a group, too.
    fn locked(&self, all: &[Required], extra: Option<String>) -> Vec<Asked> {
        let own = self.root.map(|root| root.name.get_ref());
        let of_extras = self.root.into_iter().flat_map(|root| &root.metadata.requires_dist);
        let of_extras = of_extras.filter(|one| is_of_extra(one));
        let all = all.iter().filter(|one| !is_of_extra(one)).chain(of_extras);
        let mut selection = Selection::default();
        selection.extras.extend(extra);
        loop {
            let here =
                all.clone().filter(|one| holds(one.marker.as_ref(), self.environment, &selection));
            let (itself, others): (Vec<_>, Vec<_>) = here.partition(|one| Some(&one.name) == own);
            let more = itself.into_iter().flat_map(|one| one.extras.iter().cloned());
            let before = selection.extras.len();
            selection.extras.extend(more);
            if selection.extras.len() == before {
                return others.into_iter().map(Required::asked).collect();
            }
        }
    }

    /// Whether what is stated is what was locked.
    fn agree(&self, stated: &Asked, locked: &Asked) -> bool {
        let from = match (&stated.from, &locked.from) {
            (From::Index(these, index), From::Index(those, other)) => {
                let same =
                    |a: &String, b: &String| a.trim_end_matches('/') == b.trim_end_matches('/');
                let indexes = index.as_ref().zip(other.as_ref());
                same_versions(these, those)
                    && indexes.is_none_or(|(index, other)| same(index, other))
            }
            (From::Url(url), From::Url(other)) => url == other,
            (From::Git(url, what), From::Git(other, whatever)) => (url, what) == (other, whatever),
            (From::Other, _) | (_, From::Other) => true,
            // The sources of a workspace stand in its root, which need not be this file.
            (From::Index(..), _) => !self.lock.manifest.members.is_empty(),
            _ => false,
        };
        from && stated.name == locked.name && stated.extras == locked.extras
    }
}

impl From {
    /// What stands behind the `@` of a dependency: `git+https://…/x.git@v1#subdirectory=pkg`.
    fn url(url: &str) -> Self {
        let url = url.split('#').next().unwrap_or(url);
        let Some(repository) = url.strip_prefix("git+") else { return Self::Url(url.to_owned()) };
        let path = repository.find("://").map_or(0, |scheme| scheme + 3);
        match repository[path..].rsplit_once('@') {
            Some((before, what)) => {
                let end = path + before.len();
                Self::Git(over_https(&repository[..end]), Some(what.to_owned()))
            }
            None => Self::Git(over_https(repository), None),
        }
    }
}

impl Required {
    fn asked(&self) -> Asked {
        let from = if let Some(git) = &self.git {
            let (url, query) = git.split_once('?').unwrap_or((git, ""));
            let what = ["rev", "tag", "branch"].into_iter().find_map(|key| parameter(query, key));
            From::Git(over_https(url), what)
        } else if let Some(url) = &self.url {
            From::Url(url.split('#').next().unwrap_or(url).to_owned())
        } else if [&self.path, &self.directory, &self.editable, &self.r#virtual]
            .into_iter()
            .any(Option::is_some)
        {
            From::Other
        } else {
            From::Index(versions(self.specifier.as_deref().unwrap_or_default()), self.index.clone())
        };
        let extras = self.extras.iter().map(|extra| normalize(extra)).collect();
        Asked { name: normalize(&self.name), extras, from, stated: None }
    }
}

/// Whether it is required by an extra alone.
fn is_of_extra(required: &Required) -> bool {
    required.marker.as_ref().is_some_and(|When(marker)| !marker.extras().is_empty())
}

/// Whether comparisons allow the same versions: to most operators `3` is `3.0.0`.
fn same_versions(one: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
    use Operator::{EqualStar, ExactEqual, NotEqualStar, TildeEqual};
    let read = |text: &String| VersionSpecifier::from_str(text).ok();
    let is_same = |one: &String, other: &String| {
        let counts_parts = |it: &VersionSpecifier| {
            matches!(it.operator(), EqualStar | ExactEqual | NotEqualStar | TildeEqual)
        };
        one == other || read(one).is_some_and(|it| !counts_parts(&it) && Some(it) == read(other))
    };
    let has = |all: &BTreeSet<String>, one: &String| all.iter().any(|other| is_same(one, other));
    one.iter().all(|it| has(other, it)) && other.iter().all(|it| has(one, it))
}

/// Whether two specifiers allow the same Pythons: uv writes them down in a form of its own. None if
/// that cannot be known, as of single versions that are left out.
fn same_pythons(one: &str, other: &str) -> Option<bool> {
    if [one, other].iter().any(|text| text.contains("!=")) {
        return None;
    }
    let [one, other] = [one, other].map(|text| VersionSpecifiers::from_str(text).ok());
    let (one, other) = (one?, other?);
    let stated = one.iter().chain(other.iter()).flat_map(|specifier| {
        let release = specifier.version().release().to_vec();
        let next = release.iter().take(2).copied().chain([release.get(2).map_or(1, |it| it + 1)]);
        [Version::new(release.iter().copied()), Version::new(next)]
    });
    let series = (0..40).map(|minor| Version::new([3, minor]));
    Some(stated.chain(series).all(|python| one.contains(&python) == other.contains(&python)))
}

/// The comparisons of a specifier, as those of a dependency are written.
fn versions(specifier: &str) -> BTreeSet<String> {
    match VersionSpecifiers::from_str(specifier) {
        Ok(all) => all.iter().map(ToString::to_string).collect(),
        Err(_) => BTreeSet::from([specifier.to_owned()]),
    }
}

//! Names of images, short and in full.

use std::fmt;

/// An image's name with nothing left out: `python` is `docker.io/library/python:latest`.
///
/// It follows `distribution/reference`, by which every client and daemon reads such names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName {
    registry: String,
    path: String,
    /// None only beside a digest.
    tag: Option<String>,
    digest: Option<String>,
}

/// Text that is not an image's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidImageName {
    /// The text.
    pub name: String,
    /// What is wrong with it, as a lower-case fragment.
    pub problem: &'static str,
}

const HUB: &str = "docker.io";

impl ImageName {
    /// Reads `[registry/]path[:tag][@digest]`; without tag and digest, the tag is `latest`.
    ///
    /// What stands before the first slash is a registry if it has a dot, a colon or a capital
    /// letter, or is `localhost`.
    ///
    /// # Errors
    ///
    /// When a part of it has characters that are not allowed there.
    pub fn parse(name: &str) -> Result<Self, InvalidImageName> {
        let invalid = |problem| InvalidImageName { name: name.to_owned(), problem };
        let (rest, digest) = match name.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (name, None),
        };
        let (registry, rest) = match rest.split_once('/') {
            Some(("index.docker.io", rest)) => (HUB, rest),
            Some((registry, rest)) if is_registry(registry) => (registry, rest),
            _ => (HUB, rest),
        };
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, digest.is_none().then_some("latest")),
        };
        if path.contains(|c: char| c.is_ascii_uppercase()) {
            return Err(invalid("capital letters are only allowed in registries and tags"));
        }
        if !path.split('/').all(is_component) {
            return Err(invalid("expected a name such as python:3.12 or ghcr.io/org/image"));
        }
        if !tag.is_none_or(is_tag) {
            return Err(invalid("its tag has characters that are not allowed"));
        }
        if !digest.is_none_or(is_digest) {
            return Err(invalid("its digest is not one such as sha256:…"));
        }
        let official = registry == HUB && !path.contains('/');
        Ok(Self {
            registry: registry.to_owned(),
            path: if official { format!("library/{path}") } else { path.to_owned() },
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// The same image, pinned; an empty digest pins nothing.
    #[must_use]
    pub fn with_digest(mut self, digest: &str) -> Self {
        if !digest.is_empty() {
            self.digest = Some(digest.to_owned());
        }
        self
    }

    /// The digest that it is pinned to.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Whether it may be the other on a mirror, which has it below the same path or a folder of its own
    /// for that registry: `mirror.example/hub/library/python:3` is `python:3`.
    pub fn is_mirrored(&self, other: &Self) -> bool {
        let is_below = |one: &str, other: &str| {
            one.strip_suffix(other).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        };
        (&self.tag, &self.digest) == (&other.tag, &other.digest)
            && (is_below(&self.path, &other.path) || is_below(&other.path, &self.path))
    }

    /// As its registry has it under its tag, whatever it is pinned to; with its digest if it has no
    /// tag.
    pub fn tagged(&self) -> String {
        let digest = self.digest.clone().filter(|_| self.tag.is_none());
        Self { digest, ..self.clone() }.to_string()
    }

    /// As people write it, without `docker.io/library/` and `:latest`: what the build contexts
    /// that replace images are named by.
    pub fn familiar(&self) -> String {
        let full = self.to_string();
        let hub = full.strip_prefix("docker.io/").unwrap_or(&full);
        let official = hub.strip_prefix("library/").filter(|_| self.registry == HUB);
        let short = official.filter(|name| !name.contains('/')).unwrap_or(hub);
        short.strip_suffix(":latest").unwrap_or(short).to_owned()
    }
}

fn is_registry(text: &str) -> bool {
    text == "localhost" || text.contains(|c: char| c == '.' || c == ':' || c.is_ascii_uppercase())
}

/// Runs of small letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_component(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && text.split(alphanumeric).all(|separator| {
            matches!(separator, "" | "." | "_" | "__") || separator.chars().all(|c| c == '-')
        })
}

fn is_tag(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hash)| {
        !algorithm.is_empty() && hash.len() >= 32 && hash.chars().all(|c| c.is_ascii_hexdigit())
    })
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl fmt::Display for InvalidImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not the name of an image: {}", self.name, self.problem)
    }
}

impl std::error::Error for InvalidImageName {}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    #[test]
    fn names_in_full_and_as_people_write_them() {
        for (name, full, familiar) in [
            ("python", "docker.io/library/python:latest", "python"),
            ("python:3.12-slim", "docker.io/library/python:3.12-slim", "python:3.12-slim"),
            ("docker.io/python", "docker.io/library/python:latest", "python"),
            ("index.docker.io/a/b", "docker.io/a/b:latest", "a/b"),
            ("library/python:latest", "docker.io/library/python:latest", "python"),
            ("nvidia/cuda:12.6", "docker.io/nvidia/cuda:12.6", "nvidia/cuda:12.6"),
            ("localhost/a", "localhost/a:latest", "localhost/a"),
            ("localhost:5000/a:1", "localhost:5000/a:1", "localhost:5000/a:1"),
            ("ghcr.io/o/library/x__y:V1", "ghcr.io/o/library/x__y:V1", "ghcr.io/o/library/x__y:V1"),
            ("[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a"),
        ] {
            let parsed = ImageName::parse(name).unwrap();
            assert_eq!(parsed.to_string(), full);
            assert_eq!(parsed.familiar(), familiar);
            assert_eq!(ImageName::parse(familiar).unwrap(), parsed);
        }
    }

    #[test]
    fn a_digest_stands_beside_the_tag() {
        let name = ImageName::parse("python:3").unwrap().with_digest(DIGEST);
        assert_eq!(name.to_string(), format!("docker.io/library/python:3@{DIGEST}"));
        assert_eq!(ImageName::parse(&name.to_string()).unwrap(), name);
        let untagged = ImageName::parse(&format!("python@{DIGEST}")).unwrap();
        assert_eq!(untagged.to_string(), format!("docker.io/library/python@{DIGEST}"));
        assert_eq!(untagged.clone().with_digest(""), untagged);
    }

    #[test]
    fn what_a_mirror_has() {
        let name = |text: &str| ImageName::parse(text).unwrap();
        for (other, is_it) in [
            ("python:3", true),
            ("mirror.example/library/python:3", true),
            ("mirror.example/hub/library/python:3", true),
            ("mirror.example/python:3", true),
            ("mirror.example/library/python:3.1", false),
            ("mirror.example/library/python", false),
            ("mirror.example/corp/python:3", false),
            ("mirror.example/mylibrary/python:3", false),
            ("mirror.example/library/cpython:3", false),
        ] {
            assert_eq!(name("python:3").is_mirrored(&name(other)), is_it, "{other}");
            assert_eq!(name(other).is_mirrored(&name("python:3")), is_it, "{other}");
        }
        let pinned = name("mirror.example/python:3").with_digest(DIGEST);
        assert!(!pinned.is_mirrored(&name("python:3")));
        assert!(pinned.is_mirrored(&name("python:3").with_digest(DIGEST)));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in [
            "",
            "Python",
            "a b",
            "a/",
            "/a",
            "a:",
            "a:b:c",
            "a..b",
            "a_-b",
            "-a",
            "a@sha256:1",
            "ä",
        ] {
            assert!(ImageName::parse(name).is_err(), "{name}");
        }
    }
}

//! Git remotes as people write them.

use std::{collections::BTreeMap, fmt};

use llb::Git;

use crate::{options::boolean, paths::below_root};

/// A git remote, with what was said in its fragment (`#ref:subdir`) and its query
/// (`?branch=main&subdir=src`, from BuildKit 0.24 on).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitUrl {
    /// The remote as git takes it, without fragment and query.
    pub remote: String,
    /// How it is reached.
    pub transport: Transport,
    /// Host and path, which BuildKit's cache knows it by whatever the transport.
    identity: String,
    /// A branch, tag, full name of a ref, or commit; none for the remote's default branch.
    pub reference: Option<String>,
    /// A folder in it, without slashes around it; empty for all.
    pub subdir: String,
    /// The commit that the ref must be.
    pub checksum: Option<String>,
    /// Whether the checkout keeps its `.git` folder, if it was said.
    pub keep_git_dir: Option<bool>,
    /// Whether submodules are fetched, if it was said.
    pub submodules: Option<bool>,
    /// Whether files have the time of the commit, in place of that of the checkout (BuildKit 0.29).
    pub time_of_commit: bool,
    /// Whether the checksum is fetched, and nothing asked of the ref (BuildKit 0.30).
    pub fetch_by_commit: bool,
}

/// How a git remote is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// `https://`
    Https,
    /// `http://`
    Http,
    /// `ssh://`, or `user@host:path`
    Ssh,
    /// `git://`
    Git,
}

/// Why text is not a git URL. The message never repeats the URL: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidGitUrl(String);

/// A URL in pieces, still encoded.
struct Parts<'a> {
    transport: Transport,
    /// As it was written, but for the case of its scheme.
    remote: String,
    host: &'a str,
    path: &'a str,
}

impl GitUrl {
    /// Reads a URL that is meant as git's: `https://…`, `http://…`, `ssh://…`, `git://…` or
    /// `user@host:path`, with a fragment and a query if wanted.
    ///
    /// # Errors
    ///
    /// When it is none of these, or its query has a key that BuildKit does not know or that
    /// contradicts the rest.
    pub fn parse(text: &str) -> Result<Self, InvalidGitUrl> {
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        let parts = Parts::of(text)
            .ok_or_else(|| invalid("expected https://, ssh://, git:// or user@host:path"))?;
        if parts.host.is_empty() {
            return Err(invalid("there is no host in it"));
        }
        let (reference, subdir) = fragment.split_once(':').unwrap_or((fragment, ""));
        let mut url = Self {
            identity: format!("{}/{}", parts.host, below_root(parts.path)),
            remote: parts.remote,
            transport: parts.transport,
            reference: Some(decode(reference)).filter(|reference| !reference.is_empty()),
            subdir: below_root(&decode(subdir)),
            checksum: None,
            keep_git_dir: None,
            submodules: None,
            time_of_commit: false,
            fetch_by_commit: false,
        };
        url.apply(&query_values(query)?)?;
        Ok(url)
    }

    /// Reads a build context that may be a git URL: `None` if it is something else.
    ///
    /// An `http` or `https` URL is git's if its path ends in `.git`; `github.com/…` is git's
    /// too, as it always was (`frontend/dockerfile/dfgitutil/git_ref.go`).
    pub fn detect(text: &str) -> Option<Result<Self, InvalidGitUrl>> {
        if text.starts_with("github.com/") {
            return Some(Self::parse(&format!("https://{text}")));
        }
        let parts = Parts::of(text.split(['?', '#']).next().unwrap_or(text))?;
        let web = matches!(parts.transport, Transport::Http | Transport::Https);
        (!web || parts.path.ends_with(".git")).then(|| Self::parse(text))
    }

    fn apply(&mut self, query: &BTreeMap<String, String>) -> Result<(), InvalidGitUrl> {
        let mut references: Vec<String> = self.reference.take().into_iter().collect();
        for (key, value) in query {
            let flag = || match value.as_str() {
                "" => Ok(true),
                value => boolean(value).map_err(|expected| invalid(format!("{key}: {expected}"))),
            };
            match key.as_str() {
                "submodules" => self.submodules = Some(flag()?),
                "keep-git-dir" => self.keep_git_dir = Some(flag()?),
                "fetch-by-commit" => self.fetch_by_commit = flag()?,
                key if value.is_empty() => return Err(invalid(format!("{key} has no value"))),
                "ref" => references.push(value.clone()),
                "tag" => references.push(qualified("refs/tags/", value)),
                "branch" => references.push(qualified("refs/heads/", value)),
                "subdir" => {
                    let subdir = below_root(value);
                    if !self.subdir.is_empty() && self.subdir != subdir {
                        return Err(invalid(format!("two subdirs, {} and {subdir}", self.subdir)));
                    }
                    self.subdir = subdir;
                }
                "checksum" | "commit" => self.checksum = Some(value.clone()),
                "mtime" => match value.as_str() {
                    "checkout" => self.time_of_commit = false,
                    "commit" => self.time_of_commit = true,
                    _ => return Err(invalid("mtime: expected checkout or commit")),
                },
                key => return Err(invalid(format!("{key} is not a key of such URLs"))),
            }
        }
        references.dedup();
        if let [one, another, ..] = &references[..] {
            return Err(invalid(format!("two refs, {one} and {another}")));
        }
        self.reference = references.pop();
        Ok(())
    }

    /// The source that checks it out.
    pub fn source(&self) -> Git {
        let mut identifier = self.identity.clone();
        if self.reference.is_some() || !self.subdir.is_empty() {
            identifier.push('#');
            identifier.push_str(self.reference.as_deref().unwrap_or_default());
        }
        if !self.subdir.is_empty() {
            identifier.push(':');
            identifier.push_str(&self.subdir);
        }
        let mut git = Git::new(identifier, &self.remote);
        if self.transport == Transport::Ssh {
            // The id of the agent that `--ssh default` forwards.
            git = git.ssh("default");
        }
        if let Some(commit) = &self.checksum {
            git = git.checksum(commit);
        }
        if self.keep_git_dir == Some(true) {
            git = git.keep_git_dir();
        }
        if self.submodules == Some(false) {
            git = git.skip_submodules();
        }
        if self.time_of_commit {
            git = git.time_of_commit();
        }
        if self.fetch_by_commit {
            git = git.fetch_by_commit();
        }
        git
    }
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Self::of_scp(text);
        };
        let scheme = scheme.to_ascii_lowercase();
        let transport = match scheme.as_str() {
            "https" => Transport::Https,
            "http" => Transport::Http,
            "ssh" => Transport::Ssh,
            "git" => Transport::Git,
            _ => return None,
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        Some(Self { transport, remote: format!("{scheme}://{rest}"), host, path })
    }

    /// `user@host:path`, by which `scp` and git mean SSH.
    fn of_scp(text: &'a str) -> Option<Self> {
        let word = |text: &str, more: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        let (user, rest) = text.split_once('@')?;
        let (host, path) = rest.split_once(':')?;
        let parts = Self { transport: Transport::Ssh, remote: text.to_owned(), host, path };
        (word(user, "-_") && word(host, "-.")).then_some(parts)
    }
}

fn qualified(prefix: &str, name: &str) -> String {
    if name.starts_with(prefix) { name.to_owned() } else { format!("{prefix}{name}") }
}

fn query_values(query: &str) -> Result<BTreeMap<String, String>, InvalidGitUrl> {
    let mut values = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode(&key.replace('+', " ")), decode(&value.replace('+', " ")));
        if values.contains_key(&key) {
            return Err(invalid(format!("{key} is given twice")));
        }
        values.insert(key, value);
    }
    Ok(values)
}

/// Undoes percent-encoding; what is none stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let encoded = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = encoded {
            bytes.push(high << 4 | low);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

fn invalid(problem: impl Into<String>) -> InvalidGitUrl {
    InvalidGitUrl(problem.into())
}

impl fmt::Display for InvalidGitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a git URL that BuildKit takes: {}", self.0)
    }
}

impl std::error::Error for InvalidGitUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Identifier, remote, transport: what the daemon gets to see.
    fn seen(text: &str) -> (String, String, Transport) {
        let url = GitUrl::parse(text).unwrap();
        (url.source().to_op().identifier, url.remote, url.transport)
    }

    #[test]
    fn remotes() {
        use Transport::{Git, Http, Https, Ssh};
        for (text, identifier, remote, transport) in [
            ("https://h.io/o/r.git", "h.io/o/r.git", "https://h.io/o/r.git", Https),
            ("HTTP://h.io/o/r", "h.io/o/r", "http://h.io/o/r", Http),
            ("git://h.io:1234/p/r.git", "h.io:1234/p/r.git", "git://h.io:1234/p/r.git", Git),
            ("git@h.io:o/r.git", "h.io/o/r.git", "git@h.io:o/r.git", Ssh),
            ("dev@h.io:/srv/r.git", "h.io/srv/r.git", "dev@h.io:/srv/r.git", Ssh),
            ("ssh://git@h.io:22/o/r.git", "h.io:22/o/r.git", "ssh://git@h.io:22/o/r.git", Ssh),
            ("ssh://u@h.io/~/r.git", "h.io/~/r.git", "ssh://u@h.io/~/r.git", Ssh),
            ("https://u:p@h.io/r.git", "h.io/r.git", "https://u:p@h.io/r.git", Https),
            ("https://h.io//o//r.git", "h.io/o/r.git", "https://h.io//o//r.git", Https),
        ] {
            let (seen_identifier, seen_remote, seen_transport) = seen(text);
            assert_eq!(seen_identifier, format!("git://{identifier}"), "{text}");
            assert_eq!((seen_remote.as_str(), seen_transport), (remote, transport), "{text}");
        }
    }

    #[test]
    fn refs_and_folders() {
        for (suffix, identifier) in [
            ("#v1", "#v1"),
            ("#baz/qux:quux/quuz", "#baz/qux:quux/quuz"),
            ("#:myfolder", "#:myfolder"),
            ("#main:/a/../../b/", "#main:b"),
            ("#", ""),
            ("#a%20b:c%2Fd", "#a b:c/d"),
            ("?ref=v1&subdir=/sub", "#v1:sub"),
            ("?subdir=sub#v1", "#v1:sub"),
            ("?tag=v1", "#refs/tags/v1"),
            ("?tag=refs/tags/v1", "#refs/tags/v1"),
            ("?branch=v1.0", "#refs/heads/v1.0"),
            ("?ref=v1#v1", "#v1"),
            ("?mtime=checkout", ""),
            ("?subdir=a+b%2Bc", "#:a b+c"),
        ] {
            for remote in ["https://h.io/r.git", "git@h.io:r.git"] {
                let (seen, ..) = seen(&format!("{remote}{suffix}"));
                assert_eq!(seen, format!("git://h.io/r.git{identifier}"), "{remote}{suffix}");
            }
        }
    }

    #[test]
    fn flags_become_attributes() {
        for (query, attribute) in [
            ("checksum=deadbeef", Some(("git.checksum", "deadbeef"))),
            ("commit=deadbeef", Some(("git.checksum", "deadbeef"))),
            ("keep-git-dir", Some(("git.keepgitdir", "true"))),
            ("keep-git-dir=1", Some(("git.keepgitdir", "true"))),
            ("keep-git-dir=false", None),
            ("submodules=false", Some(("git.skipsubmodules", "true"))),
            ("submodules", None),
            ("mtime=commit", Some(("git.mtime", "commit"))),
            ("fetch-by-commit", Some(("git.fetchbycommit", "true"))),
            ("fetch-by-commit=false", None),
        ] {
            let url = GitUrl::parse(&format!("https://h.io/r.git?{query}")).unwrap();
            let mut attrs = url.source().to_op().attrs;
            for always in ["git.fullurl", "git.authtokensecret", "git.authheadersecret"] {
                assert!(attrs.remove(always).is_some());
            }
            let attrs: Vec<_> = attrs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(attrs, Vec::from_iter(attribute), "{query}");
        }
        let ssh = GitUrl::parse("git@h.io:r.git").unwrap().source().to_op().attrs;
        assert_eq!(ssh["git.mountsshsock"], "default");
    }

    #[test]
    fn contexts_that_are_git() {
        for (text, git) in [
            ("https://example.com/", false),
            ("https://example.com/foo", false),
            ("https://example.com/foo.git", true),
            ("https://example.com/foo.git#main:sub", true),
            ("https://example.com/foo.git?tag=v1", true),
            ("https://example.com/foo.git/", false),
            ("https://example.com/foo.git.bar", false),
            ("https://example.com/archive.tar.gz#x.git", false),
            ("http://github.com/docker/docker.git:#branch", false),
            ("git://example.com/foo", true),
            ("ssh://git@example.com/foo", true),
            ("git@example.com:foo", true),
            ("github.com/moby/buildkit", true),
            ("github.com/moby/buildkit#master", true),
            ("custom.xyz/moby/buildkit.git", false),
            ("./.git", false),
            (".git", false),
            ("", false),
        ] {
            assert_eq!(GitUrl::detect(text).is_some(), git, "{text}");
        }
        let url = GitUrl::detect("github.com/moby/buildkit?tag=v1").unwrap().unwrap();
        assert_eq!(url.remote, "https://github.com/moby/buildkit");
    }

    #[test]
    fn what_buildkit_would_refuse_is_refused_in_words() {
        for (text, problem) in [
            ("./repo", "expected https://, ssh://, git:// or user@host:path"),
            ("httpx://h.io/r.git", "expected https://, ssh://, git:// or user@host:path"),
            ("https:///r.git", "there is no host in it"),
            ("https://h.io/r.git?ref=a#b", "two refs, b and a"),
            ("https://h.io/r.git?ref=a&tag=b", "two refs, a and refs/tags/b"),
            ("https://h.io/r.git?tag=a&branch=b", "two refs, refs/heads/b and refs/tags/a"),
            ("https://h.io/r.git?subdir=a#:b", "two subdirs, b and a"),
            ("https://h.io/r.git?ref", "ref has no value"),
            ("https://h.io/r.git?ref=a&ref=a", "ref is given twice"),
            ("https://h.io/r.git?keep-git-dir=perhaps", "keep-git-dir: expected true or false"),
            ("https://h.io/r.git?mtime=now", "mtime: expected checkout or commit"),
            ("https://h.io/r.git?depth=1", "depth is not a key of such URLs"),
        ] {
            assert_eq!(GitUrl::parse(text).unwrap_err().0, problem, "{text}");
        }
    }
}

//! URLs: of git remotes, package indexes and hubs.

use super::{Read, expected};
use crate::{
    mistake::{Mistake, quote},
    secret::is_signed,
    url::Url,
};

/// Hosts whose name alone tells that a git remote is meant.
const GIT_HOSTS: [&str; 4] = ["github.com/", "gitlab.com/", "bitbucket.org/", "codeberg.org/"];

/// Where the password of a package index goes, and of a page.
const CREDENTIALS: &str = "give the URL without them, and name the build secret that has them by the \
                           host: `credentials: {HOST: secret:my_index}`";

/// Where the token of a hub goes, and of a file.
pub(super) const TOKEN: &str =
    "give the URL without them, and name a build secret: `token: secret:my_token`";

/// The URL of a package index, which is the same with and without a slash at its end.
pub fn index(text: &str) -> Read<String> {
    let url = http(text, "a URL such as `https://pypi.org/simple`", CREDENTIALS)?;
    Ok(url.trim_end_matches('/').to_owned())
}

/// The URL of a page with links to packages.
pub fn page(text: &str) -> Read<String> {
    http(text, "a URL such as `https://example.org/wheels.html`", CREDENTIALS)
}

/// The URL of a model hub, without a slash at its end.
pub fn hub(text: &str) -> Read<String> {
    let url = http(text, "a URL such as `https://huggingface.co`", TOKEN)?;
    Ok(url.trim_end_matches('/').to_owned())
}

/// A git remote: `https://…`, `ssh://…`, `git://…` or `git@host:path`, the transports of
/// BuildKit's `util/gitutil/git_url.go`.
pub fn git(text: &str) -> Read<String> {
    if !is_plain(text) || text.starts_with('-') {
        return Err(not_git(text));
    }
    if let Some(url) = Url::parse(text) {
        let user = url.user();
        match url.scheme {
            "https" | "http" if user.is_some() => {
                return Err(credentials("name a build secret: `token: secret:my_token`"));
            }
            "ssh" if user.is_some_and(|user| user.contains(':')) => {
                return Err(credentials(
                    "an SSH agent has the key: `docker buildx build --ssh default`",
                ));
            }
            "https" | "http" | "ssh" | "git" if url.rest.len() > 1 => {}
            _ => return Err(not_git(text)),
        }
    } else if !is_scp(text) {
        return Err(not_git(text));
    }
    without_options(text)
}

/// A git remote or a folder of the build context, whichever it looks like.
pub fn source(text: &str) -> Read<String> {
    if looks_like_git(text) { git(text) } else { super::context(text) }
}

/// Whether a remote is reached by SSH.
pub fn is_ssh(url: &str) -> bool {
    url.starts_with("ssh://") || is_scp(url)
}

/// Whether the short form of `code` means a git remote rather than a folder.
pub fn looks_like_git(text: &str) -> bool {
    text.contains("://") || is_scp(text) || has_git_host(text)
}

/// `#ref:subdir` and `?ref=…`, which build contexts can have.
fn without_options(text: &str) -> Read<String> {
    let Some(at) = text.find(['#', '?']) else {
        return Ok(text.to_owned());
    };
    let (url, options) = text.split_at(at);
    let help = match options.strip_prefix('#').map(|fragment| fragment.split_once(':')) {
        Some(Some((reference, subdir))) if !reference.is_empty() => {
            format!("write `git: {url}`, `ref: {reference}` and `subdir: {subdir}`")
        }
        Some(Some((_, subdir))) => format!("write `git: {url}` and `subdir: {subdir}`"),
        Some(None) => {
            let reference = options.trim_start_matches('#');
            format!("write `git: {url}` and `ref: {reference}`")
        }
        None => format!("write `git: {url}`, and what follows as `ref` and `subdir`"),
    };
    Err(Mistake::new(format!("{} is not part of a remote", quote(options))).help(help))
}

/// An `http` URL without credentials; `url` says what is expected, `instead` where they go.
pub(super) fn http(text: &str, url: &str, instead: &str) -> Read<String> {
    let parsed = Url::parse(text).filter(|url| ["https", "http"].contains(&url.scheme));
    match parsed.map(|url| url.authority).filter(|_| is_plain(text)) {
        None | Some("") => Err(expected(url, text)),
        Some(authority) if authority.contains('@') || is_signed(text) => Err(credentials(instead)),
        Some(_) => Ok(text.to_owned()),
    }
}

fn not_git(text: &str) -> Mistake {
    let mistake = expected("a git remote such as `https://github.com/org/name.git`", text);
    match text.split_once("://") {
        None if has_git_host(text) => mistake.help(format!("write `https://{text}`")),
        None => mistake.help("a folder of the build context goes under `context`"),
        Some(_) => mistake,
    }
}

/// Credentials are not repeated: the message is seen by more people than the manifest.
pub fn credentials(help: &str) -> Mistake {
    Mistake::new("a URL with credentials in it: everyone who gets the image could read them")
        .help(help)
}

fn has_git_host(text: &str) -> bool {
    GIT_HOSTS.iter().any(|host| text.starts_with(host))
}

/// `user@host:path`, as BuildKit's `util/sshutil/scpurl.go` knows it.
fn is_scp(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let Some(((user, host), path)) =
        text.split_once(':').and_then(|(host, path)| Some((host.split_once('@')?, path)))
    else {
        return false;
    };
    let named = !user.is_empty() && user.chars().all(|c| word(c) || c == '_');
    let hosted = !host.is_empty() && host.chars().all(|c| word(c) || c == '.');
    named && hosted && !path.is_empty()
}

fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

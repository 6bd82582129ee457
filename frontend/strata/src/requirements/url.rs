//! URLs in requirements: which of them a build can use, and what they tell.

use crate::{
    mistake::{Mistake, quote},
    secret::is_signed,
    url::Url,
};

/// What pip takes for a package when it is a file.
const ARCHIVES: [&str; 13] = [
    ".whl",
    ".zip",
    ".tar.gz",
    ".tgz",
    ".tar",
    ".tar.bz2",
    ".tbz",
    ".tar.xz",
    ".txz",
    ".tlz",
    ".tar.lz",
    ".tar.lzma",
    ".egg",
];

/// The schemes that pip takes a requirement for a URL by, before a `+` or by themselves.
const SCHEMES: [&str; 8] = ["http", "https", "file", "ftp", "git", "hg", "svn", "bzr"];

/// Whether a requirement is a URL by itself, not `name @ url`.
pub(super) fn is_bare(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_lowercase());
    scheme.is_some_and(|scheme| {
        let kind = scheme.split('+').next().unwrap_or_default();
        SCHEMES.contains(&kind) && scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '+')
    })
}

/// The URL of a package that a person requires, if a build can fetch it. One that is signed would be
/// in the image's lock; what an index leads to may be.
pub(super) fn check_written(url: &str) -> Result<String, Mistake> {
    if is_signed(url) {
        return Err(credentials());
    }
    check(url)
}

/// The URL of a package, if a build can fetch it.
pub(crate) fn check(url: &str) -> Result<String, Mistake> {
    refuse_path(url)?;
    refuse_credentials(url)?;
    let scheme = Url::parse(url).filter(|_| has_host(url)).map(|url| url.scheme.to_lowercase());
    match scheme.unwrap_or_default().as_str() {
        "https" | "http" | "git+https" | "git+http" => Ok(url.to_owned()),
        "git+ssh" => Ok(format!("git+{}", over_https(&url["git+".len()..]))),
        _ => Err(Mistake::new(format!("{} is no URL that a build can fetch", quote(url)))
            .help("these are: `https://`, `http://`, `git+https://`, `git+http://`, `git+ssh://`")),
    }
}

/// A git remote by HTTPS, if it is reached by SSH: `ssh://git@host/path`, `git@host:path`. Where
/// packages are resolved and built there is no key, and forges have the same for a login.
pub(crate) fn over_https(remote: &str) -> String {
    let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let (host, path) = match Url::parse(remote).filter(|url| url.scheme == "ssh") {
        Some(url) => {
            let (host, rest) = (url.host(), url.rest);
            let port = url.address()[host.len()..].trim_start_matches(':');
            // `ssh://git@host:org/name` is a slip that means the other form.
            let is_port = port.bytes().all(|it| it.is_ascii_digit());
            (host, if is_port { rest.to_owned() } else { format!("{port}{rest}") })
        }
        None => match remote
            .split_once('@')
            .and_then(|(user, rest)| Some((user, rest.split_once(':')?)))
        {
            Some((user, (host, path))) if word(user) && word(host) => (host, path.to_owned()),
            _ => return remote.to_owned(),
        },
    };
    format!("https://{host}/{}", path.trim_start_matches('/'))
}

/// The URL of an index, or of a page with links.
pub(crate) fn check_page(url: &str) -> Result<String, Mistake> {
    refuse_credentials(url)?;
    if is_signed(url) {
        return Err(credentials());
    }
    if Url::parse(url).is_some_and(|it| ["https", "http"].contains(&it.scheme)) && has_host(url) {
        return Ok(url.to_owned());
    }
    let mistake = Mistake::new(format!("{} is not an http or https URL", quote(url)));
    Err(mistake.help("a build sees no folders of yours: serve the packages from an index"))
}

/// The same of a URL that may have variables in its user part, `https://${USER}:${TOKEN}@…`: they are
/// left out, and the host comes with it, for which a build has to be told the login.
pub(crate) fn check_index_page(url: &str) -> Result<(String, Option<String>), Mistake> {
    let is_variable = |part: &str| part.starts_with('$') && part.len() > 1;
    let asks_by_variables =
        |url: &Url<'_>| url.user().is_some_and(|it| it.split(':').all(is_variable));
    let Some(parts) = Url::parse(url).filter(asks_by_variables) else {
        return Ok((check_page(url)?, None));
    };
    let Url { scheme, rest, .. } = parts;
    let page = check_page(&format!("{scheme}://{}{rest}", parts.address()))?;
    Ok((page, Some(parts.host().to_owned())))
}

fn has_host(url: &str) -> bool {
    let starts_with_host =
        |url: Url<'_>| !url.authority.is_empty() && !url.authority.starts_with(':');
    Url::parse(url).is_some_and(starts_with_host) && !url.contains(char::is_whitespace)
}

/// The name of the project that a URL leads to, if it tells: that of a wheel, or `#egg=name`.
pub(super) fn project(url: &str) -> Result<Option<String>, Mistake> {
    let (path, fragment) = url.split_once('#').unwrap_or((url, ""));
    let path = path.split('?').next().unwrap_or(path);
    let file = path.rsplit('/').next().unwrap_or(path);
    if let Some(wheel) = file.strip_suffix(".whl") {
        let parts: Vec<&str> = wheel.split('-').collect();
        return match parts[..] {
            [name, _, _, _, _] | [name, _, _, _, _, _] => Ok(Some(name.to_owned())),
            _ => Err(Mistake::new(format!("{} is not the name of a wheel", quote(file)))
                .help("it has five or six parts: `name-version-python-abi-platform.whl`")),
        };
    }
    let egg = fragment.split('&').find_map(|part| part.strip_prefix("egg="));
    Ok(egg.and_then(|egg| egg.split('[').next()).map(str::to_owned))
}

/// Refuses what pip would look for on the disk.
pub(super) fn refuse_path(text: &str) -> Result<(), Mistake> {
    let before_url = text.split(['@', ';']).next().unwrap_or(text).trim_end();
    let is_url = text.contains("://") && !text.starts_with("file:");
    let is_path = text.starts_with(['.', '/', '~']) || before_url.contains('/');
    let is_archive = ARCHIVES.iter().any(|ending| before_url.ends_with(ending));
    if text.starts_with("file:") || !is_url && (is_path || is_archive) {
        let mistake = Mistake::new(format!("{} is a path, not a package", quote(text)));
        return Err(mistake.help("your own code goes under `code`; a wheel belongs in an index"));
    }
    Ok(())
}

/// Refuses a URL with a password or token in it, without repeating it.
fn refuse_credentials(url: &str) -> Result<(), Mistake> {
    let Some(parts) = Url::parse(url) else { return Ok(()) };
    let scheme = parts.scheme;
    // The user of all forges, and no secret: `git+https://git@github.com/…`.
    let is_git = |user: &str| user == "git" && scheme.starts_with("git+");
    let is_secret = |user: &str| user.contains(':') || !scheme.ends_with("ssh") && !is_git(user);
    if parts.user().is_some_and(is_secret) {
        return Err(credentials());
    }
    Ok(())
}

fn credentials() -> Mistake {
    Mistake::new("a URL with credentials in it: everyone who gets the image could read them")
        .help("pip takes them from the build secret `netrc`: `--secret id=netrc,src=…`")
}

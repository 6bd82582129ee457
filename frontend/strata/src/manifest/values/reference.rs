//! References of git: branches, tags, commits.

use super::Read;
use crate::mistake::{Mistake, quote};

/// A branch, a tag or a full commit.
///
/// Git can't fetch an abbreviated commit from a remote, so one is told apart here. It looks like
/// seven or more lower-case hexadecimal digits with a letter and a digit among them: what git
/// prints, but for one in a thousand. Words such as `deadbeef`, and dates such as `20260131`, are
/// names. Whoever names a branch `1a2b3c4` can still say `refs/heads/1a2b3c4`.
pub fn reference(text: &str) -> Read<String> {
    if is_commit(text) {
        return Ok(text.to_ascii_lowercase());
    }
    if is_abbreviated(text) {
        let message = format!("{} is an abbreviated commit, which no remote can find", quote(text));
        let help = format!(
            "write all of it (`git rev-parse {text}`); \
             a branch or tag of that name is `refs/heads/{text}` or `refs/tags/{text}`"
        );
        return Err(Mistake::new(message).help(help));
    }
    match forbidden(text) {
        None => Ok(text.to_owned()),
        Some(why) => {
            let message = format!("{} can't be a branch, tag or commit: {why}", quote(text));
            Err(Mistake::new(message))
        }
    }
}

/// A whole commit, SHA-1 or SHA-256.
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The beginning of a commit, as git prints it.
pub fn is_abbreviated(text: &str) -> bool {
    (7..40).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().any(|b| b.is_ascii_lowercase())
}

/// What git-check-ref-format(1) has against a name.
fn forbidden(text: &str) -> Option<&'static str> {
    let components = || text.split('/');
    match text {
        "" => Some("it is empty"),
        "@" => Some("`@` is git's own"),
        _ if text.starts_with('-') => Some("it begins with `-`"),
        _ if text.contains(|c: char| c.is_whitespace() || c.is_control()) => {
            Some("it has a space or a control character")
        }
        _ if text.contains(['~', '^', ':', '?', '*', '[', '\\']) => {
            Some("it has one of `~^:?*[\\`")
        }
        _ if text.contains("..") || text.contains("@{") => Some("it has `..` or `@{`"),
        _ if text.ends_with('.') => Some("it ends with `.`"),
        _ if components().any(str::is_empty) => Some("it has a `/` too many"),
        _ if components().any(|part| part.starts_with('.') || part.ends_with(".lock")) => {
            Some("a part of it begins with `.` or ends with `.lock`")
        }
        _ => None,
    }
}

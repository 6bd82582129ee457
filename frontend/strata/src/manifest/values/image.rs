//! References of images, by the grammar of
//! <https://pkg.go.dev/github.com/distribution/reference>.

use super::{Read, expected};
use crate::mistake::{Mistake, quote};

/// The longest name of a repository, with its registry.
const LONGEST: usize = 255;

/// A reference to an image, as written: `python:3.12-slim`.
pub fn image(text: &str) -> Read<String> {
    if text == "scratch" {
        let help = "name an image with a Python, or one that `system.python` can install it on";
        return Err(Mistake::new("`scratch` is empty: there is no Python on it").help(help));
    }
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    // A colon is a tag's if no slash comes after it; otherwise it is a port's.
    let (name, tag) = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (name, None),
    };
    if is_name(name) && tag.is_none_or(is_tag) && digest.is_none_or(is_digest) {
        return Ok(text.to_owned());
    }
    let mistake = expected("an image such as `python:3.12-slim`", text);
    Err(match name {
        _ if text.contains("://") => mistake.help("write it without the scheme"),
        _ if digest.is_some_and(|digest| !is_digest(digest)) => {
            mistake.help("a digest is `@sha256:` and 64 hexadecimal digits")
        }
        _ if !is_name(name) && is_name(&name.to_lowercase()) => {
            mistake.help(format!("names are lower-case: {}", quote(&name.to_lowercase())))
        }
        _ => mistake,
    })
}

fn is_name(name: &str) -> bool {
    let path = match name.split_once('/') {
        Some((registry, path)) if is_registry(registry) => path,
        _ => name,
    };
    name.len() <= LONGEST && path.split('/').all(is_component)
}

/// What comes before the first slash is a registry if it could not be a user's name.
fn is_registry(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "0"));
    let label = |label: &str| {
        let edge = |c: char| c.is_ascii_alphanumeric();
        label.starts_with(edge)
            && label.ends_with(edge)
            && label.chars().all(|c| edge(c) || c == '-')
    };
    let named = text.contains(['.', ':'])
        || text == "localhost"
        || text.contains(|c: char| c.is_ascii_uppercase());
    let address = host.starts_with('[') && text.contains(']');
    named && (address || host.split('.').all(label) && port.parse::<u16>().is_ok())
}

/// Lower-case letters and digits, with `.`, `_`, `__` or dashes between them.
fn is_component(text: &str) -> bool {
    let separators = |run: &str| matches!(run, "." | "_" | "__") || run.bytes().all(|b| b == b'-');
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(edge) && text.ends_with(edge) && text.split(edge).all(separators)
}

fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(word)
        && text.len() <= 128
        && text.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

fn is_digest(text: &str) -> bool {
    let hex = |length: usize, digits: &str| {
        digits.len() == length && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    match text.split_once(':') {
        Some(("sha256", digits)) => hex(64, digits),
        Some(("sha512", digits)) => hex(128, digits),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let sha = "a".repeat(64);
        let good = [
            "python",
            "python:3.12-slim",
            "nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04",
            "docker.io/library/python",
            "localhost/x",
            "localhost:5000/x/y_z/a__b:1",
            "registry.example.com:5000/team/app",
            "[::1]:5000/x",
            &format!("python@sha256:{sha}"),
            &format!("python:3@sha256:{sha}"),
            "a--b/c",
        ];
        for text in good {
            assert!(image(text).is_ok(), "{text}");
        }
        let bad = [
            "",
            " ",
            "python ",
            "Python",
            "python:",
            "python:-a",
            "a//b",
            "a..b",
            "a___b",
            "-a",
            "a-",
            "https://x/y",
            "a@b",
            "python@sha256:abc",
            "x:y:z",
            "é",
            "localhost:abc/x",
            "scratch",
        ];
        for text in bad {
            assert!(image(text).is_err(), "{text}");
        }
    }
}

//! Packages: the base's package manager's, and Python's.

use super::{Read, expected};
use crate::mistake::{Mistake, quote};

/// A package of the base's package manager, with a version if one is wanted, as that manager writes
/// it: apt's `curl=8.*`, apk's `curl~=8.5`, dnf's `curl-8.*`. Which of them the base has is not known
/// here; what would be an option, another command or a file is none of these.
pub fn system_package(text: &str) -> Read<String> {
    let operator = |c: char| matches!(c, '=' | '~' | '<' | '>');
    let (name, pin) = text.split_at(text.find(operator).unwrap_or(text.len()));
    let version = pin.trim_start_matches(operator);
    let pinned = match pin.strip_suffix(version) {
        Some("") => true,
        Some("=" | "~" | "~=" | "=~" | "<" | "<=" | ">" | ">=") => is_version(version),
        _ => false,
    };
    let mistake = || expected("a package such as `curl` or `curl=8.*`", text);
    match (is_name(name) && pinned, text.contains(char::is_whitespace)) {
        // apt takes `curl-` for "remove curl", and `curl=8-`, too.
        (true, _) if text.ends_with('-') => Err(mistake().help("it can't end in `-`")),
        (true, _) => Ok(text.to_owned()),
        (false, true) => Err(mistake().help("give each package an item of the list")),
        (false, false) => Err(mistake()),
    }
}

/// A name, with what managers write behind it without an operator: apt's `curl:arm64` and
/// `curl/trixie-backports`, apk's `curl@edge`, dnf's `curl.x86_64` and `curl-8.5.0-1.fc40`.
fn is_name(text: &str) -> bool {
    let versioned = text.match_indices("-").find(|(at, _)| {
        text.get(at + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    let (own, of_dnf) = text.split_at(versioned.map_or(text.len(), |(at, _)| at));
    let plain = |c: char| letter(c) || matches!(c, '+' | '-' | '.' | '_' | ':' | '/' | '@');
    // A `*` in the name itself would install whatever is called so.
    let of_version = |c: char| plain(c) || matches!(c, '*' | '^');
    let url = text.contains("//");
    text.starts_with(letter) && own.chars().all(plain) && of_dnf.chars().all(of_version) && !url
}

fn is_version(text: &str) -> bool {
    let inner = |c: char| letter(c) || matches!(c, '+' | '-' | '.' | '_' | ':' | '~' | '*' | '^');
    text.starts_with(|c| letter(c) || c == '*') && text.chars().all(inner)
}

fn letter(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

/// A requirement as pip takes it on its command line, but for options, paths and files; whether it
/// is one by PEP 508 is looked at where all requirements are.
pub fn requirement(text: &str) -> Read<String> {
    let trimmed = text.trim();
    let mistake = || expected("a requirement such as `torch==2.9.1`", text);
    let option = trimmed.split([' ', '=']).next().unwrap_or(trimmed);
    match option {
        "-e" | "--editable" => Err(Mistake::new(format!("{} is not a package", quote(text)))
            .help("your own code is not a dependency: it goes under `code`")),
        "-r" | "--requirement" | "-c" | "--constraint" => {
            Err(mistake().help("requirements files go under `python.requirements`"))
        }
        "-i" | "--index-url" => Err(mistake().help("an index goes under `python.index_url`")),
        "--extra-index-url" => Err(mistake().help("it goes under `python.extra_index_urls`")),
        _ if trimmed.starts_with('-') => Err(mistake().help("options of pip have no place here")),
        _ if trimmed.starts_with(['.', '/', '~']) || trimmed.starts_with("file:") => {
            Err(mistake().help("a path is not a package; your own code goes under `code`"))
        }
        _ if trimmed.is_empty() || trimmed.contains(char::is_control) => {
            Err(mistake().help("give each requirement an item of the list"))
        }
        _ => Ok(trimmed.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_written_as_each_manager_does() {
        let apt =
            ["curl=8.*", "curl=8.14.1-2+deb13u2", "tzdata=1:2025b~rc1-0", "curl/trixie-backports"];
        let apt_machines =
            ["libssl3:amd64", "libssl3:amd64=3.*", "g++", "libstdc++-14-dev", "gcc-13/trixie"];
        let apk = [
            "curl=8.5.0-r0",
            "curl~=8.5",
            "curl=~8.5",
            "curl~8.5",
            "curl>8",
            "curl>=8",
            "curl<9",
            "curl<=9",
        ];
        let apk_names =
            ["curl@edge", "curl@edge=8.5.0-r0", "py3.12:numpy", "so:libcurl.so.4", "7zip"];
        let dnf = ["curl-8.5.0-1.fc40", "curl-8.*", "curl.x86_64", "curl-0:8.5.0-1.fc40.x86_64"];
        let dnf_snapshots =
            ["gcc-c++-13.*", "foo-1.0~rc1-1.fc40", "foo-1.0^20240101git1234567-1.el9"];
        let all = [&apt[..], &apt_machines, &apk, &apk_names, &dnf, &dnf_snapshots].concat();
        for text in all {
            assert_eq!(system_package(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn options_and_files_and_what_a_shell_would_read_are_no_packages() {
        let options = [
            "-y",
            "--allow-unauthenticated",
            "-o=Dir::Etc=/x",
            "~i",
            "?installed",
            "!curl",
            "@core",
        ];
        // "Remove curl", "remove all that begins with curl" and "all packages", for apt.
        let removed = ["curl-", "curl:amd64-", "curl=8-", "curl*", "*"];
        let files = ["./x.deb", "/x.rpm", "https://example.org/x.rpm", "http://u:p@h/curl-1.rpm"];
        let shell = [
            "curl; ls", "curl;ls", "$(ls)", "curl`ls`", "curl|ls", "curl&", "curl>/x", "curl 'x'",
            "curl\nls",
        ];
        let pins =
            ["", "curl=", "curl~", "curl==8", "curl><8", "curl>8>7", "curl=-8", "curl=8/x", "=8"];
        for text in [&options[..], &removed, &files, &shell, &pins].concat() {
            system_package(text).expect_err(text);
        }
    }
}

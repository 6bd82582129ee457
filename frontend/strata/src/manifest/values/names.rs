//! Words with a small grammar of their own: names, numbers, yes and no.

use super::{Read, expected};
use crate::{
    manifest::template::is_name,
    mistake::{Mistake, nearest, quote},
    url::Url,
};

/// The longest name of a user; useradd(8).
const LONGEST_USER: usize = 32;

/// The signals of Linux on the platforms that images are built for; signal(7).
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Who runs the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// A name: the base's user of that name, otherwise one that is made.
    Name(String),
    /// Numbers, taken as they are; the group is the user's number if not given.
    Id {
        /// User.
        uid: u32,
        /// Group.
        gid: u32,
    },
}

/// Any text.
pub fn text(text: &str) -> Read<String> {
    Ok(text.to_owned())
}

/// The value of a variable. A password in a URL would be everyone's who gets the image or its
/// provenance.
pub fn variable_text(text: &str) -> Read<String> {
    if Url::all(text).filter_map(|url| url.user()).any(|user| user.contains(':')) {
        let words = "a URL with a password in it: everyone who gets the image could read it";
        return Err(
            Mistake::new(words).help("give it to the container when it runs: `docker run --env`")
        );
    }
    Ok(text.to_owned())
}

/// The name of a variable or a label.
pub fn key_name(text: &str) -> Read<()> {
    if text.is_empty() || text.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control()) {
        return Err(expected("a name", text));
    }
    if text.contains("${") {
        return Err(expected("a name", text).help("`${…}` is filled in within values only"));
    }
    Ok(())
}

/// The name of a build argument.
pub fn argument(text: &str) -> Read<()> {
    let name = "a name of letters, digits and `_`";
    is_name(text).then_some(()).ok_or_else(|| expected(name, text))
}

/// The name of a variant.
pub fn variant(text: &str) -> Read<()> {
    let valid = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && is_id(text);
    valid.then_some(()).ok_or_else(|| expected("a name of letters, digits, `-`, `_` and `.`", text))
}

/// `true` or `false`.
pub fn boolean(text: &str) -> Read<bool> {
    match text {
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        _ => Err(expected("`true` or `false`", text)),
    }
}

/// A whole number.
pub fn number(text: &str) -> Read<u32> {
    text.parse().map_err(|_| expected("a whole number", text))
}

/// `secret:NAME`: the id of a build secret.
pub fn secret(text: &str) -> Read<String> {
    match text.strip_prefix("secret:") {
        Some(id) if is_id(id) => Ok(id.to_owned()),
        // What stands there may be the token itself: it is not repeated.
        _ => Err(Mistake::new("expected `secret:` and the id of a build secret")
            .help("write `secret:my_token`, and build with `--secret id=my_token,env=MY_TOKEN`")),
    }
}

/// The id of an SSH agent socket, as in `--ssh default`.
pub fn socket(text: &str) -> Read<String> {
    if is_id(text) {
        return Ok(text.to_owned());
    }
    Err(expected("the id of an SSH socket such as `default`", text))
}

/// A user, by name or by number, by the rules of useradd(8).
pub fn user(text: &str) -> Read<User> {
    let numbers = match text.split_once(':') {
        Some((uid, gid)) => id(uid).zip(id(gid)),
        None => id(text).map(|uid| (uid, uid)),
    };
    if let Some((uid, gid)) = numbers {
        return Ok(User::Id { uid, gid });
    }
    let first = |c: char| c.is_ascii_lowercase() || c == '_';
    let rest = |c: char| first(c) || c.is_ascii_digit() || c == '-';
    if text.starts_with(first) && text.chars().all(rest) && text.len() <= LONGEST_USER {
        return Ok(User::Name(text.to_owned()));
    }
    let mistake = expected("a user such as `app`, `1000` or `1000:1000`", text);
    Err(match text.split_once(':') {
        Some((name, _)) if name.starts_with(first) => {
            mistake.help(format!("write `{name}`: the group is the user's own"))
        }
        _ => mistake,
    })
}

/// A signal, by name or by number; `TERM` is `SIGTERM`.
pub fn signal(text: &str) -> Read<String> {
    let is_within = |text: &str, first: u8, last: u8| {
        let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        is_digits && text.parse().is_ok_and(|number: u8| (first..=last).contains(&number))
    };
    // `RTMIN+1` to `RTMIN+15` and `RTMAX-14` to `RTMAX-1`, as
    // <https://pkg.go.dev/github.com/moby/sys/signal> names them.
    let is_real_time = |name: &str| {
        matches!(name, "RTMIN" | "RTMAX")
            || name.strip_prefix("RTMIN+").is_some_and(|offset| is_within(offset, 1, 15))
            || name.strip_prefix("RTMAX-").is_some_and(|offset| is_within(offset, 1, 14))
    };
    if is_within(text, 1, 64) {
        return Ok(text.to_owned());
    }
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    if SIGNALS.contains(&name) || is_real_time(name) {
        return Ok(format!("SIG{name}"));
    }
    let mistake = Mistake::new(format!("unknown signal {}", quote(text)));
    Err(match nearest(name, SIGNALS) {
        Some(near) => mistake.help(format!("did you mean `SIG{near}`?")),
        None => mistake,
    })
}

/// A user's or group's number; the highest one means "none" to the kernel.
fn id(text: &str) -> Option<u32> {
    text.parse().ok().filter(|id| *id < u32::MAX && text.bytes().all(|b| b.is_ascii_digit()))
}

fn is_id(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !text.is_empty() && text.chars().all(word)
}

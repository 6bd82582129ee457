//! What a log must not show: more people see a build's log than its manifest.

use gateway::without_credentials;

use crate::secret::is_secret;

/// What stands in the place of a secret.
const HIDDEN: &str = "…";

/// `text`, line for line, with `…` for credentials in URLs and for secrets written out.
pub(crate) fn without_secrets(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    // The indentation of the key that the lines below it are the value of.
    let mut below = None;
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            shown.push_str(line);
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if below.is_some_and(|key| indent > key) {
            shown.extend([&line[..indent], HIDDEN, "\n"]);
            continue;
        }
        below = begins_secret(line).then_some(indent);
        shown.push_str(&without_values(&without_credentials(line)));
    }
    shown
}

/// The value of a variable as it may be shown.
pub(crate) fn value(name: &str, value: &str) -> String {
    if is_secret(name, value) { HIDDEN.to_owned() } else { without_credentials(value) }
}

/// Whether the line is a secret's name, whose value comes on the lines below.
fn begins_secret(line: &str) -> bool {
    let Some((name, rest)) = line.split_once(':') else { return false };
    let name = name.trim_matches(|c: char| c.is_whitespace() || "\"'-".contains(c));
    let rest = rest.trim();
    (rest.is_empty() || rest.starts_with(['|', '>'])) && is_secret(name, "written")
}

/// `line` with `…` in place of values whose names say that they are secrets.
fn without_values(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    let mut in_brackets = false;
    while let Some(separator) = rest.find([':', '=']) {
        let (before, after) = rest.split_at(separator + 1);
        shown.push_str(before);
        rest = after;
        let of_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let name = before[..separator].trim_end_matches(['"', '\'', ' ']);
        let name = &name[name.trim_end_matches(of_name).len()..];
        let space = after.len() - after.trim_start_matches(' ').len();
        let value = &after[space..];
        in_brackets |= before.contains(['{', '[']);
        let length = length(value, in_brackets);
        let told = value[..length].trim().trim_matches(['"', '\'']);
        let is_named = told.starts_with("secret:") || told.starts_with("!public");
        if is_named {
            shown.push_str(&after[..space + length]);
            rest = &value[length..];
        } else if told != HIDDEN && is_secret(name, told) && !told.starts_with(['|', '>']) {
            shown.extend([&after[..space], HIDDEN]);
            rest = &value[length..];
        }
    }
    shown.push_str(rest);
    shown
}

/// How long the value is that `text` begins with.
fn length(text: &str, in_brackets: bool) -> usize {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let end = match quote {
        Some(quote) => text[1..].find(quote).map(|end| end + 2),
        None if in_brackets => text.find([',', '}', ']', '"', '\'']),
        None => None,
    };
    end.unwrap_or_else(|| text.trim_end_matches(['\n', '\r']).len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        for (text, shown) in [
            ("https://u:p@h/x", "https://…@h/x"),
            ("a: [ftp://tok@h, \"HTTPS://u:p@h\"]", "a: [ftp://…@h, \"HTTPS://…@h\"]"),
            ("ssh://git@h/x https://h/@x", "ssh://git@h/x https://h/@x"),
            ("  token: hf_abc\nbase: x\n", "  token: …\nbase: x\n"),
            ("token: secret:hf\n", "token: secret:hf\n"),
            ("{hf: a/b, token: \"secret:hf\"}", "{hf: a/b, token: \"secret:hf\"}"),
            ("://@://", "://…@://"),
            ("env: {A: 1, API_KEY: \"a, b\", B: 2}\n", "env: {A: 1, API_KEY: …, B: 2}\n"),
            ("env: {A: 1, API_KEY: abc}\n", "env: {A: 1, API_KEY: …}\n"),
            ("env: [DB_PASSWORD=a=b, \"HF_TOKEN=c\"]\n", "env: [DB_PASSWORD=…, \"HF_TOKEN=…\"]\n"),
            ("  - DB_PASSWORD=a, b\n", "  - DB_PASSWORD=…\n"),
            ("  API_KEY: a:b, c\r\n", "  API_KEY: …\r\n"),
            ("  API_KEY: !public abc\n", "  API_KEY: !public abc\n"),
            ("  TOKEN_LIMIT: 12\n  A: b\n", "  TOKEN_LIMIT: 12\n  A: b\n"),
            ("API_KEY: |\n  abc\n\n  d\nA: 1\n", "API_KEY: |\n  …\n\n  …\nA: 1\n"),
            ("env:\n  API_KEY:\n    abc\n  A: 1\n", "env:\n  API_KEY:\n    …\n  A: 1\n"),
        ] {
            assert_eq!(without_secrets(text), shown, "{text}");
        }
    }
}

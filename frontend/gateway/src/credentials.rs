//! Credentials in URLs, which messages must not show.

/// `text` with `…` in place of every `user:password@` of a URL. A user alone is a token as often as
/// not.
pub fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let end = after.find(|c: char| "/?#\"' ,]}".contains(c) || c.is_whitespace());
        let authority = &after[..end.unwrap_or(after.len())];
        match authority.rfind('@') {
            // `git@host` is nobody's secret.
            Some(at) if &authority[..at] != "git" => {
                shown.push('…');
                rest = &after[at..];
            }
            _ => rest = after,
        }
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_shown() {
        for (text, shown) in [
            ("https://user:secret@h.io/r.git#main", "https://…@h.io/r.git#main"),
            ("https://token@h.io/r.git", "https://…@h.io/r.git"),
            ("https://u:p@h, 'ftp://u:p@h' ssh://u@h", "https://…@h, 'ftp://…@h' ssh://…@h"),
            ("ssh://git@h.io/r.git", "ssh://git@h.io/r.git"),
            ("git@h.io:r.git", "git@h.io:r.git"),
            ("https://h.io/@x", "https://h.io/@x"),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }
}

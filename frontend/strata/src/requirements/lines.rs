//! A requirements file's logical lines, by the rules of pip's `req_file.py`.

use llb::Lines;

/// The file's text: UTF-8, or UTF-16 where a byte order mark says so, as pip decodes it.
pub(super) fn decode(data: &[u8]) -> Option<String> {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let (pairs, []) = bytes.as_chunks::<2>() else { return None };
        String::from_utf16(&pairs.iter().map(|&pair| read(pair)).collect::<Vec<_>>()).ok()
    };
    match data {
        [0xef, 0xbb, 0xbf, text @ ..] => str::from_utf8(text).ok().map(str::to_owned),
        [0xff, 0xfe, text @ ..] => wide(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => wide(text, u16::from_be_bytes),
        text => str::from_utf8(text).ok().map(str::to_owned),
    }
}

/// Lines with something in them: joined where one ends in `\`, without comments.
pub(super) fn logical(text: &str) -> Vec<(Lines, String)> {
    let mut logical = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (number, line) in (1..).zip(physical(text)) {
        let (start, mut joined) = open.take().unwrap_or((number, String::new()));
        let is_comment = line.trim_start().starts_with('#');
        match line.strip_suffix('\\') {
            Some(continued) if !is_comment => {
                joined.push_str(continued.trim_matches('\\'));
                open = Some((start, joined));
                continue;
            }
            // A comment ends what was continued, and must not become part of it.
            _ if is_comment => joined.push(' '),
            _ => {}
        }
        joined.push_str(line);
        logical.push((Lines { start, end: number }, joined));
    }
    if let Some((start, joined)) = open {
        let end = u32::try_from(physical(text).count()).unwrap_or(u32::MAX);
        logical.push((Lines { start, end }, joined));
    }
    logical
        .into_iter()
        .map(|(lines, text)| (lines, without_comment(&text).trim().to_owned()))
        .filter(|(_, text)| !text.is_empty())
        .collect()
}

/// The lines as Python's `str.splitlines` finds them: a form feed ends one, too.
fn physical(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c| {
        matches!(
            c,
            '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let mut rest = text;
    std::iter::from_fn(move || {
        let (line, after) = match rest.find(ends) {
            _ if rest.is_empty() => return None,
            None => (rest, ""),
            Some(end) => {
                let (line, after) = rest.split_at(end);
                let ending =
                    if after.starts_with("\r\n") { 2 } else { after.chars().next()?.len_utf8() };
                (line, &after[ending..])
            }
        };
        rest = after;
        Some(line)
    })
}

/// What stands before a `#` at the line's start or after white space.
fn without_comment(line: &str) -> &str {
    let comment = line.char_indices().find(|&(index, c)| {
        c == '#' && line[..index].chars().next_back().is_none_or(char::is_whitespace)
    });
    comment.map_or(line, |(index, _)| &line[..index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_comments_dropped() {
        for (text, expected) in [
            ("a\n\nb", &[(1, 1, "a"), (3, 3, "b")][..]),
            ("a # b\r\n# c\r\nd#e", &[(1, 1, "a"), (3, 3, "d#e")]),
            ("a \\\n --hash=x \\\n --hash=y\nb", &[(1, 3, "a  --hash=x  --hash=y"), (4, 4, "b")]),
            ("# a \\\nb", &[(2, 2, "b")]),
            ("a \\\n# b\nc", &[(1, 2, "a"), (3, 3, "c")]),
            ("a \\", &[(1, 1, "a")]),
            ("a\rb\x0cc", &[(1, 1, "a"), (2, 2, "b"), (3, 3, "c")]),
            ("", &[]),
        ] {
            let found = logical(text);
            let found: Vec<_> =
                found.iter().map(|(at, text)| (at.start, at.end, text.as_str())).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn text_is_decoded_by_its_mark() {
        for (data, text) in [
            (&b"a"[..], Some("a")),
            (b"\xef\xbb\xbfa", Some("a")),
            (b"\xff\xfea\0", Some("a")),
            (b"\xfe\xff\0a", Some("a")),
            (b"\xff\xfea", None),
            (b"\xe4", None),
        ] {
            assert_eq!(decode(data).as_deref(), text, "{data:?}");
        }
    }
}

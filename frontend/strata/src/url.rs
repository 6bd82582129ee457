//! What of a URL stands before its path: who is asked, and as whom.

/// A URL, taken apart as far as its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    /// `https`.
    pub scheme: &'a str,
    /// `user:password@host:port`.
    pub authority: &'a str,
    /// The path with its slash, and what follows.
    pub rest: &'a str,
}

impl<'a> Url<'a> {
    /// A text that is a URL as a whole; none if nothing in it says `://`.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        Some(Self { scheme, authority, rest })
    }

    /// The URLs that a text has in it, as in `redis://a:1,redis://b:1`. Where one ends can be told by
    /// white space alone: a password may have commas.
    pub fn all(text: &'a str) -> impl Iterator<Item = Self> {
        let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        text.match_indices("://").filter_map(move |(at, _)| {
            let start = text[..at].trim_end_matches(is_of_scheme).len();
            let word = text[start..].split(char::is_whitespace).next()?;
            Self::parse(word)
        })
    }

    /// `user:password`, or one of them.
    pub fn user(&self) -> Option<&'a str> {
        self.authority.rsplit_once('@').map(|(user, _)| user)
    }

    /// Its host and port, without who asks.
    pub fn address(&self) -> &'a str {
        self.authority.rsplit_once('@').map_or(self.authority, |(_, address)| address)
    }

    /// Its host alone; of an address of IPv6, with its brackets.
    pub fn host(&self) -> &'a str {
        let address = self.address();
        let after_brackets = address.find(']').map_or(0, |end| end + 1);
        let port = address[after_brackets..].find(':').map(|at| after_brackets + at);
        &address[..port.unwrap_or(address.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_before_the_path() {
        for (text, user, address, host) in [
            ("https://pypi.org/simple", None, "pypi.org", "pypi.org"),
            ("http://u:p@h:8080?q=@", Some("u:p"), "h:8080", "h"),
            ("http://u:p@ss@h#f", Some("u:p@ss"), "h", "h"),
            ("http://[::1]:80/x", None, "[::1]:80", "[::1]"),
            ("http://[::1]/x", None, "[::1]", "[::1]"),
            ("http://h]:80", None, "h]:80", "h]"),
            ("http://", None, "", ""),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.user(), url.address(), url.host()), (user, address, host), "{text}");
        }
        assert_eq!(Url::parse("git@h:a/b"), None);
    }

    #[test]
    fn every_url_of_a_text() {
        let all = |text| Url::all(text).map(|url| (url.scheme, url.user())).collect::<Vec<_>>();
        assert_eq!(
            all("redis://a:1,redis://u:p@b:1 see (https://x)"),
            [("redis", None), ("redis", Some("u:p")), ("https", None)]
        );
        assert_eq!(all("pg://u:p,w@h é://ü@x"), [("pg", Some("u:p,w")), ("", Some("ü"))]);
        assert_eq!(all("no URL"), []);
    }
}

//! Hashes that an installer takes.

/// Their names, with the number of their digits; md5 and sha1 prove nothing.
const HASHES: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];

/// `sha256:…`, in small letters; none if it is no hash, or a weak one.
pub(crate) fn hash(algorithm: &str, digits: &str) -> Option<String> {
    let (_, length) = HASHES.iter().find(|(name, _)| *name == algorithm)?;
    let is_hash = digits.len() == *length && digits.chars().all(|c| c.is_ascii_hexdigit());
    is_hash.then(|| format!("{algorithm}:{}", digits.to_lowercase()))
}

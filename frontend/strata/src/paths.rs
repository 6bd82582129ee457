//! Paths to one another: of the build context, of the code and of the image.

/// Two relative, clean paths as one; either may be empty.
pub(crate) fn join(folder: &str, path: &str) -> String {
    [folder, path].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// A path as one of a folder, if it is in that; empty for the folder itself. Both are clean, and both
/// absolute or neither; an empty folder is the root.
pub(crate) fn below<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    if folder.is_empty() {
        return Some(path.strip_prefix('/').unwrap_or(path));
    }
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// Where a file goes that is copied from `path` to `to`. Of a folder, what is in it goes to `to`, which
/// others may share; which of the two a path is, nobody knows before it is looked at.
pub(crate) fn place(path: &str, to: &str) -> String {
    match to.strip_suffix('/') {
        Some(folder) => format!("{folder}/{}", path.rsplit('/').next().unwrap_or(path)),
        None => to.to_owned(),
    }
}

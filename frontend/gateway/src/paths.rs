//! Paths as text, as Go's `path` package has them.

/// The shortest path that means the same, without looking at any filesystem: Go's `path.Clean`.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|&last| last != "..") => {
                parts.pop();
            }
            // There is nothing above the root.
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".to_owned(),
        (false, path) => path,
    }
}

/// The path below a root that `path` means, without a leading slash; it cannot climb out.
pub(crate) fn below_root(path: &str) -> String {
    clean(&format!("/{path}")).split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, cleaned, below) in [
            ("", ".", ""),
            (".", ".", ""),
            ("/", "/", ""),
            ("a//b/./c/", "a/b/c", "a/b/c"),
            ("a/../b", "b", "b"),
            ("../a", "../a", "a"),
            ("../../a/..", "../..", ""),
            ("/../a", "/a", "a"),
            ("a/..", ".", ""),
        ] {
            assert_eq!(clean(path), cleaned, "{path}");
            assert_eq!(below_root(path), below, "{path}");
        }
    }
}

//! Files that tell package managers where packages come from: `files` lies above what they have
//! installed, so that none of them would see these.

/// What to do about such a file, which is `source` in the build context, by where it goes.
pub fn told(source: &str, to: &str) -> Option<String> {
    let name = to.rsplit('/').next().unwrap_or(to);
    let is_in = |folders: &[&str]| folders.iter().any(|folder| to.starts_with(folder));
    let is_of_sources = [".list", ".sources", ".repo"].iter().any(|end| source.ends_with(end));
    let keys =
        ["/etc/apt/keyrings", "/etc/apt/trusted.gpg", "/usr/share/keyrings", "/etc/pki/rpm-gpg"];
    let told = if is_in(&["/etc/apt/", "/etc/yum.repos.d"]) && is_of_sources {
        format!("`system: {{sources: [{source}]}}` has it where packages are installed")
    } else if is_in(&keys) {
        "where packages are installed, a key is a part of the file that `system.sources` names \
         (`Signed-By`)"
            .to_owned()
    } else if is_in(&["/etc/apt/", "/etc/yum.repos.d", "/etc/yum.conf", "/etc/dnf/"]) {
        "the base's settings hold where packages are installed, and `system.sources` names more \
         of them that end in .list, .sources or .repo"
            .to_owned()
    } else if is_in(&["/etc/apk/"]) {
        "the base's own repositories are those that packages come from: have a base with these"
            .to_owned()
    } else if ["pip.conf", "uv.toml"].contains(&name) && to.starts_with(['/', '~']) && name != to {
        "`python.index_url`, `extra_index_urls` and `credentials` say where packages come from"
            .to_owned()
    } else {
        return None;
    };
    Some(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_where_they_go() {
        for (to, expected) in [
            ("/etc/apt/sources.list.d/x.sources", Some("`system: {sources: [ci/x.sources]}`")),
            ("/etc/yum.repos.d/", Some("`system: {sources: ")),
            ("/etc/apt/keyrings/x.sources", Some("`system: {sources: ")),
            ("/etc/apt/x.d/", Some("`system: {sources: ")),
            ("/etc/apk/repositories", Some("have a base with these")),
            ("/root/.config/pip/pip.conf", Some("`python.index_url`")),
            ("/etc/nginx/x.sources", None),
        ] {
            let told = told("ci/x.sources", to);
            let is_expected = |words: &str| told.as_ref().is_some_and(|told| told.contains(words));
            assert!(expected.map_or(told.is_none(), is_expected), "{to}: {told:?}");
        }
        assert!(told("x.gpg", "/usr/share/keyrings/x.gpg").unwrap().contains("`Signed-By`"));
        assert!(told("99proxy", "/etc/apt/apt.conf.d/").unwrap().contains("the base's settings"));
    }
}

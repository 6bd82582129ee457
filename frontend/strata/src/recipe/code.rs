//! `code`, and what `CODE_VERSION` makes of it.

use std::collections::BTreeSet;

use super::{Code, CodeSource, Git, arguments::Given, reader::Reader};
use crate::{
    manifest::{
        Data, Entry, Node,
        values::{self, Read},
    },
    mistake::{Mistake, Spanned},
};

/// Where code goes if the manifest says nothing.
const TO: &str = "/app";

/// The SSH agent socket if the manifest says nothing: the one of a plain `--ssh default`.
const SOCKET: &str = "default";

/// What only code from git can have.
const OF_GIT: [&str; 4] = ["ref", "token", "ssh", "submodules"];

impl Reader<'_> {
    /// `code`, of which `CODE_VERSION` may ask for a `version`.
    pub fn code(&mut self, version: Option<&Given>) -> Option<Code> {
        let section = self.root.entry("code")?;
        let (lines, section) = (section.lines(), &section.value);
        if section.data == Data::Wrong {
            return None;
        }
        let version = version.filter(|given| !given.value.is_empty());
        let source = self.source(section, version);
        let subdir = self.one(section, "subdir", values::relative);
        let to = self.one(section, "to", values::destination);
        let env = self.public(section, "env", values::variable_text);
        let secrets = self.map(section, "secrets", values::secret);
        self.secret_twice(section, &env, &secrets);
        if let (false, None) = (secrets.is_empty(), section.get("build")) {
            let mistake = Mistake::new("`secrets` are for `build`, and there is none");
            let lines = section.entry("secrets").map_or(lines, Entry::lines);
            self.findings.at(lines, mistake.help("name the command that needs them in `build`"));
        }
        Some(Code {
            lines,
            source: source?,
            subdir: subdir.map(|subdir| subdir.value).unwrap_or_default(),
            to: to.map_or(TO.into(), |to| to.value),
            version: version.map(|given| given.value.clone()),
            build: self.build(section),
            install: self.install(section),
            verify: self.modules(section),
            env,
            secrets,
        })
    }

    fn build(&mut self, section: &Node) -> Option<Spanned<Vec<String>>> {
        let lines = section.entry("build")?.lines();
        Some(Spanned::new(self.command(section, "build", values::script)?, lines))
    }

    fn install(&mut self, section: &Node) -> Option<Spanned<Vec<String>>> {
        let mut folders = BTreeSet::new();
        for Spanned { value, .. } in self.list(section, "install", values::installed) {
            match value {
                Some(folder) => drop(folders.insert(folder)),
                // Of an overlay: nothing that stands below it.
                None => folders.clear(),
            }
        }
        let lines = section.entry("install").filter(|_| !folders.is_empty())?.lines();
        if self.root.get("python").is_none() {
            let mistake =
                Mistake::new("there is no `python`, and so no environment to install into");
            let help = "add `python: {}`: the environment of what the code needs";
            self.findings.at(lines, mistake.help(help).about("install"));
        }
        Some(Spanned::new(folders.into_iter().collect(), lines))
    }

    fn source(&mut self, section: &Node, version: Option<&Given>) -> Option<CodeSource> {
        let (key, is_git) = if let Some(source) = section.get("source") {
            ("source", source.text().is_some_and(values::looks_like_git))
        } else if section.get("git").is_some() {
            ("git", true)
        } else if section.get("context").is_some() {
            ("context", false)
        } else {
            let mistake = Mistake::new("nothing says where it comes from");
            let help = "name a git remote or a folder of the build context: `code: .`";
            self.findings.at(section.lines, mistake.help(help).about("code"));
            return None;
        };
        if is_git {
            return self.git(section, key, version).map(CodeSource::Git);
        }
        for key in OF_GIT {
            if let Some(entry) = section.entry(key) {
                let message = format!("`{key}` is for code from `git`");
                self.findings.at(entry.key, Mistake::new(message).about("code"));
            }
        }
        self.one(section, key, values::context).map(|folder| CodeSource::Context(folder.value))
    }

    fn git(&mut self, section: &Node, key: &str, version: Option<&Given>) -> Option<Git> {
        let own = self.one(section, "ref", values::reference).map(|own| own.value);
        let reference = match version.map(|given| (given, wanted(&given.value))) {
            Some((_, Ok(Some(wanted)))) => Some(wanted),
            Some((given, Err(mistake))) => {
                given.blame(self.findings, mistake.about("CODE_VERSION"));
                None
            }
            Some((_, Ok(None))) | None => own,
        };
        let token = self.one(section, "token", values::secret);
        let ssh = self.one(section, "ssh", values::socket);
        let submodules = self.one(section, "submodules", values::boolean);
        let url = self.one(section, key, values::git)?.value;
        if let Some(Spanned { lines, .. }) = token.as_ref().filter(|_| values::is_ssh(&url)) {
            let mistake = Mistake::new("a remote that is reached by SSH takes no token");
            let help = "give the build the SSH agent: `docker buildx build --ssh default`";
            self.findings.at(*lines, mistake.help(help).about("token"));
        }
        Some(Git {
            url,
            reference,
            token: token.map(|token| token.value),
            ssh: ssh.map_or(SOCKET.into(), |ssh| ssh.value),
            submodules: submodules.is_none_or(|submodules| submodules.value),
        })
    }
}

/// What `CODE_VERSION` asks for; none if it leaves it to the manifest. So do `latest` and a Unix
/// time, which people pass for "look again": BuildKit asks the remote on every build anyway. Nine
/// to eleven digits are a time from 1973 to 5138.
fn wanted(version: &str) -> Read<Option<String>> {
    let is_time = (9..=11).contains(&version.len()) && version.bytes().all(|b| b.is_ascii_digit());
    if version == "latest" || is_time {
        return Ok(None);
    }
    values::reference(version).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_versions() {
        let sha1 = "0123456789abcdef0123456789abcdef01234567";
        let sha256 = sha1.repeat(2)[..64].to_owned();
        let own = Ok(None);
        let is = |text: &str| Ok(Some(text.to_owned()));
        let wrong = |part: &str| Err(part.to_owned());
        let cases = [
            ("latest", own.clone()),
            ("1732147200", own.clone()),
            ("999999999", own.clone()),
            ("17321472000", own),
            ("main", is("main")),
            ("v1.2.3", is("v1.2.3")),
            ("feature/x", is("feature/x")),
            ("refs/pull/7/head", is("refs/pull/7/head")),
            (sha1, is(sha1)),
            (&sha1.to_uppercase(), is(sha1)),
            (&sha256, is(&sha256)),
            ("20260131", is("20260131")),
            ("1234567", is("1234567")),
            ("123456789012", is("123456789012")),
            ("deadbeef", is("deadbeef")),
            ("added", is("added")),
            ("1a2b3c", is("1a2b3c")),
            ("Latest", is("Latest")),
            ("1a2b3c4", wrong("abbreviated")),
            ("0123456789abcdef", wrong("abbreviated")),
            (&sha1[1..], wrong("abbreviated")),
            ("-x", wrong("begins with `-`")),
            ("a b", wrong("a space")),
            ("a..b", wrong("`..`")),
            ("a~1", wrong("one of")),
            ("HEAD^", wrong("one of")),
            ("a:b", wrong("one of")),
            ("a//b", wrong("too many")),
            ("/a", wrong("too many")),
            ("a/", wrong("too many")),
            (".a", wrong("begins with `.`")),
            ("a/.b", wrong("begins with `.`")),
            ("a.lock", wrong(".lock")),
            ("a.", wrong("ends with `.`")),
            ("@", wrong("git's own")),
            ("a@{1}", wrong("@{")),
        ];
        for (version, expected) in cases {
            match (wanted(version), expected) {
                (Err(mistake), Err(part)) => {
                    assert!(mistake.message.contains(&part), "{version}: {}", mistake.message);
                }
                (found, expected) => {
                    assert_eq!(found.map_err(|m| m.message), expected, "{version}")
                }
            }
        }
    }
}

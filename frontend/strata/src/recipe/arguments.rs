//! Build arguments: what was given, what was declared, and `${…}` filled in with it.

use std::collections::{BTreeMap, BTreeSet};

use llb::Lines;

use super::variable::INHERITED;
use crate::{
    manifest::{
        Data, Entry, Manifest, Node, PREDEFINED,
        template::{Argument, Otherwise, Piece, pieces},
    },
    mistake::{Findings, Mistake, list, nearest, quote},
    notice::Notice,
    secret,
};

/// The hub if `HF_ENDPOINT` names none.
const HUB: &str = "https://huggingface.co";

/// Build arguments that clients give to any build, beside `BUILDKIT_…`. The proxies, which buildx
/// takes from its configuration (`build/opt.go`), come in upper and lower case.
const OF_EVERY_BUILD: [&str; 6] =
    ["SOURCE_DATE_EPOCH", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/// Why a build argument is no place for a secret.
const SHOWN: &str = "everyone who gets the image or its provenance could read a build argument";

/// The values of build arguments.
pub struct Arguments {
    values: BTreeMap<String, Given>,
    missing: BTreeSet<String>,
    declared: BTreeSet<String>,
    /// Those that were given and mean nothing here.
    undeclared: Vec<String>,
}

/// The value of a build argument.
pub struct Given {
    /// The value.
    pub value: String,
    /// Where the manifest says it; none if it was given with the build.
    pub lines: Option<Lines>,
}

impl Given {
    /// Adds a mistake in the value to `findings`.
    pub fn blame(&self, findings: &mut Findings, mistake: Mistake) {
        match self.lines {
            Some(lines) => findings.at(lines, mistake),
            None => findings.add(mistake),
        }
    }
}

impl Arguments {
    /// What is `given` with a build, completed by what `manifest` declares.
    pub fn new(
        manifest: &Manifest,
        given: &BTreeMap<String, String>,
        findings: &mut Findings,
    ) -> Self {
        let mut arguments = Self {
            values: BTreeMap::new(),
            missing: BTreeSet::new(),
            declared: manifest.arguments.keys().cloned().collect(),
            undeclared: Vec::new(),
        };
        for (name, value) in given {
            if !manifest.arguments.contains_key(name) && !is_known(name) {
                match slip(name, manifest) {
                    Some(mistake) => findings.add(mistake),
                    None => arguments.undeclared.push(name.clone()),
                }
            }
            let given = Given { value: value.clone(), lines: None };
            arguments.values.insert(name.clone(), given);
        }
        for (name, declared) in &manifest.arguments {
            if let Some(value) = given.get(name) {
                if !declared.is_public && secret::is_secret(name, value) {
                    findings.at(declared.lines, given_away(name));
                    // Nothing more is said of where it would go.
                    arguments.values.remove(name);
                    arguments.missing.insert(name.clone());
                }
                continue;
            }
            match &declared.default {
                Some(value) => {
                    let given = Given { value: value.clone(), lines: Some(declared.lines) };
                    arguments.values.insert(name.clone(), given);
                }
                None => {
                    let mistake =
                        Mistake::new(format!("the build argument `{name}` must be given"));
                    findings.at(declared.lines, mistake.help(give_it(name)));
                    arguments.missing.insert(name.clone());
                }
            }
        }
        let hub = arguments.values.entry("HF_ENDPOINT".into());
        let hub = hub.or_insert_with(|| Given { value: String::new(), lines: None });
        if hub.value.is_empty() {
            hub.value = HUB.into();
        }
        arguments
    }

    /// The argument named `name`, if it has a value.
    pub fn get(&self, name: &str) -> Option<&Given> {
        self.values.get(name)
    }

    fn is_declared(&self, name: &str) -> bool {
        self.declared.contains(name) || PREDEFINED.contains(&name)
    }

    /// What to know of those that were given and mean nothing here.
    pub fn warnings(&self, manifest: &Manifest) -> Vec<Notice> {
        let is_secret = |name: &&String| {
            self.get(name).is_some_and(|given| secret::is_secret(name, &given.value))
        };
        let (secrets, others): (Vec<_>, Vec<_>) = self.undeclared.iter().partition(is_secret);
        let names = |names: &[&String]| list(names.iter().map(|name| name.as_str()));
        let others = others
            .first()
            .map(|first| format!("no use for {}: {}", names(&others), declared(first, manifest)));
        let secrets = secrets.first().map(|first| {
            format!("no use for {}, and {SHOWN}: {}", names(&secrets), as_secret(first))
        });
        let texts = others.into_iter().chain(secrets);
        texts.map(|text| Notice::new("UndeclaredArgument", text)).collect()
    }

    /// `node` with `${…}` filled in; what a variable says of itself, with [`INHERITED`].
    pub fn fill_in(&self, node: Node, findings: &mut Findings) -> Node {
        self.filled_in(node, None, findings)
    }

    /// The same of what stands at the key `name`.
    fn filled_in(&self, node: Node, name: Option<&str>, findings: &mut Findings) -> Node {
        let lines = node.lines;
        let data = match node.data {
            Data::Text(text) => self.text(text, name, lines, findings),
            Data::List(items) => {
                let items = items.into_iter().map(|item| self.filled_in(item, None, findings));
                Data::List(items.collect())
            }
            Data::Map(map) => {
                let mut filled_in = |name: String, Entry { key, value }: Entry| {
                    let value = self.filled_in(value, Some(&name), findings);
                    (name, Entry { key, value })
                };
                Data::Map(map.into_iter().map(|(name, entry)| filled_in(name, entry)).collect())
            }
            data @ (Data::Nothing | Data::Wrong) => data,
        };
        Node { data, ..node }
    }

    fn text(
        &self,
        text: String,
        name: Option<&str>,
        lines: Lines,
        findings: &mut Findings,
    ) -> Data {
        if !text.contains("${") {
            return Data::Text(text);
        }
        let filled =
            pieces(&text).and_then(|all| all.iter().map(|piece| self.piece(piece, name)).collect());
        match filled {
            Ok(Some(text)) => Data::Text(text),
            Ok(None) => Data::Wrong,
            Err(mistake) => {
                findings.at(lines, mistake);
                Data::Wrong
            }
        }
    }

    /// None if an argument's value is missing, which has been told.
    fn piece(&self, piece: &Piece<'_>, own: Option<&str>) -> Result<Option<String>, Mistake> {
        let Argument { name, otherwise, empty_is_none } = match piece {
            Piece::Literal(text) => return Ok(Some((*text).to_owned())),
            // The check has left no other that is not declared.
            Piece::Argument(argument) if argument.is(own) && !self.is_declared(argument.name) => {
                return Ok(Some(INHERITED.into()));
            }
            Piece::Argument(argument) => argument,
        };
        let value = self.values.get(*name).map(|given| given.value.as_str());
        match (value.filter(|value| !(value.is_empty() && *empty_is_none)), otherwise) {
            (Some(value), _) => Ok(Some(value.to_owned())),
            (None, Otherwise::Default(default)) => Ok(Some((*default).to_owned())),
            (None, _) if self.missing.contains(*name) => Ok(None),
            (None, Otherwise::Empty) => Ok(Some(String::new())),
            (None, Otherwise::Mistake(why)) => {
                let why = if why.is_empty() { String::new() } else { format!(": {why}") };
                let message = format!("the build argument `{name}` must be given{why}");
                Err(Mistake::new(message).help(give_it(name)))
            }
        }
    }
}

fn give_it(name: &str) -> String {
    format!("build with `--build-arg {name}=…`")
}

/// What to say of a secret that is a build argument, which provenance has with its value.
fn given_away(name: &str) -> Mistake {
    let message = format!("{} looks like a secret, and {SHOWN}", quote(name));
    let help =
        format!("{}; if everyone may know it, declare it as `{name}: !public`", as_secret(name));
    Mistake::new(message).help(help)
}

/// How a secret is given that is no build argument.
fn as_secret(name: &str) -> String {
    let id = name.to_ascii_lowercase();
    format!(
        "give it as a build secret, `--secret id={id},env={name}`, to what asks for one: `token: \
         secret:{id}`, `credentials`, or a command's `secrets`"
    )
}

fn is_known(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    PREDEFINED.contains(&name)
        || OF_EVERY_BUILD.contains(&name)
        || (upper.ends_with("_PROXY") && OF_EVERY_BUILD.contains(&&*upper))
        || name.starts_with("BUILDKIT_")
}

/// What is wrong with an argument that is likely to be meant for another one. Others are given to
/// many builds at once, and not each has to declare them all.
fn slip(name: &str, manifest: &Manifest) -> Option<Mistake> {
    let known = || manifest.arguments.keys().map(String::as_str).chain(PREDEFINED);
    nearest(name, known())?;
    let mistake = Mistake::new(format!("unknown build argument {}", quote(name)));
    Some(mistake.help(declared(name, manifest)).suggest(name, known()))
}

/// What the manifest declares, and if it does not, how it would declare `name`.
fn declared(name: &str, manifest: &Manifest) -> String {
    if manifest.arguments.is_empty() {
        format!("the manifest declares none; one that does has `args: {{{name}: …}}`")
    } else {
        format!("the manifest declares {}", list(manifest.arguments.keys().map(String::as_str)))
    }
}

//! A tree as written, against the vocabulary: what is wrong is found, and what has a short form is
//! written out.

use std::collections::BTreeSet;

use llb::Lines;

use super::{
    node::{Data, Entry, Map, Node, Tag},
    schema::{Command, ELSEWHERE, MANIFEST, Object, Shape},
    template::{Piece, literal, pieces},
    values::{self, Read, Written},
};
use crate::mistake::{Findings, Mistake, list, nearest, quote};

/// Checks values and says what it finds. A wrong value is marked as such, so that nothing more is
/// said about it later.
pub struct Check<'a> {
    /// Where mistakes go.
    pub findings: &'a mut Findings,
    /// The arguments that `${…}` may name; none where it is not filled in.
    pub arguments: Option<BTreeSet<&'a str>>,
    /// The variable that is being checked, if its own name stands for what it is in the base.
    pub own: Option<String>,
}

impl Check<'_> {
    /// Checks the root of a manifest.
    pub fn manifest(&mut self, root: Node) -> Node {
        let Node { lines, data, .. } = root;
        let data = match data {
            Data::Map(map) => self.object("", &MANIFEST, lines, map),
            _ => Data::Wrong,
        };
        Node::new(lines, data)
    }

    /// Checks the value of `key`.
    pub fn node(&mut self, key: &str, shape: &'static Shape, node: Node) -> Node {
        if node.tag == Some(Tag::Reset) {
            return self.reset(key, node);
        }
        if node.tag == Some(Tag::Public) {
            let message = "`!public` is for a value that has a name, such as one in `env`";
            self.findings.at(node.lines, Mistake::new(message).about(key));
        }
        let Node { lines, tag, data } = node;
        Node { lines, tag, data: self.data(key, shape, lines, data) }
    }

    fn data(&mut self, key: &str, shape: &'static Shape, lines: Lines, data: Data) -> Data {
        match (shape, data) {
            (_, Data::Wrong) => Data::Wrong,
            (Shape::Optional(Shape::Object(_)), Data::Nothing) => Data::Map(Map::new()),
            (Shape::Optional(_), Data::Nothing) => Data::Nothing,
            (Shape::Optional(shape), data) => self.data(key, shape, lines, data),
            (_, Data::Nothing) => self.mismatch(key, shape, &Node::new(lines, Data::Nothing)),
            (Shape::One(value), Data::Text(text)) => {
                let found = self
                    .literal(&text)
                    .and_then(|text| text.as_deref().map_or(Ok(()), value.check));
                self.or_wrong(key, lines, found.map(|()| Data::Text(text)))
            }
            (Shape::List(of), Data::List(items)) => self.list(key, of, items),
            (Shape::List(of), one) => self.list(key, of, vec![Node::new(lines, one)]),
            (Shape::Command(command), Data::Text(text)) => {
                let found = self.line(command, &text);
                self.or_wrong(key, lines, found.map(|()| Data::Text(text)))
            }
            (Shape::Command(command), Data::List(items)) => {
                self.words(key, shape, command, lines, items)
            }
            (Shape::Map { name, of, public, inherits }, Data::Map(map)) => {
                self.names(*name, of, *public, *inherits, map)
            }
            (Shape::Map { name, of, public, inherits }, Data::List(items)) if is_text(of) => {
                let map = self.pairs(key, of, items);
                self.names(*name, of, *public, *inherits, map)
            }
            (Shape::Object(object), Data::Map(map)) => self.object(key, object, lines, map),
            (
                Shape::Object(Object { short: Some(short), .. }),
                data @ (Data::Text(_) | Data::List(_)),
            ) => self.short(key, shape, short, Node::new(lines, data)),
            (shape, data) => self.mismatch(key, shape, &Node::new(lines, data)),
        }
    }

    fn reset(&mut self, key: &str, node: Node) -> Node {
        let empty = match &node.data {
            Data::Nothing | Data::Wrong => true,
            Data::Text(text) => text.is_empty(),
            Data::List(items) => items.is_empty(),
            Data::Map(map) => map.is_empty(),
        };
        if !empty {
            let mistake = Mistake::new("`!reset` empties it, and here is a value");
            let mistake = mistake.help("write `!override` to replace, or leave the value out");
            self.findings.at(node.lines, mistake.about(key));
        }
        Node { data: Data::Nothing, ..node }
    }

    fn list(&mut self, key: &str, of: &'static Shape, items: Vec<Node>) -> Data {
        let mut checked = Vec::with_capacity(items.len());
        for item in items {
            if matches!(item.tag, Some(Tag::Reset | Tag::Override)) {
                let message = "`!reset` and `!override` are for a key's whole value";
                self.findings.at(item.lines, Mistake::new(message).about(key));
            }
            let tag = item.tag.filter(|tag| *tag == Tag::Public);
            checked.push(self.node(key, of, Node { tag, ..item }));
        }
        Data::List(checked)
    }

    fn line(&self, command: &Command, text: &str) -> Read<()> {
        match self.literal(text)? {
            Some(text) => (command.read)(Written::Line(text)).map(drop),
            None => Ok(()),
        }
    }

    fn words(
        &mut self,
        key: &str,
        shape: &'static Shape,
        command: &Command,
        lines: Lines,
        items: Vec<Node>,
    ) -> Data {
        let mut words = Vec::new();
        for item in &items {
            let Some(text) = item.text() else {
                return self.mismatch(key, shape, item);
            };
            match self.literal(text) {
                Ok(word) => words.push(word),
                Err(mistake) => return self.or_wrong(key, item.lines, Err(mistake)),
            }
        }
        let words: Option<Vec<String>> = words.into_iter().collect();
        let found = words.map_or(Ok(()), |words| (command.read)(Written::Words(words)).map(drop));
        self.or_wrong(key, lines, found.map(|()| Data::List(items)))
    }

    /// `NAME=value` items as a map.
    fn pairs(&mut self, key: &str, of: &'static Shape, items: Vec<Node>) -> Map {
        let mut map = Map::new();
        for item in items {
            let lines = item.lines;
            let (name, data) = match item.text().map(|text| (text, text.split_once('='))) {
                Some((_, Some((name, value)))) => (name, Data::Text(value.to_owned())),
                Some((name, None)) if matches!(of, Shape::Optional(_)) => (name, Data::Nothing),
                _ => {
                    let message = format!("expected `NAME=value`, found {}", item.found());
                    self.findings.at(lines, Mistake::new(message).about(key));
                    continue;
                }
            };
            let tag = item.tag.filter(|tag| *tag == Tag::Public);
            let entry = Entry { key: lines, value: Node { lines, tag, data } };
            if map.insert(name.to_owned(), entry).is_some() {
                let mistake = Mistake::new(format!("{} is there twice", quote(name)));
                self.findings.at(lines, mistake.about(key));
            }
        }
        map
    }

    fn names(
        &mut self,
        name_of: fn(&str) -> Read<()>,
        of: &'static Shape,
        public: bool,
        inherits: bool,
        map: Map,
    ) -> Data {
        let mut checked = Map::new();
        for (name, Entry { key, value }) in map {
            if let Err(mistake) = name_of(&name) {
                self.findings.at(key, mistake);
            }
            let tag = value.tag.filter(|tag| public && *tag == Tag::Public);
            let untagged = if tag.is_some() { Node { tag: None, ..value } } else { value };
            self.own = inherits.then(|| name.clone());
            self.unfilled(&name, &untagged);
            let mut value = self.node(&name, of, untagged);
            self.own = None;
            match tag {
                Some(_) => value.tag = tag,
                None if public => self.public(&name, &value),
                None => {}
            }
            checked.insert(name, Entry { key, value });
        }
        Data::Map(checked)
    }

    /// Finds a variable that would be its own name, where a Dockerfile fills that in.
    fn unfilled(&mut self, name: &str, value: &Node) {
        let Some(text) = value.text().filter(|_| self.own.is_some()) else { return };
        let written = format!("${name}");
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut found = text.match_indices(&written).map(|(at, it)| &text[at + it.len()..]);
        if found.any(|rest| !rest.starts_with(is_name)) {
            let message = format!("`{written}` is not filled in, and would be in it as it stands");
            let help = format!("write `${{{name}}}` for what it is in the base");
            self.findings.at(value.lines, Mistake::new(message).help(help).about(name));
        }
    }

    /// Finds a secret. One that comes from an argument is found when that is filled in.
    fn public(&mut self, name: &str, value: &Node) {
        let text = value.text().map(|text| self.literal(text));
        let Some(Ok(Some(text))) = text else { return };
        if let Err(mistake) = values::public(name, &text) {
            self.findings.at(value.lines, mistake);
        }
    }

    /// An object with the one key that the text or list in its place is the value of.
    fn short(&mut self, key: &str, shape: &'static Shape, short: &str, node: Node) -> Data {
        let lines = node.lines;
        let map = Map::from([(short.to_owned(), Entry { key: lines, value: node })]);
        self.data(key, shape, lines, Data::Map(map))
    }

    fn object(&mut self, label: &str, object: &'static Object, lines: Lines, map: Map) -> Data {
        self.exclusive(label, object, &map);
        let mut checked = Map::new();
        let mut strange = false;
        for (name, Entry { key, value }) in map {
            match object.key(&name) {
                Some(known) => {
                    let value = self.node(known.name, &known.shape, value);
                    checked.insert(name, Entry { key, value });
                }
                None => {
                    strange = true;
                    self.findings.at(key, unknown(label, object, &name));
                }
            }
        }
        if !object.complete {
            return Data::Map(checked);
        }
        match object.either.iter().find(|(name, _)| checked.contains_key(*name)) {
            Some(chosen) => {
                self.belongings(label, object, chosen, &checked);
                Data::Map(checked)
            }
            // The unknown key may be the missing one, misspelt.
            None if strange => Data::Wrong,
            None => {
                let names = list(object.either.iter().map(|(name, _)| *name));
                let mistake = Mistake::new(format!("one of {names} is missing"));
                self.or_wrong(label, lines, Err(mistake))
            }
        }
    }

    /// Finds keys that make sense with another than the `chosen` one only.
    fn belongings(
        &mut self,
        label: &str,
        object: &Object,
        (chosen, own): &(&str, &[&str]),
        map: &Map,
    ) {
        let strangers = map.iter().filter(|(name, _)| name != chosen && !own.contains(&&***name));
        for (name, entry) in strangers {
            let with = object.either.iter().filter(|(_, others)| others.contains(&&**name));
            let with: Vec<&str> = with.map(|(name, _)| *name).collect();
            if !with.is_empty() {
                let message = format!("`{name}` goes with {}, not with `{chosen}`", list(with));
                self.findings.at(entry.key, Mistake::new(message).about(label));
            }
        }
    }

    fn exclusive(&mut self, label: &str, object: &Object, map: &Map) {
        let given = object.either.iter().filter_map(|(name, _)| map.get_key_value(*name));
        let given = given.filter(|(_, entry)| entry.value.tag != Some(Tag::Reset));
        let mut given: Vec<_> = given.map(|(name, entry)| (entry.key, name)).collect();
        given.sort_unstable();
        if let [(_, first), (lines, second), ..] = &given[..] {
            let message = format!("`{second}` and `{first}` exclude each other");
            self.findings.at(*lines, Mistake::new(message).about(label));
        }
    }

    /// What `text` says if it says it without an argument.
    fn literal(&self, text: &str) -> Read<Option<String>> {
        if !text.contains("${") {
            return Ok(Some(text.to_owned()));
        }
        let Some(known) = &self.arguments else {
            return Err(Mistake::new("`${…}` is not filled in here").help("write the value out"));
        };
        let pieces = pieces(text)?;
        // By itself it would say nothing: who writes that means an argument.
        let adds =
            pieces.iter().any(|piece| matches!(piece, Piece::Literal(text) if !text.is_empty()));
        for piece in &pieces {
            if let Piece::Argument(argument) = piece
                && !known.contains(argument.name)
                && !(adds && argument.is(self.own.as_deref()))
            {
                return Err(undeclared(argument.name, known));
            }
        }
        Ok(literal(&pieces))
    }

    fn mismatch(&mut self, key: &str, shape: &Shape, node: &Node) -> Data {
        let mistake =
            Mistake::new(format!("expected {}, found {}", shape.expected(), node.found()));
        let mistake = match &node.data {
            Data::Nothing => mistake.help("leave the key out; an empty text is `\"\"`"),
            _ => mistake,
        };
        self.or_wrong(key, node.lines, Err(mistake))
    }

    fn or_wrong(&mut self, key: &str, lines: Lines, read: Read<Data>) -> Data {
        read.unwrap_or_else(|mistake| {
            self.findings.at(lines, mistake.about(key));
            Data::Wrong
        })
    }
}

fn is_text(shape: &Shape) -> bool {
    match shape {
        Shape::One(_) => true,
        Shape::Optional(shape) => is_text(shape),
        _ => false,
    }
}

fn unknown(label: &str, object: &Object, name: &str) -> Mistake {
    let within = if label.is_empty() { String::new() } else { format!(" in `{label}`") };
    let known = || object.keys().map(|key| key.name);
    let mistake = Mistake::new(format!("unknown key {}{within}", quote(name)));
    let meant = nearest(name, known()).or_else(|| in_other_words(object, name));
    match meant.map(str::to_owned).or_else(|| in_a_section(name)) {
        Some(meant) => mistake.help(format!("did you mean `{meant}`?")),
        None if MANIFEST.key(name).is_some() => {
            mistake.help(format!("`{name}` stands at the outermost level"))
        }
        None => mistake.help(format!("known are {}", list(known()))),
    }
}

/// Our word for what other tools call `name`.
fn in_other_words(object: &Object, name: &str) -> Option<&'static str> {
    let ours = || ELSEWHERE.iter().filter(|(_, ours)| object.key(ours).is_some());
    let other = nearest(name, ours().map(|(other, _)| *other))?;
    ours().find(|(known, _)| *known == other).map(|(_, ours)| *ours)
}

/// The section of a manifest that knows `name`.
fn in_a_section(name: &str) -> Option<String> {
    let mut sections = MANIFEST.keys().filter_map(|key| match &key.shape {
        Shape::Object(object) | Shape::List(Shape::Object(object)) => Some((key.name, object)),
        _ => None,
    });
    let section = sections.find(|(_, object)| object.key(name).is_some());
    section.filter(|_| MANIFEST.key(name).is_none()).map(|(section, _)| format!("{section}.{name}"))
}

fn undeclared(name: &str, known: &BTreeSet<&str>) -> Mistake {
    let mistake = Mistake::new(format!("`{name}` is not declared in `args`"));
    let help = format!("declare it, or write `$${{{name}}}` to leave it to the shell");
    mistake.help(help).suggest(name, known.iter().copied())
}

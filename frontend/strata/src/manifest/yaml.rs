//! YAML text to a tree that keeps lines, tags and text as written.

use std::{
    borrow::Cow,
    collections::{HashMap, btree_map},
    sync::Arc,
};

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput, options};
use llb::Lines;

use super::node::{Data, Entry, Map, Node, Tag};
use crate::mistake::{Findings, Mistake, Spanned, quote};

/// The largest manifest, in bytes.
const LARGEST: usize = 1 << 20;

/// How deep lists and maps may stand in each other; the vocabulary needs six.
const DEEPEST: usize = 32;

/// What all values may come to once aliases are filled in, in bytes: more than anyone writes, and
/// an end to what is made to explode.
const HEAVIEST: usize = 8 * LARGEST;

/// What a value takes beside its text, in the same bytes.
const OVERHEAD: usize = 16;

/// A mistake after which nothing more can be read.
type Stop = Spanned<Mistake>;

/// Reads `file` of `findings`; none if it is not YAML or holds nothing, which is then found.
pub fn read(findings: &mut Findings) -> Option<Node> {
    let file = Arc::clone(&findings.file);
    if file.data.len() > LARGEST {
        let size = file.data.len() as f64 / LARGEST as f64;
        let message = format!("{} has {size:.1} MiB; a manifest can have 1 MiB", file.name);
        findings.add(Mistake::new(message));
        return None;
    }
    let text = match str::from_utf8(&file.data) {
        Ok(text) => text,
        Err(error) => {
            let line = 1 + file.data[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count();
            findings.at(line_of(line), Mistake::new("not text in UTF-8"));
            return None;
        }
    };
    match Reader::new(text, findings).document() {
        Ok(root) => root,
        Err(Stop { value, lines }) => {
            // An end of file that comes too early is found after the last line.
            let last = line_of(text.lines().count());
            findings.at(lines.min(last), value);
            None
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Anchored>,
    weight: usize,
    findings: &'a mut Findings,
}

struct Anchored {
    node: Node,
    weight: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, findings: &'a mut Findings) -> Self {
        let options = options! {
            flow_nesting_limit: DEEPEST,
            block_nesting_limit: DEEPEST,
            emit_comments: false,
        };
        let parser = Parser::new_from_str_with_options(text, options);
        Self { text, parser, anchors: HashMap::new(), weight: 0, findings }
    }

    fn document(mut self) -> Result<Option<Node>, Stop> {
        let mut root: Option<Node> = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::DocumentStart(..) if root.is_some() => {
                    let mistake = Mistake::new("a second YAML document begins here");
                    return Err(stop(span, mistake.help("a manifest is one document")));
                }
                Event::DocumentStart(..) => root = Some(self.value()?),
                Event::StreamEnd => break,
                _ => {}
            }
        }
        let empty = |node: &Node| node.data == Data::Nothing;
        if root.as_ref().is_none_or(empty) {
            let help = "the least that a manifest says is `base: python:3.12-slim`";
            return Err(Stop::new(Mistake::new("the manifest is empty").help(help), line_of(1)));
        }
        Ok(root)
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(not_yaml(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn value(&mut self) -> Result<Node, Stop> {
        let (event, span) = self.next()?;
        self.node(event, span)
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Stop> {
        let before = self.weight;
        let (anchor, node) = match event {
            Event::Alias(anchor) => return self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, self.scalar(text, style, tag.as_deref(), span))
            }
            Event::SequenceStart(_, anchor, tag) => (anchor, self.list(tag.as_deref(), span)?),
            Event::MappingStart(_, anchor, tag) => (anchor, self.map(tag.as_deref(), span)?),
            _ => return Err(stop(span, Mistake::new("not valid YAML: a value is missing"))),
        };
        self.weigh(OVERHEAD + node.text().map_or(0, str::len), span)?;
        if anchor != 0 {
            let weight = self.weight - before;
            self.weigh(weight, span)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), weight });
        }
        Ok(node)
    }

    fn weigh(&mut self, weight: usize, span: Span) -> Result<(), Stop> {
        self.weight += weight;
        if self.weight <= HEAVIEST {
            return Ok(());
        }
        let mebibytes = HEAVIEST >> 20;
        let message = format!("the manifest's values come to more than {mebibytes} MiB");
        Err(stop(span, Mistake::new(message).help("use fewer aliases (`*name`)")))
    }

    /// A copy of what the anchor stands at. The copy stands where it is used, and what is in it
    /// where it is written, so that a mistake's line is the one to edit.
    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node, Stop> {
        let Some(Anchored { node, weight }) = self.anchors.get(&anchor) else {
            return Err(stop(span, Mistake::new("an alias that stands in its own value")));
        };
        let (node, weight) = (Node { lines: lines(span), ..node.clone() }, *weight);
        self.weigh(weight, span)?;
        Ok(node)
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<&granit_parser::Tag>,
        span: Span,
    ) -> Node {
        let written = span.slice(self.text).unwrap_or_default().trim_end();
        let start = line(span.start.line());
        let lines = Lines { start, end: start + line(written.matches('\n').count()) };
        let text_by_tag = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
        let nothing = matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
        let data = if style == ScalarStyle::Plain && nothing && !text_by_tag {
            Data::Nothing
        } else if text.contains('\0') {
            self.findings.at(lines, Mistake::new("a NUL character can't be part of a value"));
            Data::Wrong
        } else {
            Data::Text(text.into_owned())
        };
        Node { lines, tag: self.tag(tag, lines), data }
    }

    fn list(&mut self, tag: Option<&granit_parser::Tag>, span: Span) -> Result<Node, Stop> {
        let mut items = Vec::new();
        let mut lines = lines(span);
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                lines.end = lines.end.max(end_of_flow(span));
                return Ok(Node { lines, tag: self.tag(tag, lines), data: Data::List(items) });
            }
            let item = self.node(event, span)?;
            lines.end = lines.end.max(item.lines.end);
            items.push(item);
        }
    }

    fn map(&mut self, tag: Option<&granit_parser::Tag>, span: Span) -> Result<Node, Stop> {
        let mut map = Map::new();
        let mut merged = Vec::new();
        let mut lines = lines(span);
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                lines.end = lines.end.max(end_of_flow(span));
                break;
            }
            let merge = matches!(&event, Event::Scalar(key, ScalarStyle::Plain, ..) if key == "<<");
            let key = self.node(event, span)?;
            let value = self.value()?;
            lines.end = lines.end.max(value.lines.end);
            match key.data {
                Data::Text(_) if merge => merged.push(value),
                Data::Text(name) => self.entry(&mut map, name, Entry { key: key.lines, value }),
                Data::Wrong => {}
                _ => {
                    let message = format!("a key must be text, found {}", key.found());
                    self.findings.at(key.lines, Mistake::new(message));
                }
            }
        }
        for value in merged {
            self.merge(&mut map, value);
        }
        Ok(Node { lines, tag: self.tag(tag, lines), data: Data::Map(map) })
    }

    fn entry(&mut self, map: &mut Map, key: String, entry: Entry) {
        match map.entry(key) {
            btree_map::Entry::Vacant(place) => {
                place.insert(entry);
            }
            btree_map::Entry::Occupied(first) => {
                let line = first.get().key.start;
                let message = format!("duplicate key {}", quote(first.key()));
                let mistake = Mistake::new(message).help(format!("it is on line {line} already"));
                self.findings.at(entry.key, mistake);
            }
        }
    }

    /// A merge key (`<<: *common`): what the map itself says wins, then the first of a list.
    fn merge(&mut self, map: &mut Map, value: Node) {
        match value.data {
            Data::Map(more) => {
                for (key, entry) in more {
                    map.entry(key).or_insert(entry);
                }
            }
            Data::List(maps) if maps.iter().all(|node| matches!(node.data, Data::Map(_))) => {
                for more in maps {
                    self.merge(map, more);
                }
            }
            _ => {
                let message = "`<<` takes keys and values, or a list of these";
                self.findings.at(value.lines, Mistake::new(message));
            }
        }
    }

    fn tag(&mut self, tag: Option<&granit_parser::Tag>, lines: Lines) -> Option<Tag> {
        let tag = tag?;
        match tag.original_parts() {
            ("!", "reset") => Some(Tag::Reset),
            ("!", "override") => Some(Tag::Override),
            ("!", "public") => Some(Tag::Public),
            // `!!str 8000` and the like: what a text means is for its key to say.
            _ if tag.is_yaml_core_schema() => None,
            _ => {
                let message = format!("unknown tag {}", quote(&tag.original()));
                let help = "`!reset` empties, `!override` replaces and `!public` says that a value is \
                            no secret; there are no others";
                self.findings.at(lines, Mistake::new(message).help(help));
                None
            }
        }
    }
}

fn not_yaml(error: &ScanError) -> Stop {
    let help = match error.kind() {
        ErrorKind::RecursionLimitExceeded => {
            let message = format!("lists and maps in each other, more than {DEEPEST} deep");
            return Stop::new(Mistake::new(message), line_of(error.marker().line()));
        }
        ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => "indent with spaces",
        ErrorKind::UnexpectedCharacter { .. } => "put the text in quotes",
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => {
            "is a quote not closed?"
        }
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator => {
            "is a comma missing? Within braces and brackets, `${…}` needs quotes"
        }
        ErrorKind::MappingValueNotAllowed => "put text that has `: ` in it in quotes",
        ErrorKind::UnknownAnchor => "an alias (`*name`) needs an anchor (`&name`) before it",
        _ => "",
    };
    let mut mistake = Mistake::new(format!("not valid YAML: {}", error.info()));
    mistake.help = (!help.is_empty()).then(|| help.to_owned());
    Stop::new(mistake, line_of(error.marker().line()))
}

fn stop(span: Span, mistake: Mistake) -> Stop {
    Stop::new(mistake, lines(span))
}

/// The line of a closing bracket. The end of a block is found where the next thing begins, which
/// may be far below; its last value tells better.
fn end_of_flow(span: Span) -> u32 {
    if span.is_empty() { 0 } else { line(span.end.line()) }
}

fn lines(span: Span) -> Lines {
    line_of(span.start.line())
}

fn line_of(line_number: usize) -> Lines {
    Lines::one(line(line_number).max(1))
}

fn line(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

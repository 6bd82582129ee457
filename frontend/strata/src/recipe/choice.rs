//! Which parts of a manifest a build is made of.

use super::{Target, arguments::Given};
use crate::{
    manifest::{Data, Entry, Map, Node, Tag},
    mistake::{Findings, Mistake, list, quote},
};

/// The targets by name, and what each builds.
pub const TARGETS: [(&str, Target, &str); 5] = [
    ("image", Target::Image, "the whole image"),
    ("dev", Target::Dev, "the image with `dev` laid over it, its code left to a bind mount"),
    ("deps", Target::Deps, "all but the code: a base for other builds"),
    ("models", Target::Models, "the models alone, on nothing"),
    ("lock", Target::Lock, "no image, but the manifest's `strata.lock`: with `--output .`"),
];

/// What `--target` asks for.
pub fn target(asked: Option<&str>, findings: &mut Findings) -> Target {
    let asked = asked.unwrap_or_default();
    // As for the stages of a Dockerfile, capitals mean nothing.
    let known = TARGETS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(asked));
    if let Some((_, target, _)) = known {
        return *target;
    }
    let names = || TARGETS.iter().map(|(name, ..)| *name);
    let help = format!("the targets are {}", list(names()));
    if !asked.is_empty() {
        let mistake = Mistake::new(format!("unknown target {}", quote(asked))).help(help);
        findings.add(mistake.suggest(asked, names()));
    }
    Target::default()
}

/// The parts of a manifest that make up a build, in the order in which each is laid over those
/// before it: the manifest, its variant, its `dev`, the variant's `dev`. And whether a `dev` among
/// them has the models in a volume.
pub fn layers(
    root: Node,
    target: Target,
    variant: Option<&Given>,
    findings: &mut Findings,
) -> (Vec<Node>, bool) {
    let Parts { own, dev, variants } = Parts::of(root);
    let chosen = variant.filter(|given| !given.value.is_empty());
    let variant = chosen.and_then(|given| self::variant(variants, given, findings));
    let variant = variant.map(Parts::of).unwrap_or_default();
    let mut dev = [dev, variant.dev].map(|dev| dev.filter(|_| target == Target::Dev));
    let models = dev.iter_mut().flatten().filter_map(|dev| match &mut dev.data {
        Data::Map(map) => map.remove("models"),
        _ => None,
    });
    let are_volume = models.last().is_some_and(|last| last.value.tag != Some(Tag::Reset));
    let layers = [own, variant.own].into_iter().chain(dev).flatten().collect();
    (layers, are_volume)
}

/// The names of a manifest's variants.
pub fn variants(root: &Node) -> Vec<String> {
    match root.get("variants").map(|variants| &variants.data) {
        Some(Data::Map(variants)) => variants.keys().cloned().collect(),
        _ => Vec::new(),
    }
}

/// What a manifest or a variant of it is made of.
#[derive(Default)]
struct Parts {
    own: Option<Node>,
    dev: Option<Node>,
    variants: Map,
}

impl Parts {
    fn of(node: Node) -> Self {
        let Data::Map(mut map) = node.data else { return Self::default() };
        let mut part = |name| map.remove(name).map(|entry: Entry| entry.value.data);
        let dev = match part("dev") {
            Some(data @ Data::Map(_)) => Some(Node::new(node.lines, data)),
            _ => None,
        };
        let variants = match part("variants") {
            Some(Data::Map(variants)) => variants,
            _ => Map::new(),
        };
        Self { own: Some(Node::new(node.lines, Data::Map(map))), dev, variants }
    }
}

fn variant(mut variants: Map, given: &Given, findings: &mut Findings) -> Option<Node> {
    let name = &given.value;
    if let Some(entry) = variants.remove(name) {
        return Some(entry.value);
    }
    let names = || variants.keys().map(String::as_str);
    let help = if variants.is_empty() {
        "the manifest has no `variants`".into()
    } else {
        format!("the variants are {}", list(names()))
    };
    let mistake = Mistake::new(format!("unknown variant {}", quote(name)));
    given.blame(findings, mistake.help(help).suggest(name, names()));
    None
}

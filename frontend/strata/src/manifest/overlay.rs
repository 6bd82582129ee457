//! Laying one part of a manifest over another, by Compose's rules: maps merge key by key, lists
//! add, everything else replaces; `!reset` empties and `!override` replaces.

use super::{
    node::{Data, Entry, Map, Node, Tag},
    schema::{Identity, Object, Shape},
};

/// `over` laid over `under`; none if nothing is left. What both have a part in stands on the lines
/// of `over`: it is the last that touched it.
pub fn lay(under: Option<Node>, over: Node, shape: &'static Shape) -> Option<Node> {
    if let (Some(Tag::Reset), Shape::Command(_)) = (over.tag, shape) {
        // The image is to have none, not the base's.
        return Some(Node::new(over.lines, Data::List(Vec::new())));
    }
    let under = match over.tag {
        Some(Tag::Reset) => return None,
        Some(Tag::Override) => None,
        Some(Tag::Public) | None => under,
    };
    let (lines, tag) = (over.lines, over.tag.filter(|tag| *tag == Tag::Public));
    let data = match (shape, under.map(|node| node.data), over.data) {
        (_, Some(Data::Wrong), _) => Data::Wrong,
        (Shape::List(of), under, Data::List(over)) => Data::List(add(under, over, of)),
        (Shape::Map { of, .. }, under, Data::Map(over)) => {
            Data::Map(merge(map(under), over, |_| Some(of)))
        }
        (Shape::Object(object), under, Data::Map(over)) => {
            let under = without_excluded(object, map(under), &over);
            Data::Map(merge(under, over, |name| object.key(name).map(|key| &key.shape)))
        }
        (_, _, over) => over,
    };
    Some(Node { lines, tag, data })
}

fn map(data: Option<Data>) -> Map {
    match data {
        Some(Data::Map(map)) => map,
        _ => Map::new(),
    }
}

/// Keys that `shape_of` does not know are left out.
fn merge(mut under: Map, over: Map, shape_of: impl Fn(&str) -> Option<&'static Shape>) -> Map {
    for (name, Entry { key, value }) in over {
        let Some(shape) = shape_of(&name) else { continue };
        let below = under.remove(&name).map(|entry| entry.value);
        if let Some(value) = lay(below, value, shape) {
            under.insert(name, Entry { key, value });
        }
    }
    under
}

/// An overlay that takes code from elsewhere also drops what is said of the first place.
fn without_excluded(object: &Object, mut under: Map, over: &Map) -> Map {
    let given = |name: &str| over.get(name).is_some_and(|e| e.value.tag != Some(Tag::Reset));
    let Some((chosen, _)) = object.either.iter().find(|(name, _)| given(name)) else {
        return under;
    };
    for (name, belongings) in object.either.iter().filter(|(name, _)| name != chosen) {
        under.remove(*name);
        for belonging in *belongings {
            under.remove(*belonging);
        }
    }
    under
}

/// An item takes the place of one that is the same thing.
fn add(under: Option<Data>, over: Vec<Node>, of: &'static Shape) -> Vec<Node> {
    let mut items = match under {
        Some(Data::List(items)) => items,
        _ => Vec::new(),
    };
    let below = items.len();
    for item in over.into_iter().filter_map(|item| lay(None, item, of)) {
        let own = identity(of, &item);
        let same = |node: &Node| !own.is_empty() && identity(of, node) == own;
        match items[..below].iter().position(same) {
            Some(place) => items[place] = item,
            None => items.push(item),
        }
    }
    items
}

/// What an item is known by: the first of its keys, and, if that is a folder, which several may share,
/// the next.
fn identity<'a>(of: &Shape, item: &'a Node) -> Vec<(&'static str, &'a str)> {
    let Shape::Object(object) = of else { return Vec::new() };
    let of_key = |Identity { key, of }: &Identity| Some((*key, of(item.get(key)?.text()?)));
    let mut keys = object.identity.iter().filter_map(of_key);
    let first = keys.next();
    let next = first.filter(|(_, text)| text.ends_with('/')).and_then(|_| keys.next());
    first.into_iter().chain(next).collect()
}

//! The JSON Schema for editors is what the vocabulary gives. It takes every manifest that Strata
//! takes, and no key that is not known nor a value of another kind; what a text may be is left to a
//! build.

use std::{collections::BTreeSet, env, fs, path::Path};

use serde_json::{Map, Value, json};
use strata::manifest::schema::{Key, MANIFEST, Object, Shape};

/// What YAML makes of a text.
const TEXT: [&str; 3] = ["boolean", "number", "string"];

/// Keywords that speak of one type each: what either of two schemas takes has the types and the
/// keywords of both. Of `anyOf` editors could not say what is wrong.
struct Schema {
    types: BTreeSet<&'static str>,
    keywords: Map<String, Value>,
}

impl Schema {
    fn new<const N: usize>(types: [&'static str; N], keywords: Value) -> Self {
        let Value::Object(keywords) = keywords else { panic!("no keywords: {keywords}") };
        Self { types: BTreeSet::from(types), keywords }
    }

    fn or(mut self, other: Self) -> Self {
        self.types.extend(other.types);
        for (keyword, value) in other.keywords {
            assert_eq!(self.keywords.insert(keyword, value), None);
        }
        self
    }

    /// With an empty text, which is what editors see of `!reset`.
    fn or_empty(self, expected: &str) -> Self {
        if self.types.contains("string") { self } else { self.or(text("^$", expected)) }
    }

    fn json(self) -> Value {
        let mut json = Map::from_iter([("type".to_owned(), json!(self.types))]);
        json.extend(self.keywords);
        Value::Object(json)
    }
}

fn schema(shape: &Shape) -> Schema {
    match shape {
        Shape::One(value) => match words(value.expected) {
            Some(words) => one_of(&words),
            None => Schema::new(TEXT, json!({})),
        },
        Shape::Command(_) => list(Schema::new(TEXT, json!({}))).or(Schema::new(TEXT, json!({}))),
        Shape::List(of) => list(schema(of)).or(schema(of)),
        Shape::Map { of, .. } => {
            let values = schema(of).or_empty(&of.expected()).json();
            let map = Schema::new(["object"], json!({"additionalProperties": values}));
            match of {
                Shape::One(_) => map.or(list(text("=", "`NAME=value`"))),
                Shape::Optional(Shape::One(_)) => map.or(list(Schema::new(["string"], json!({})))),
                _ => map,
            }
        }
        Shape::Object(object) => match object.short.and_then(|short| object.key(short)) {
            Some(short) => keys(object).or(schema(&short.shape)),
            None => keys(object),
        },
        Shape::Optional(of) => schema(of).or(Schema::new(["null"], json!({}))),
    }
}

fn list(of: Schema) -> Schema {
    Schema::new(["array"], json!({"items": of.json()}))
}

fn text(pattern: &str, expected: &str) -> Schema {
    let message = format!("expected {expected}");
    Schema::new(["string"], json!({"pattern": pattern, "patternErrorMessage": message}))
}

fn keys(object: &Object) -> Schema {
    let keys: Map<_, _> = object.keys().map(|key| (key.name.to_owned(), described(key))).collect();
    let mut keywords = json!({"properties": keys, "additionalProperties": false});
    if object.complete {
        let required = object.either.iter().map(|(name, _)| json!({"required": [name]}));
        keywords["anyOf"] = required.collect();
    }
    Schema::new(["object"], keywords)
}

fn described(Key { shape, doc, .. }: &Key) -> Value {
    let description = match shape {
        Shape::Object(_) | Shape::Optional(_) => (*doc).to_owned(),
        shape => format!("{doc}\n\nValue: {}.", shape.expected()),
    };
    let mut json = schema(shape).or_empty(&shape.expected()).json();
    json["description"] = description.into();
    json
}

/// The words that a value can be, if nothing else is expected.
fn words(expected: &str) -> Option<Vec<&str>> {
    let mut parts = expected.split('`');
    let mut words = Vec::new();
    loop {
        if !matches!(parts.next()?, "" | " or ") {
            return None;
        }
        match parts.next() {
            Some(word) => words.push(word),
            None => return Some(words),
        }
    }
}

/// One of `words`, with quotes or without, or what an argument fills in; nothing is `!reset`.
fn one_of(words: &[&str]) -> Schema {
    let text = format!(r"^({})?$|\$\{{", words.join("|"));
    let plain = |word: &&str| word.parse().map_or_else(|_| json!(word), Value::Bool);
    let plain: Vec<Value> = words.iter().map(plain).collect();
    let boolean = plain.iter().any(Value::is_boolean).then_some("boolean");
    let any_of = json!([{"enum": plain}, {"type": "string", "pattern": text}]);
    Schema {
        types: boolean.into_iter().chain(["string"]).collect(),
        keywords: Map::from_iter([("anyOf".to_owned(), any_of)]),
    }
}

/// Puts the keys of an overlay, which others have as well, at one place.
fn share(overlay: &mut Value, definitions: &mut Map<String, Value>) {
    for (name, json) in overlay["properties"].as_object_mut().unwrap() {
        match &**name {
            "dev" => share(json, definitions),
            "variants" => share(&mut json["additionalProperties"], definitions),
            _ => {}
        }
        if definitions.entry(name).or_insert_with(|| json.clone()) == json {
            *json = json!({"$ref": format!("#/definitions/{name}")});
        }
    }
}

/// All of it. Draft 7 is what the YAML extensions of editors know best.
fn document() -> String {
    let mut manifest = keys(&MANIFEST).json();
    let mut definitions = Map::new();
    share(&mut manifest, &mut definitions);
    let document = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A manifest of Strata",
        "type": manifest["type"],
        "properties": manifest["properties"],
        "patternProperties": {"^x-": true},
        "additionalProperties": false,
        "definitions": definitions,
    });
    serde_json::to_string_pretty(&document).unwrap() + "\n"
}

#[test]
fn the_schema_is_what_the_vocabulary_gives() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/strata.schema.json");
    let given = document();
    // As for snapshots.
    if env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&path, &given).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert!(
        committed == given,
        "docs/strata.schema.json and the vocabulary differ: \
         `INSTA_UPDATE=always cargo test -p strata --test manifest` renews it"
    );
}

//! The hashes by which tools know that a lock is of a project: SHA-256 of JSON as Python's
//! `json.dumps(…, sort_keys=True)` writes it.

use serde_json::{Map, Value};

use crate::sha256;

/// What stands between the items of Python's JSON, and behind a key.
#[derive(Clone, Copy)]
pub(super) struct Separators {
    item: &'static str,
    key: &'static str,
}

/// Python's own.
pub(super) const SPACED: Separators = Separators { item: ", ", key: ": " };

/// Those of `separators=(",", ":")`.
pub(super) const COMPACT: Separators = Separators { item: ",", key: ":" };

/// The SHA-256 of a value, in hexadecimal digits.
pub(super) fn sha256(value: &Value, separators: Separators) -> String {
    let mut text = String::new();
    write(&mut text, value, separators);
    sha256::hex(text)
}

fn write(into: &mut String, value: &Value, separators: Separators) {
    match value {
        Value::String(text) => string(into, text),
        Value::Array(items) => {
            into.push('[');
            for (index, item) in items.iter().enumerate() {
                into.push_str(if index > 0 { separators.item } else { "" });
                write(into, item, separators);
            }
            into.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            into.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                into.push_str(if index > 0 { separators.item } else { "" });
                string(into, key);
                into.push_str(separators.key);
                write(into, value, separators);
            }
            into.push('}');
        }
        other => into.push_str(&other.to_string()),
    }
}

/// In ASCII only, as Python has it if not told otherwise.
fn string(into: &mut String, text: &str) {
    into.push('"');
    for c in text.chars() {
        match c {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            '\u{8}' => into.push_str("\\b"),
            '\u{c}' => into.push_str("\\f"),
            ' '..='~' => into.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    into.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    into.push('"');
}

/// A value of a TOML file; none if JSON has no such value, as it has no dates.
pub(super) fn json(value: &toml::Value) -> Option<Value> {
    Some(match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(yes) => Value::from(*yes),
        toml::Value::Datetime(_) => return None,
        toml::Value::Array(items) => items.iter().map(json).collect::<Option<Vec<_>>>()?.into(),
        toml::Value::Table(table) => object(table)?.into(),
    })
}

/// The same of a table.
pub(super) fn object(table: &toml::Table) -> Option<Map<String, Value>> {
    table.iter().map(|(key, value)| Some((key.clone(), json(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_written_as_python_writes_it() {
        let value =
            json!({"b": [1, true, null, 1.5], "a": {"ä\u{1f600}": "\"\\\n\u{7f}\u{1}"}, "c": {}});
        for (separators, expected) in [
            (
                SPACED,
                r#"{"a": {"\u00e4\ud83d\ude00": "\"\\\n\u007f\u0001"}, "b": [1, true, null, 1.5], "c": {}}"#,
            ),
            (
                COMPACT,
                r#"{"a":{"\u00e4\ud83d\ude00":"\"\\\n\u007f\u0001"},"b":[1,true,null,1.5],"c":{}}"#,
            ),
        ] {
            let mut text = String::new();
            write(&mut text, &value, separators);
            assert_eq!(text, expected);
        }
    }
}

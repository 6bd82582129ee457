//! The tables of the README.

use std::fmt::Write as _;

use crate::bench::Row;
use crate::cost::{Cost, medians};

/// Something that is measured of every build.
#[derive(Clone, Copy)]
pub struct Measure {
    /// What it is.
    pub title: &'static str,
    /// The number, for bars.
    pub of: fn(&Cost) -> f64,
    /// The number as text.
    pub text: fn(&Cost) -> String,
}

/// How long it takes.
pub const TIME: Measure =
    Measure { title: "time", of: |cost| cost.seconds, text: |cost| seconds(cost.seconds) };

/// How much must be sent to a registry.
pub const PUSHED: Measure = Measure {
    title: "new bytes to push",
    of: |cost| cost.pushed as f64,
    text: |cost| bytes(cost.pushed),
};

/// How large all layers are, compressed.
pub const SIZE: Measure =
    Measure { title: "image size", of: |cost| cost.size as f64, text: |cost| bytes(cost.size) };

/// All measures, in the order of the tables.
pub const MEASURES: [Measure; 5] = [
    TIME,
    PUSHED,
    Measure {
        title: "bytes to unpack; for an empty builder, to download",
        of: |cost| cost.unpacked as f64,
        text: |cost| bytes(cost.unpacked),
    },
    Measure {
        title: "steps run",
        of: |cost| cost.steps as f64,
        text: |cost| cost.steps.to_string(),
    },
    SIZE,
];

/// What is measured of the examples, in the order of the tables.
pub const OF_EXAMPLES: [Measure; 3] = [TIME, PUSHED, SIZE];

/// What is measured of models, in the order of the tables.
pub const OF_MODELS: [Measure; 4] = [
    TIME,
    Measure {
        title: "bytes from the hub",
        of: |cost| cost.fetched as f64,
        text: |cost| bytes(cost.fetched),
    },
    PUSHED,
    Measure {
        title: "disk taken at most while it builds",
        of: |cost| cost.disk as f64,
        text: |cost| bytes(cost.disk),
    },
];

/// `measure` of all rows, in Markdown.
pub fn table(measure: Measure, rows: &[Row]) -> String {
    let ways = rows.first().map(|row| row.costs.as_slice()).unwrap_or_default();
    let mut table = format!("{}:\n\n| the edit |", measure.title);
    for (way, _) in ways {
        let _ = write!(table, " {} |", way.title());
    }
    table += "\n|---|";
    table += &"---|".repeat(ways.len());
    table.push('\n');
    for row in rows {
        let _ = write!(table, "| {} |", row.name);
        for (_, costs) in &row.costs {
            let _ = write!(table, " {} |", (measure.text)(&medians(costs)));
        }
        table.push('\n');
    }
    table
}

/// Two digits that say something.
fn seconds(seconds: f64) -> String {
    match seconds {
        ..1.0 => format!("{seconds:.2} s"),
        ..10.0 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        0.0 => "0".to_owned(),
        few @ ..1e6 => format!("{:.0} kB", (few / 1e3).max(1.0)),
        some @ ..1e7 => format!("{:.1} MB", some / 1e6),
        many @ ..1e9 => format!("{:.0} MB", many / 1e6),
        most => format!("{:.1} GB", most / 1e9),
    }
}

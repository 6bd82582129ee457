//! The chart of the README: a bar for each way, edit by edit, as an SVG that is read on light and
//! on dark.

use std::fmt::Write as _;

use crate::bench::Row;
use crate::cost::medians;
use crate::table::{Measure, PUSHED, TIME};

const WIDTH: u32 = 900;
const NAMES: u32 = 210;
const PANEL: u32 = 260;
/// From one panel to the next: the longest bar's text stands between them.
const STEP: u32 = 345;
const HEAD: u32 = 62;
const BAR: u32 = 9;
const GAP: u32 = 12;
/// Between black and white, as far from both.
const INK: &str = "#7d8590";

/// The chart of `rows`.
pub fn chart(rows: &[Row]) -> String {
    let ways = rows.first().map(|row| row.costs.as_slice()).unwrap_or_default();
    let row_height = u32::try_from(ways.len()).unwrap_or_default() * BAR + GAP;
    let height = HEAD + u32::try_from(rows.len()).unwrap_or_default() * row_height;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"{INK}\">\n\
         <title>What an edit costs: time, and new bytes to push</title>\n"
    );
    for (place, (way, _)) in ways.iter().enumerate() {
        let x = NAMES + 160 * u32::try_from(place).unwrap_or_default();
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"6\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{}\"/>\
             <text x=\"{}\" y=\"16\">{}</text>",
            way.colour(),
            x + 18,
            way.title()
        );
    }
    for (place, row) in (0..).zip(rows) {
        let middle = HEAD + place * row_height + (row_height - GAP) / 2 + 4;
        let x = NAMES - 12;
        let _ =
            writeln!(svg, "<text x=\"{x}\" y=\"{middle}\" text-anchor=\"end\">{}</text>", row.name);
    }
    for (place, measure) in (0..).zip([TIME, PUSHED]) {
        panel(&mut svg, measure, rows, NAMES + place * STEP, row_height);
    }
    svg + "</svg>\n"
}

fn panel(svg: &mut String, measure: Measure, rows: &[Row], left: u32, row_height: u32) {
    let _ =
        writeln!(svg, "<text x=\"{left}\" y=\"46\" font-weight=\"600\">{}</text>", measure.title);
    let all = rows.iter().flat_map(|row| &row.costs);
    let longest = all.map(|(_, costs)| (measure.of)(&medians(costs))).fold(0.0, f64::max);
    for (place, row) in (0..).zip(rows) {
        for (line, (way, costs)) in (0..).zip(&row.costs) {
            let median = medians(costs);
            let y = HEAD + place * row_height + line * BAR;
            // The shortest is still a line.
            let width = ((measure.of)(&median) / longest * f64::from(PANEL)).max(1.0);
            let _ = writeln!(
                svg,
                "<rect x=\"{left}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\" rx=\"1\" \
                 fill=\"{}\"/><text x=\"{:.1}\" y=\"{}\" font-size=\"9\">{}</text>",
                BAR - 1,
                way.colour(),
                f64::from(left) + width + 4.0,
                y + BAR - 2,
                (measure.text)(&median)
            );
        }
    }
}

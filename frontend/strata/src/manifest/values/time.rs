//! Durations.

use std::time::Duration;

use super::{Read, expected};

/// The shortest check that Docker takes, but for 0, which is its default; `parseOptInterval` in
/// BuildKit's `frontend/dockerfile/instructions/parse.go`.
const SHORTEST: Duration = Duration::from_millis(1);

/// A duration as Compose and Go write it: `1m30s`, `500ms`, `1.5h`.
pub fn duration(text: &str) -> Read<Duration> {
    let mistake = || expected("a duration such as `30s` or `1m30s`", text);
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        return Err(mistake().help(format!("write `{text}s` for seconds")));
    }
    let nanoseconds = nanoseconds(text).ok_or_else(mistake)?;
    let duration = Duration::from_nanos(nanoseconds);
    if nanoseconds > i64::MAX.unsigned_abs() {
        return Err(mistake());
    }
    if !duration.is_zero() && duration < SHORTEST {
        return Err(mistake().help("Docker takes nothing shorter than 1ms"));
    }
    Ok(duration)
}

fn nanoseconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() || text.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c| !matches!(c, '0'..='9' | '.'))?);
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let unit = nanoseconds_of(unit)?;
        total = total.checked_add(whole.parse::<u64>().ok()?.checked_mul(unit)?)?;
        total = total.checked_add(part(fraction, unit)?)?;
        rest = after;
    }
    Some(total)
}

/// `0.fraction` of `unit`.
fn part(fraction: &str, unit: u64) -> Option<u64> {
    if fraction.is_empty() {
        return Some(0);
    }
    let digits = u32::try_from(fraction.len()).ok().filter(|digits| *digits <= 9)?;
    let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(unit);
    u64::try_from(part / 10u128.pow(digits)).ok()
}

fn nanoseconds_of(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [
            ("30s", Some(30_000)),
            ("1m30s", Some(90_000)),
            ("500ms", Some(500)),
            ("1.5h", Some(5_400_000)),
            ("2h45m", Some(9_900_000)),
            ("1ms", Some(1)),
            ("1000us", Some(1)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("1us", None),
            ("", None),
            ("s", None),
            ("30", None),
            ("-1s", None),
            ("1 s", None),
            ("1.2.3s", None),
            ("1d", None),
            (".s", None),
            ("1s30", None),
            ("99999999999999h", None),
            ("300000000h", None),
        ];
        for (text, expected) in cases {
            assert_eq!(duration(text).ok(), expected.map(Duration::from_millis), "{text}");
        }
    }
}

//! Version constraints as poetry writes them: PEP 440's, and `^1.2`, `~1.2`, `1.*`, `||`.

use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifier};

/// Whether a constraint allows a version; none if it cannot be read.
pub(super) fn allows(constraint: &str, version: &Version) -> Option<bool> {
    let mut any = false;
    for alternative in constraint.split('|').filter(|part| !part.trim().is_empty()) {
        any |= all(alternative, version)?;
    }
    Some(any)
}

/// Comparisons with commas or spaces between them.
fn all(text: &str, version: &Version) -> Option<bool> {
    let space = |c: char| c == ',' || c.is_whitespace();
    let mut rest = text.trim_matches(space);
    let mut every = true;
    while !rest.is_empty() {
        let after = rest.trim_start_matches(|c| "<>=!~^".contains(c));
        let operator = &rest[..rest.len() - after.len()];
        let after = after.trim_start();
        let end = after.find(space).unwrap_or(after.len());
        every &= holds(operator, &after[..end], version)?;
        rest = after[end..].trim_start_matches(space);
    }
    Some(every)
}

fn holds(operator: &str, text: &str, version: &Version) -> Option<bool> {
    match operator {
        "^" | "~" => {
            let from = Version::from_str(text).ok()?;
            Some(from <= *version && *version < bound(operator, &from)?)
        }
        _ if text == "*" => Some(true),
        _ => {
            let operator = match operator {
                "" | "=" => "==",
                other => other,
            };
            let specifier = VersionSpecifier::from_str(&format!("{operator}{text}")).ok()?;
            Some(specifier.contains(version))
        }
    }
}

/// The first version that `^from` or `~from` no longer allows: with `^`, the first number that
/// is not zero counts up, with `~` the second.
fn bound(operator: &str, from: &Version) -> Option<Version> {
    let numbers = from.release();
    let last = numbers.len().checked_sub(1)?;
    let counts = match operator {
        "^" => numbers.iter().position(|number| *number > 0).unwrap_or(last),
        _ => last.min(1),
    };
    let mut next = numbers.get(..=counts)?.to_vec();
    let number = next.last_mut()?;
    *number = number.checked_add(1)?;
    Some(Version::new(next).with_epoch(from.epoch()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_poetrys() {
        for (constraint, allowed, refused) in [
            ("*", "1", ""),
            ("^1.2.3", "1.2.3 1.9", "1.2.2 2.0"),
            ("^0.2.3", "0.2.3 0.2.9", "0.3 0.2.2"),
            ("^0.0.3", "0.0.3", "0.0.4"),
            ("^0", "0.9", "1.0"),
            ("^3.8", "3.12.4 3.8", "3.7.9 4.0"),
            ("~1.2.3", "1.2.9", "1.3 1.2.2"),
            ("~1.2", "1.2.9", "1.3"),
            ("~1", "1.9", "2.0"),
            ("~=1.2", "1.9", "2.0"),
            (">=3.7,<4", "3.12", "4.0"),
            (">= 3.7 <4", "3.12", "4.0"),
            ("3.10.*", "3.10.1", "3.11"),
            ("==1.*", "1.5", "2.0"),
            ("!=3.9.*,>=3.8", "3.8 3.10", "3.9.1"),
            ("1.2", "1.2.0", "1.2.1"),
            ("^2.7 || ^3.8", "2.7.1 3.9", "3.7"),
            ("<2|>3", "1 4", "2.5"),
        ] {
            for (versions, expected) in [(allowed, true), (refused, false)] {
                for version in versions.split_whitespace() {
                    let found = allows(constraint, &Version::from_str(version).unwrap());
                    assert_eq!(found, Some(expected), "{constraint} {version}");
                }
            }
        }
        for constraint in ["^x", "latest", "^", ">="] {
            assert_eq!(allows(constraint, &Version::new([1])), None, "{constraint}");
        }
    }
}

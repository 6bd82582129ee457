//! Ports.

use std::{fmt, num::NonZeroU16};

use super::{Read, expected};
use crate::mistake::{Mistake, quote};

/// A port that the image listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    number: NonZeroU16,
    protocol: &'static str,
}

impl fmt::Display for Port {
    /// As an image's config has it: `8000/tcp`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.protocol)
    }
}

/// `8000`, `8000/udp` or all of `8000-8010`.
pub fn ports(text: &str) -> Read<Vec<Port>> {
    let mistake = || expected("a port such as `8000`, `8000/udp` or `8000-8010`", text);
    if let Some((_, port)) = text.rsplit_once(':') {
        let message = format!("{} says which port of the host, which an image can't", quote(text));
        let help = format!("write `{port}`, and publish it when it runs: `docker run -p {text}`");
        return Err(Mistake::new(message).help(help));
    }
    let (range, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = ["tcp", "udp", "sctp"].into_iter().find(|known| *known == protocol);
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (Some(protocol), Ok(first), Ok(last)) =
        (protocol, first.parse::<NonZeroU16>(), last.parse::<NonZeroU16>())
    else {
        return Err(mistake());
    };
    if first > last {
        return Err(mistake().help(format!("write `{last}-{first}`")));
    }
    let number = (first.get()..=last.get()).filter_map(NonZeroU16::new);
    Ok(number.map(|number| Port { number, protocol }).collect())
}

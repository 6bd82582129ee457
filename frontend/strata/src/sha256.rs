//! SHA-256, as text.

use sha2::{Digest as _, Sha256};

/// The SHA-256 of `data` in 64 hexadecimal digits.
pub(crate) fn hex(data: impl AsRef<[u8]>) -> String {
    Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first `digits` of [`hex`], where it only has to tell a few things apart.
pub(crate) fn short(data: impl AsRef<[u8]>, digits: usize) -> String {
    hex(data).chars().take(digits).collect()
}

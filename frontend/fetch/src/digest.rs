//! Whether bytes are the ones that were meant.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::request::Checksum;

/// A checksum in the making.
#[derive(Clone, Debug)]
pub enum Running {
    /// Of all bytes.
    Sha256(Sha256),
    /// Of `blob <size>`, a NUL, and all bytes: what git calls a file.
    Git(Sha1),
}

impl Running {
    /// The kind that `checksum` is; SHA-256 if there is none to compare with.
    pub fn of(checksum: Option<&Checksum>, size: Option<u64>) -> Self {
        match checksum {
            Some(Checksum::Git(_)) => {
                let size = size.unwrap_or_default();
                Self::Git(Sha1::new().chain_update(format!("blob {size}\0")))
            }
            Some(Checksum::Sha256(_)) | None => Self::Sha256(Sha256::new()),
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(digest) => digest.update(bytes),
            Self::Git(digest) => digest.update(bytes),
        }
    }

    /// Hexadecimal digits.
    pub fn finish(&self) -> String {
        match self {
            Self::Sha256(digest) => hex(&digest.clone().finalize()),
            Self::Git(digest) => hex(&digest.clone().finalize()),
        }
    }
}

impl Checksum {
    /// Its digits.
    pub fn hex(&self) -> &str {
        match self {
            Self::Sha256(hex) | Self::Git(hex) => hex,
        }
    }
}

pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_git_and_as_sha256sum() {
        let digest = |checksum: Option<&Checksum>| {
            let mut running = Running::of(checksum, Some(6));
            running.update(b"hel");
            running.update(b"lo\n");
            running.finish()
        };
        // git hash-object, sha256sum
        let git = "ce013625030ba8dba906f756967f9e9ca394464a";
        let sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        assert_eq!(digest(Some(&Checksum::Git(git.into()))), git);
        assert_eq!(digest(None), sha256);
    }
}

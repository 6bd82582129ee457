//! Who runs the image, in numbers.

use std::collections::BTreeMap;

use crate::{facts::Account, recipe};

/// The number of a user that we make. Fixed, so that volumes keep their owner from build to
/// build and Kubernetes' `runAsNonRoot` can tell that it is not root; high, so that it is none
/// that a base has.
const UID: u32 = 10001;

/// The name of a user that we make when the manifest gives none.
const NAME: &str = "app";

/// Who runs the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Home directory.
    pub home: String,
    /// Whether its groups are those that the base says: nobody has asked for another.
    pub has_groups: bool,
    /// The name to make the user under, if the base does not have it.
    pub make: Option<String>,
}

impl User {
    /// The user that the recipe asks for in a base with these users.
    pub fn resolve(asked: Option<&recipe::User>, users: &BTreeMap<String, Account>) -> Self {
        let there = |account: &Account, asked: Option<u32>| Self {
            uid: account.uid,
            gid: asked.unwrap_or(account.gid),
            home: account.home.clone(),
            has_groups: asked.is_none(),
            make: None,
        };
        match asked {
            Some(&recipe::User::Id { uid, gid }) => {
                match users.values().find(|account| account.uid == uid) {
                    Some(account) => there(account, Some(gid)),
                    None if uid == 0 => {
                        Self { uid, gid, home: "/root".into(), has_groups: false, make: None }
                    }
                    None => Self::made(NAME, uid, gid),
                }
            }
            Some(recipe::User::Name(name)) => match users.get(name) {
                Some(account) => there(account, None),
                None => Self::made(name, UID, UID),
            },
            None => match users.get(NAME) {
                Some(account) => there(account, None),
                None => Self::made(NAME, UID, UID),
            },
        }
    }

    fn made(name: &str, uid: u32, gid: u32) -> Self {
        let home = format!("/home/{name}");
        Self { uid, gid, home, has_groups: false, make: Some(name.to_owned()) }
    }

    /// As an image's config has it: `10001:10001`. With a group there, whoever runs the image adds
    /// no other that the base has the user in, such as `video`.
    pub fn config(&self) -> String {
        if self.has_groups { self.uid.to_string() } else { format!("{}:{}", self.uid, self.gid) }
    }

    /// Whether it may be run as anyone else in its group, root's: as OpenShift does, which gives
    /// each project numbers of its own.
    pub const fn is_anyone(&self) -> bool {
        self.gid == 0 && self.uid != 0
    }

    /// The permissions of folders that are made for it.
    pub(super) const fn folder_mode(&self) -> u32 {
        if self.is_anyone() { 0o775 } else { 0o755 }
    }
}

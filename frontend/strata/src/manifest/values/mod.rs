//! What the text of one value may be: each function reads one kind of value, and says in words
//! what it expected if it can't.

mod command;
mod image;
mod model;
mod names;
mod package;
mod path;
mod port;
mod public;
mod python;
mod reference;
mod remote;
mod time;

pub use command::{Written, health_test, script, words};
pub use image::image;
pub use model::{
    Pipeline, RepositoryKind, file_url, kept, pattern, pipeline, pipeline_name, repository,
    revision, sha256, volume_of_models,
};
pub use names::{
    User, argument, boolean, key_name, number, secret, signal, socket, text, user, variable_text,
    variant,
};
pub use package::{requirement, system_package};
pub use path::{
    InputPath, absolute, context, destination, files_destination, in_context, in_image, installed,
    is_folder, lock, pyproject, relative, requirements, system_sources, volume,
};
pub use port::{Port, ports};
pub use public::public;
pub use python::{Installer, extra, host, installer, module, project, project_name, torch};
pub use reference::reference;
pub use remote::{credentials, git, hub, index, is_ssh, looks_like_git, page, source};
pub use time::duration;

use crate::mistake::{Mistake, quote};

/// A value, or what is wrong with its text.
pub type Read<T> = Result<T, Mistake>;

/// ``expected a port, found `x` ``
fn expected(what: &str, found: &str) -> Mistake {
    Mistake::new(format!("expected {what}, found {}", quote(found)))
}

//! BuildKit's LLB as values: operations, states, and their marshalling to a [`Definition`].
//!
//! A graph is made from its sources upwards. Each operation is sealed when it is built: its
//! bytes, and with them its digest, are known from then on and never change, so that "which
//! vertices does this edit change" is a comparison of values.
//!
//! ```
//! use llb::{Exec, Image, Meta, Mount, Platform, State};
//!
//! let platform = Platform::parse("linux/amd64").unwrap();
//! let base = Image::new("docker.io/library/python:3.12-slim").build(&platform, Meta::named("base"));
//! let built = Exec::new(base, ["python3", "-m", "compileall", "/out"])
//!     .mount(Mount::output("/out", State::scratch()))
//!     .build(&platform, Meta::named("compile"));
//! let definition = built.output("/out").definition();
//! assert_eq!(definition.vertices().count(), 2);
//! ```
//!
//! No I/O, no async: sending a definition to a daemon is somebody else's work.

mod definition;
mod exec;
mod file;
mod marshal;
mod merge;
mod platform;
mod source;
mod source_map;
mod state;

pub use buildkit_proto::pb;
pub use definition::{Definition, MalformedDefinition};
pub use exec::{CacheSharing, Exec, Executed, HostIp, Mount, Network, ProxyEnv, Ulimit};
pub use file::{Copy, File, Owner};
pub use merge::{diff, merge};
pub use platform::{Platform, PlatformError};
pub use source::{Differ, Git, Http, Image, Local, OciLayout};
pub use source_map::{Lines, Location, SourceFile};
pub use state::{Meta, State, Vertex};

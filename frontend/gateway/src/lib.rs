//! The conversation between a BuildKit frontend and the daemon that runs it.
//!
//! A frontend is a program that a daemon starts in a container when a build asks for it, with
//! the first line `# syntax=<image>` for one. They talk gRPC over its standard input and output:
//! the frontend hands over graphs ([`llb`]) and looks into what they made, until it returns a
//! result.
//!
//! ```no_run
//! use gateway::{BuildContext, BuildResult, Files, PlatformResult};
//!
//! gateway::run("example", async |gateway| {
//!     let context = BuildContext::open(&gateway, "manifest.yaml").await?;
//!     let manifest = context.manifest("YAML").await?;
//!     let excludes = context.excludes(&manifest).await?;
//!     let files = context.files(&Files::All, &excludes);
//!     let options = &gateway.request().options;
//!     let platform = gateway.request().build_platform();
//!     let reference = gateway.solve(&files.definition()).await?;
//!     let result = PlatformResult { platform, reference, config: None, base_config: None };
//!     Ok(BuildResult::new(vec![result], options.multi_platform))
//! });
//! ```

#![warn(clippy::print_stdout)] // the daemon reads HTTP/2 there

mod archive;
mod capabilities;
mod client;
mod context;
mod credentials;
mod csv;
mod error;
mod git_url;
mod ignore_file;
mod image;
mod image_name;
mod options;
mod own_image;
mod paths;
mod request;
mod resolve;
mod result;
mod run;
mod transport;
mod warnings;

pub mod subrequest;

pub use capabilities::Capabilities;
pub use client::{Gateway, Reference, There};
pub use context::{BuildContext, Files, Manifest};
pub use credentials::without_credentials;
pub use error::Error;
pub use git_url::{GitUrl, InvalidGitUrl, Transport};
pub use ignore_file::ignore_patterns;
pub use image::BaseImage;
pub use image_name::{ImageName, InvalidImageName};
pub use options::{
    CacheImport, ContextOptions, InvalidOption, LintOptions, NoCache, Options, ResolveMode, Rules,
    Sandbox,
};
pub use own_image::own_image;
pub use request::{BuildRequest, Worker, started_by_buildkit};
pub use resolve::ResolvedGit;
pub use result::{BuildResult, PlatformResult};
pub use run::run;
pub use tonic::Code;
pub use warnings::{Warning, Warnings};

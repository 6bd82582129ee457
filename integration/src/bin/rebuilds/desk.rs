//! The engine that people build with all day, and what it is connected to.

use std::net::Ipv4Addr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use integration::base_image;
use integration::buildx::Build;
use integration::command::output;
use integration::daemons::CURRENT;
use integration::engine::{Engine, Throwaway};
use integration::hub::{Hub, Repo};
use integration::pypi_mirror::PypiMirror;
use integration::registry::Registry;
use integration::{frontend_image, weights};

use crate::cost::{Cost, Image};
use crate::project::{EDITS, Project, own_model, small_model};
use crate::timed;
use crate::way::Way;

const BASE: &str = "python:3-slim";
const FRONTEND: &str = "strata";

/// So much may the engine's build cache hold between two rows. All that later rows build upon is a
/// third of it, and is used in every row.
const CACHE: &str = "24gb";

/// An engine that begins empty and stays, a registry, and a hub.
pub struct Desk {
    engine: Throwaway,
    registry: Registry,
    hub: Hub,
    pypi: PypiMirror,
}

/// A way to build, and what it has built.
pub struct Contestant {
    /// The way.
    pub way: Way,
    /// What it builds.
    pub project: Project,
    /// The host's name in all its steps, and the namespace of its cache mounts: what was built
    /// under another name is not in the cache.
    pub cache: String,
    /// The image before any edit, once it was built.
    pub before: Image,
}

impl Desk {
    /// Brings them up.
    ///
    /// # Errors
    ///
    /// When one of them does not come up.
    pub fn new(ways: &[Way]) -> Result<Self> {
        let engine = Engine::empty(CURRENT)?;
        frontend_image::load(&engine, FRONTEND)?;
        base_image::load(&engine, BASE)?;
        let registry = Registry::serve(Ipv4Addr::LOCALHOST.into())?;
        let small = ways.iter().flat_map(|way| (0..EDITS).map(|run| small_model(*way, run)));
        let small = small.map(|name| Repo::new(name.clone(), [("config.json", name)]));
        let own = ways.iter().map(|way| weights::all_minilm_l6_v2_as(&own_model(*way)));
        let own = own.collect::<Result<Vec<_>>>()?;
        let hub = Hub::serve(engine.host_address()?, small.chain(own))?;
        let pypi = PypiMirror::serve(engine.host_address()?)?;
        let desk = Self { engine, registry, hub, pypi };
        output(&mut desk.engine.docker(["image", "tag", BASE, &desk.base()]))?;
        output(&mut desk.engine.docker(["push", "--quiet", &desk.base()]))?;
        Ok(desk)
    }

    /// Builds the project without any cache: what it costs to someone who has the base image.
    ///
    /// # Errors
    ///
    /// When the build fails.
    pub fn build_first(&self, contestant: &Contestant, tag: &str) -> Result<(Cost, Image)> {
        let base = self.engine.inspect(&self.base())?;
        let base = base["RootFS"]["Layers"].as_array().context("the base has no layers")?.len();
        let (build, image) = self.build(contestant, tag, &["--no-cache"])?;
        Ok((Cost::of(&build, &image, &image.lowest(base)), image))
    }

    /// Builds the project as it is now.
    ///
    /// # Errors
    ///
    /// When the build fails.
    pub fn build_again(&self, contestant: &Contestant, tag: &str) -> Result<Cost> {
        let (build, image) = self.build(contestant, tag, &[])?;
        Ok(Cost::of(&build, &image, &contestant.before))
    }

    /// Builds into the engine's store, then pushes, which is not timed.
    fn build(
        &self,
        contestant: &Contestant,
        tag: &str,
        options: &[&str],
    ) -> Result<(Build, Image)> {
        let name = self.image(contestant.way, tag);
        let mut command = self.command(&self.engine, contestant);
        let build = timed::build(command.args(options).args(["--tag", &name]))?;
        output(&mut self.engine.docker(["push", "--quiet", &name]))?;
        let image = Image::of(&build, &self.registry)?;
        Ok((build, image))
    }

    /// Leaves the cache and the image of the project in the registry, as CI's last build does.
    ///
    /// # Errors
    ///
    /// When the build fails.
    pub fn export_cache(&self, contestant: &Contestant) -> Result<()> {
        let image = self.image_in_ci(contestant.way);
        let mut command = self.command(&self.engine, contestant);
        command.arg(format!("--cache-to=type=registry,mode=max,ref={image}:cache"));
        Build::succeed(command.arg(pushed(&image))).map(drop)
    }

    /// Builds the project as it is now on an empty engine that takes the exported cache, and
    /// pushes.
    ///
    /// # Errors
    ///
    /// When the build fails.
    pub fn build_in_ci(&self, contestant: &Contestant) -> Result<Cost> {
        let image = self.image_in_ci(contestant.way);
        let engine = Engine::empty(CURRENT)?;
        self.engine.copy_image(FRONTEND, &engine)?;
        let mut command = self.command(&engine, contestant);
        command.arg(format!("--cache-from=type=registry,ref={image}:cache"));
        self.registry.take_traffic()?;
        let build = timed::build(command.arg(pushed(&image)))?;
        let downloads = self.registry.take_traffic()?.downloads;
        clear_away(engine);
        let image = Image::of(&build, &self.registry)?;
        let unpacked = downloads.iter().map(|blob| blob.bytes).sum();
        Ok(Cost { unpacked, ..Cost::of(&build, &image, &contestant.before) })
    }

    /// Makes sure that what all of them have built under `tag` works, and is the same.
    ///
    /// # Errors
    ///
    /// When it does not, or is not.
    pub fn compare(&self, contestants: &[Contestant], tag: &str) -> Result<()> {
        let mut first = None;
        for Contestant { way, .. } in contestants {
            let image = self.image(*way, tag);
            let mut run = self.engine.docker(["run", "--rm", "--network=none", &image]);
            let says = output(run.args(["python", "main.py"]))?;
            let first = first.get_or_insert_with(|| says.clone());
            ensure!(says == *first, "{} has {says}, another way {first}", way.title());
        }
        Ok(())
    }

    /// Forgets what all of them have built under `tags`, and what the cache has of it.
    ///
    /// # Errors
    ///
    /// When there is no such image.
    pub fn forget(
        &self,
        contestants: &[Contestant],
        tags: impl Iterator<Item = String>,
    ) -> Result<()> {
        for tag in tags {
            let images = contestants.iter().map(|contestant| self.image(contestant.way, &tag));
            output(self.engine.docker(["image", "rm"]).args(images))?;
        }
        // What no build has used for long are the edits of earlier rows: a disk is not endless.
        let prune = ["buildx", "prune", "--force", "--max-used-space", CACHE];
        output(&mut self.engine.docker(prune)).map(drop)
    }

    fn command(&self, engine: &Engine, contestant: &Contestant) -> Command {
        let folder = contestant.project.path();
        let mut command = engine.docker(["buildx", "build", "--provenance=false"]);
        command.arg("--file").arg(folder.join(contestant.way.file()));
        let (index, host) = (self.pypi.url(), self.pypi.address().ip().to_string());
        let index = match contestant.way {
            Way::StrataPip | Way::StrataUv => vec![("INDEX", &index)],
            // They have a desk of their own.
            Way::Strata | Way::Theirs | Way::HubDownload | Way::AddChecksum => Vec::new(),
            Way::DockerfilePip => vec![("PIP_INDEX_URL", &index), ("PIP_TRUSTED_HOST", &host)],
            Way::DockerfileUv | Way::DockerfileTorch => vec![
                ("PIP_INDEX_URL", &index),
                ("PIP_TRUSTED_HOST", &host),
                ("UV_DEFAULT_INDEX", &index),
            ],
        };
        for (name, value) in index.into_iter().chain([
            ("BASE", &self.base()),
            ("HF_ENDPOINT", &self.hub.endpoint()),
            ("BUILDKIT_SANDBOX_HOSTNAME", &contestant.cache),
            ("BUILDKIT_CACHE_MOUNT_NS", &contestant.cache),
        ]) {
            command.arg(format!("--build-arg={name}={value}"));
        }
        command.arg(folder);
        command
    }

    fn base(&self) -> String {
        format!("{}/{BASE}", self.registry.host())
    }

    fn image(&self, way: Way, tag: &str) -> String {
        format!("{}/desk/{}:{tag}", self.registry.host(), way.slug())
    }

    /// Another name than on the desk, under which the registry has nothing of what that pushed.
    fn image_in_ci(&self, way: Way) -> String {
        format!("{}/ci/{}", self.registry.host(), way.slug())
    }
}

/// Only pushed: an engine that also stores what it pushes has to download every layer for it.
fn pushed(image: &str) -> String {
    format!("--output=type=image,push=true,store=false,name={image}")
}

/// Ends an engine, and waits until its files are gone: to remove them takes the disk's time.
fn clear_away(engine: Throwaway) {
    let home = engine.home().to_owned();
    drop(engine);
    let start = Instant::now();
    while home.exists() && start.elapsed() < Duration::from_secs(120) {
        thread::sleep(Duration::from_millis(100));
    }
}

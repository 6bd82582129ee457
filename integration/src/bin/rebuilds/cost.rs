//! What a build costs.

use anyhow::{Context as _, Result};
use integration::buildx::Build;
use integration::registry::Registry;
use serde_json::Value;

/// What one build cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// From buildx's start to its end.
    pub seconds: f64,
    /// Commands and copies that were executed.
    pub steps: usize,
    /// Bytes of layers that a registry lacks which has the image before; compressed, as all bytes
    /// here.
    pub pushed: u64,
    /// Bytes of layers that an engine unpacks which has the image before: those from the first
    /// that is another one, because each is unpacked on top of the one below. Of an engine that
    /// stores no image: what it downloads.
    pub unpacked: u64,
    /// Bytes of all layers.
    pub size: u64,
    /// Bytes that a hub sent; 0 where that is not looked at.
    pub fetched: u64,
    /// Bytes of the disk that were taken at most while it was built; 0 where that is not looked at.
    pub disk: u64,
}

impl Cost {
    /// The cost of `build`, which made `image`, to someone who has the image `before`.
    pub fn of(build: &Build, image: &Image, before: &Image) -> Self {
        Self {
            seconds: build.elapsed.as_secs_f64(),
            steps: steps(build),
            pushed: image.beyond(before),
            unpacked: image.above(before),
            size: image.size(),
            fetched: 0,
            disk: 0,
        }
    }
}

/// The commands and copies of `build` that were executed.
fn steps(build: &Build) -> usize {
    // `LINK` is a Dockerfile's merge, and `[image]` is Strata's.
    let free = ["[internal]", "[image]", "exporting"];
    let is_free = |name: &str| {
        free.iter().any(|free| name.starts_with(free)) || name.contains("] LINK COPY --link")
    };
    build.ran().iter().filter(|vertex| !is_free(&vertex.name)).count()
}

/// The layers of an image, lowest first.
#[derive(Clone, Debug, Default)]
pub struct Image(Vec<Layer>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Layer {
    digest: String,
    bytes: u64,
}

impl Image {
    /// The image that `build` made and `registry` has.
    ///
    /// # Errors
    ///
    /// When the registry does not have it.
    pub fn of(build: &Build, registry: &Registry) -> Result<Self> {
        let digest = build.metadata["containerimage.digest"].as_str();
        let manifest = registry.read(digest.context("the build made no image")?)?;
        let manifest: Value = serde_json::from_slice(&manifest)?;
        let layers = manifest["layers"].as_array().context("a manifest without layers")?;
        let layers = layers.iter().map(|layer| {
            let digest = layer["digest"].as_str().context("a layer without a digest")?.to_owned();
            Ok(Layer { digest, bytes: layer["size"].as_u64().context("a layer without a size")? })
        });
        Ok(Self(layers.collect::<Result<_>>()?))
    }

    /// The lowest `layers` of it.
    pub fn lowest(&self, layers: usize) -> Self {
        Self(self.0.iter().take(layers).cloned().collect())
    }

    fn size(&self) -> u64 {
        self.0.iter().map(|layer| layer.bytes).sum()
    }

    fn beyond(&self, before: &Self) -> u64 {
        self.0.iter().filter(|layer| !before.0.contains(layer)).map(|layer| layer.bytes).sum()
    }

    fn above(&self, before: &Self) -> u64 {
        let same = self.0.iter().zip(&before.0).take_while(|(new, old)| new == old).count();
        self.0.iter().skip(same).map(|layer| layer.bytes).sum()
    }
}

/// The median of each.
pub fn medians(costs: &[Cost]) -> Cost {
    Cost {
        seconds: median(costs, |cost| cost.seconds, f64::total_cmp),
        steps: median(costs, |cost| cost.steps, usize::cmp),
        pushed: median(costs, |cost| cost.pushed, u64::cmp),
        unpacked: median(costs, |cost| cost.unpacked, u64::cmp),
        size: median(costs, |cost| cost.size, u64::cmp),
        fetched: median(costs, |cost| cost.fetched, u64::cmp),
        disk: median(costs, |cost| cost.disk, u64::cmp),
    }
}

/// The one in the middle; of an even number the greater of two. There is at least one.
fn median<T: Copy>(
    costs: &[Cost],
    of: impl Fn(&Cost) -> T,
    order: impl Fn(&T, &T) -> std::cmp::Ordering,
) -> T {
    let mut values: Vec<T> = costs.iter().map(of).collect();
    values.sort_by(order);
    values[values.len() / 2]
}

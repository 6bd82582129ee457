//! The ways to build the same image.

/// A way to build it, in the order of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `strata.yaml`.
    StrataPip,
    /// `strata.yaml` with `installer: uv`.
    StrataUv,
    /// `pip.Dockerfile`.
    DockerfilePip,
    /// `uv.Dockerfile`.
    DockerfileUv,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::StrataPip, Self::StrataUv, Self::DockerfilePip, Self::DockerfileUv];

    /// As the tables call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::StrataPip => "Strata, pip",
            Self::StrataUv => "Strata, uv",
            Self::DockerfilePip => "Dockerfile, pip",
            Self::DockerfileUv => "Dockerfile, uv",
        }
    }

    /// Its name in an image's or a host's.
    pub fn slug(self) -> &'static str {
        match self {
            Self::StrataPip => "strata-pip",
            Self::StrataUv => "strata-uv",
            Self::DockerfilePip => "dockerfile-pip",
            Self::DockerfileUv => "dockerfile-uv",
        }
    }

    /// The file that it builds.
    pub fn file(self) -> &'static str {
        match self {
            Self::StrataPip | Self::StrataUv => "strata.yaml",
            Self::DockerfilePip | Self::DockerfileUv => "Dockerfile",
        }
    }

    /// Whether uv installs.
    pub fn is_uv(self) -> bool {
        matches!(self, Self::StrataUv | Self::DockerfileUv)
    }

    /// Its bars' colour in the chart, to be told apart on light and on dark.
    pub fn colour(self) -> &'static str {
        match self {
            Self::StrataPip => "#2f81f7",
            Self::StrataUv => "#8957e5",
            Self::DockerfilePip => "#db6d28",
            Self::DockerfileUv => "#bf8700",
        }
    }
}

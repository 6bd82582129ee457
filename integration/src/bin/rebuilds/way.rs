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
    /// `torch.Dockerfile`: torch is installed apart from the rest.
    DockerfileTorch,
    /// A manifest of its own.
    Strata,
    /// A team's own Dockerfile.
    Theirs,
    /// A Dockerfile that downloads models with huggingface_hub and a cache mount.
    HubDownload,
    /// A Dockerfile that has BuildKit download each file by its checksum.
    AddChecksum,
}

impl Way {
    /// Those of the usual tables: Strata and a Dockerfile, each with pip and with uv.
    pub const ALL: [Self; 4] =
        [Self::StrataPip, Self::StrataUv, Self::DockerfilePip, Self::DockerfileUv];

    /// Those for a service with torch.
    pub const TORCH: [Self; 5] = [
        Self::StrataPip,
        Self::StrataUv,
        Self::DockerfilePip,
        Self::DockerfileUv,
        Self::DockerfileTorch,
    ];

    /// Those for models.
    pub const MODELS: [Self; 3] = [Self::Strata, Self::HubDownload, Self::AddChecksum];

    /// As the tables call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::StrataPip => "Strata, pip",
            Self::StrataUv => "Strata, uv",
            Self::DockerfilePip => "Dockerfile, pip",
            Self::DockerfileUv => "Dockerfile, uv",
            Self::DockerfileTorch => "Dockerfile, uv, torch apart",
            Self::Strata => "Strata",
            Self::Theirs => "their Dockerfile",
            Self::HubDownload => "Dockerfile, huggingface_hub",
            Self::AddChecksum => "Dockerfile, ADD --checksum",
        }
    }

    /// Its name in an image's or a host's.
    pub fn slug(self) -> &'static str {
        match self {
            Self::StrataPip => "strata-pip",
            Self::StrataUv => "strata-uv",
            Self::DockerfilePip => "dockerfile-pip",
            Self::DockerfileUv => "dockerfile-uv",
            Self::DockerfileTorch => "dockerfile-torch",
            Self::Strata => "strata",
            Self::Theirs => "theirs",
            Self::HubDownload => "hub-download",
            Self::AddChecksum => "add-checksum",
        }
    }

    /// The file that it builds.
    pub fn file(self) -> &'static str {
        match self {
            Self::StrataPip | Self::StrataUv | Self::Strata => "strata.yaml",
            Self::DockerfilePip
            | Self::DockerfileUv
            | Self::DockerfileTorch
            | Self::Theirs
            | Self::HubDownload
            | Self::AddChecksum => "Dockerfile",
        }
    }

    /// Whether uv installs.
    pub fn is_uv(self) -> bool {
        matches!(self, Self::StrataUv | Self::DockerfileUv | Self::DockerfileTorch)
    }

    /// Its bars' colour in the chart, to be told apart on light and on dark.
    pub fn colour(self) -> &'static str {
        match self {
            Self::StrataPip | Self::Strata => "#2f81f7",
            Self::StrataUv => "#8957e5",
            Self::DockerfilePip | Self::Theirs | Self::HubDownload => "#db6d28",
            Self::DockerfileUv | Self::DockerfileTorch | Self::AddChecksum => "#bf8700",
        }
    }
}

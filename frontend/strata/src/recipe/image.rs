//! What the image's config says.

use std::time::Duration;

use super::{Code, Healthcheck, ImageSettings, reader::Reader};
use crate::{
    manifest::{Node, values},
    mistake::Spanned,
};

impl Reader<'_> {
    /// The settings of the image; it works where `code` is, if the manifest names no other place.
    pub fn image(&mut self, code: Option<&Code>) -> ImageSettings {
        let root = self.root;
        let workdir = self.one(root, "workdir", values::absolute).map(|workdir| workdir.value);
        let mut dirs = self.list(root, "dirs", values::destination);
        dirs.sort_unstable_by(|a, b| a.value.cmp(&b.value));
        let env = self.public(root, "env", values::variable_text);
        ImageSettings {
            env: env.into_iter().map(|(name, text)| (name, text.into())).collect(),
            user: self.one(root, "user", values::user),
            workdir: workdir.or_else(|| code.map(|code| code.to.clone())),
            entrypoint: self.command(root, "entrypoint", values::words),
            cmd: self.command(root, "cmd", values::words),
            ports: self.ports(),
            volumes: self.volumes(),
            dirs,
            labels: self.public(root, "labels", values::text),
            healthcheck: root.get("healthcheck").map(|section| self.healthcheck(section)),
            stop_signal: self.one(root, "stop_signal", values::signal).map(|signal| signal.value),
        }
    }

    fn ports(&mut self) -> Vec<String> {
        let ports = self.list(self.root, "ports", values::ports);
        let mut ports: Vec<_> = ports.into_iter().flat_map(|ports| ports.value).collect();
        ports.sort_unstable();
        ports.dedup();
        ports.iter().map(ToString::to_string).collect()
    }

    fn volumes(&mut self) -> Vec<String> {
        let volumes = self.list(self.root, "volumes", values::volume);
        let mut volumes: Vec<_> = volumes.into_iter().map(|volume| volume.value).collect();
        volumes.sort_unstable();
        volumes
    }

    fn healthcheck(&mut self, section: &Node) -> Healthcheck {
        let disabled = self.one(section, "disable", values::boolean).is_some_and(|it| it.value);
        let test = self.command(section, "test", values::health_test).unwrap_or_default();
        let mut duration = |key: &str| -> Option<Duration> {
            self.one(section, key, values::duration).map(|Spanned { value, .. }| value)
        };
        let (interval, timeout) = (duration("interval"), duration("timeout"));
        let (start_period, start_interval) = (duration("start_period"), duration("start_interval"));
        if disabled {
            return Healthcheck { test: vec!["NONE".into()], ..Healthcheck::default() };
        }
        let retries = self.one(section, "retries", values::number).map(|retries| retries.value);
        Healthcheck { test, interval, timeout, start_period, start_interval, retries }
    }
}

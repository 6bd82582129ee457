//! What the daemon can do.

use std::collections::BTreeMap;

use buildkit_proto::moby::buildkit::v1::{apicaps::ApiCap, frontend::PongResponse};

use crate::Error;

/// What a daemon said that it can do, by the names of `frontend/gateway/pb/caps.go` and
/// `solver/pb/caps.go`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Capabilities {
    gateway: BTreeMap<String, ApiCap>,
    llb: BTreeMap<String, ApiCap>,
}

pub(crate) const EVALUATE: &str = "gateway.evaluate";
pub(crate) const SOURCE_METADATA: &str = "source.metaresolver";

impl Capabilities {
    pub(crate) fn of(pong: PongResponse) -> Self {
        Self { gateway: by_id(pong.frontend_api_caps), llb: by_id(pong.llb_caps) }
    }

    /// Whether the daemon offers the call or field `cap` of the gateway.
    pub fn gateway(&self, cap: &str) -> bool {
        self.gateway.get(cap).is_some_and(|cap| cap.enabled)
    }

    /// Whether the daemon runs graphs that need `cap`, such as `mergeop`.
    pub fn llb(&self, cap: &str) -> bool {
        self.llb.get(cap).is_some_and(|cap| cap.enabled)
    }

    /// Fails if the daemon is older than BuildKit 0.11: it is known by the `Evaluate` call,
    /// which came with it. `product` is what the message calls the frontend.
    pub(crate) fn check_floor(&self, product: &str) -> Result<(), Error> {
        if self.gateway(EVALUATE) {
            return Ok(());
        }
        Err(Error::new(format!(
            "this BuildKit is too old: {product} needs BuildKit 0.11 or newer, which Docker \
             Engine has since version 24; update it, or give buildx a newer BuildKit with \
             `docker buildx create --use`"
        )))
    }

    /// Fails if one of `caps`, which a graph needs, is not there.
    pub(crate) fn check_llb<'a>(
        &self,
        caps: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Error> {
        let Some(missing) = caps.into_iter().find(|cap| !self.llb(cap)) else {
            return Ok(());
        };
        let reason = match self.llb.get(missing) {
            Some(cap) if !cap.disabled_reason_msg.is_empty() => {
                format!("has it turned off: {}", cap.disabled_reason_msg)
            }
            Some(_) => "has it turned off".to_owned(),
            None => "is too old to have it".to_owned(),
        };
        Err(Error::new(format!(
            "this build needs `{missing}` of BuildKit, and the one that runs it {reason}"
        )))
    }
}

fn by_id(caps: Vec<ApiCap>) -> BTreeMap<String, ApiCap> {
    caps.into_iter().map(|cap| (cap.id.clone(), cap)).collect()
}

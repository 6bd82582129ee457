//! What passes if one waits, and how long one waits.

use std::time::{Duration, SystemTime};

use anyhow::{Result, anyhow, bail};
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Why something did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// It may succeed later; after that long, if the server says so.
    Passing(String, Option<Duration>),
    /// What was asked for is not there, or may not be seen.
    Missing(anyhow::Error),
    /// It will not.
    Lasting(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Lasting(error)
    }
}

impl From<Failure> for anyhow::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Passing(message, _) => anyhow!(message),
            Failure::Missing(error) | Failure::Lasting(error) => error,
        }
    }
}

/// Seconds between one attempt and the next; a minute in all.
const WAITS: &[u64] = &[1, 2, 4, 8, 16, 32];

/// Longer than that, nobody watches a build.
const LONGEST: Duration = Duration::from_secs(600);

/// How often something was tried in vain.
#[derive(Debug, Default)]
pub struct Patience(usize);

impl Patience {
    /// Waits, if it is worth it.
    pub async fn wait(&mut self, failure: Failure) -> Result<()> {
        let Failure::Passing(message, asked) = failure else { return Err(failure.into()) };
        let Some(&own) = WAITS.get(self.0) else {
            bail!("{message}; it was asked {} times", self.0 + 1)
        };
        self.0 += 1;
        let wait = asked.unwrap_or_default().max(Duration::from_secs(own));
        if wait > LONGEST {
            bail!("{message}, and to come back in {} s: build again then", wait.as_secs());
        }
        eprintln!("{message}; asking again in {} s", wait.as_secs());
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Something came of the last attempt: what fails now fails anew.
    pub fn renew(&mut self) {
        self.0 = 0;
    }
}

/// How long the server asks to be left alone: `Retry-After` in seconds or as a date (RFC 9110,
/// 10.2.3), or the hub's own `RateLimit: "api";r=0;t=42`
/// (<https://huggingface.co/docs/hub/rate-limits>).
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    if let Some(after) = text(RETRY_AFTER.as_str()) {
        let after = after.trim();
        return after.parse().map(Duration::from_secs).ok().or_else(|| {
            httpdate::parse_http_date(after).ok()?.duration_since(SystemTime::now()).ok()
        });
    }
    let seconds = text("ratelimit")?.split(';').find_map(|part| part.trim().strip_prefix("t="))?;
    seconds.parse().map(Duration::from_secs).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passing(asked: Option<u64>) -> Failure {
        Failure::Passing("it answered 503".into(), asked.map(Duration::from_secs))
    }

    #[tokio::test(start_paused = true)]
    async fn patience_has_an_end() {
        let mut patience = Patience::default();
        let start = tokio::time::Instant::now();
        for _ in WAITS {
            patience.wait(passing(None)).await.expect("patience");
        }
        assert_eq!(start.elapsed().as_secs(), 63);
        let error = patience.wait(passing(Some(1))).await.expect_err("no patience");
        assert_eq!(error.to_string(), "it answered 503; it was asked 7 times");
        patience.renew();
        patience.wait(passing(Some(600))).await.expect("patience");
        assert_eq!(start.elapsed().as_secs(), 663);
        let error = patience.wait(passing(Some(601))).await.expect_err("no patience");
        let told = "it answered 503, and to come back in 601 s: build again then";
        assert_eq!(error.to_string(), told);
    }

    #[test]
    fn what_servers_ask_for() {
        let after = |name: &'static str, value: &str| {
            retry_after(&HeaderMap::from_iter([(
                name.parse().expect("a name"),
                value.parse().expect("a value"),
            )]))
        };
        assert_eq!(after("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(after("ratelimit", "\"api\";r=0;t=42"), Some(Duration::from_secs(42)));
        assert_eq!(after("retry-after", "soon"), None);
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(90));
        assert!(after("retry-after", &date).is_some_and(|wait| wait.as_secs() > 80));
    }
}

//! The network: certificates, proxies, tokens, and what failures mean.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use reqwest::header::{HeaderMap, RANGE};
use reqwest::{Certificate, Client, Response, StatusCode, Url};

use crate::patience::{Failure, retry_after};
use crate::request::{Kind, Origin};

/// Without a byte for so long, a connection is taken to be dead.
const STALLED: Duration = Duration::from_secs(30);

/// How requests are made.
#[derive(Debug)]
pub struct Http<'a> {
    client: Client,
    origin: &'a Origin,
    token: Option<String>,
}

impl<'a> Http<'a> {
    /// With the secrets in this folder: `token`, and `ca_bundle` with a company's certificates.
    pub fn new(origin: &'a Origin, secrets: &Path) -> Result<Self> {
        // It fails only where one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut roots: Vec<Certificate> = webpki_root_certs::TLS_SERVER_ROOT_CERTS
            .iter()
            .map(|der| Certificate::from_der(der))
            .collect::<Result<_, _>>()?;
        if let Some(bundle) = secret(secrets, "ca_bundle")? {
            let own = Certificate::from_pem_bundle(bundle.as_bytes());
            roots.extend(own.context("the secret ca_bundle holds no PEM certificates")?);
        }
        let client = Client::builder()
            .user_agent(concat!("strata-fetch/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(STALLED)
            .read_timeout(STALLED)
            // What a redirect leads to learns nothing of where it came from.
            .referer(false)
            .tls_certs_only(roots)
            .build()?;
        let token = secret(secrets, "token")?.map(|token| token.trim().to_owned());
        Ok(Self { client, origin, token: token.filter(|token| !token.is_empty()) })
    }

    /// The answer, if it is a good one, or says that there is no such part as was asked for.
    pub async fn get(&self, url: &str, headers: HeaderMap) -> Result<Response, Failure> {
        let of_part = headers.contains_key(RANGE);
        let mut request = self.client.get(url).headers(headers);
        if let Some(token) = &self.token {
            // On the way to another host, it is taken off.
            request = request.bearer_auth(token);
        }
        let response = request.send().await.map_err(|error| self.broken(url, error))?;
        let status = response.status();
        if status.is_success() || of_part && status == StatusCode::RANGE_NOT_SATISFIABLE {
            Ok(response)
        } else {
            Err(self.refused(&response))
        }
    }

    /// As [`Http::get`], for JSON.
    pub async fn json(&self, url: &str) -> Result<serde_json::Value, Failure> {
        let response = self.get(url, HeaderMap::new()).await?;
        let bytes = response.bytes().await.map_err(|error| self.broken(url, error))?;
        let json = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} does not answer as a hub does", self.origin.endpoint));
        Ok(json?)
    }

    /// What a broken connection means.
    pub fn broken(&self, url: &str, error: reqwest::Error) -> Failure {
        // Not the URL itself: where a redirect led may be secret.
        let error = error.without_url();
        let mut causes = vec![error.to_string()];
        let mut cause: Option<&dyn Error> = error.source();
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        causes.dedup();
        let told = format!("{} cannot be reached: {}", server(url), causes.join(": "));
        if told.contains("certificate") {
            return Failure::Lasting(anyhow!(
                "{told}; if your network signs TLS again, give its certificates to the build: \
                 --secret id=ca_bundle,src=FILE"
            ));
        }
        if error.is_builder() || error.is_redirect() {
            return Failure::Lasting(anyhow!("{told}"));
        }
        Failure::Passing(told, None)
    }

    fn refused(&self, response: &Response) -> Failure {
        let Origin { kind, name, endpoint, .. } = self.origin;
        let status = response.status();
        let header = |name: &str| response.headers().get(name)?.to_str().ok();
        let what = kind.noun();
        let told = match (status.as_u16(), header("x-error-code")) {
            // But 501: a server that cannot do something will not learn it. What stands in front of
            // a server has numbers of its own, such as 520.
            (408 | 429 | 500 | 502..=599, _) => {
                let said = told(response);
                return Failure::Passing(said, retry_after(response.headers()));
            }
            (_, Some("GatedRepo")) => format!(
                "{name} is gated: accept its terms at {endpoint}/{}, and {}",
                kind.page(name),
                self.advice()
            ),
            (_, Some("RepoNotFound")) => format!(
                "{endpoint} has no {what} {name}, or it is private: check the name, or {}",
                self.advice()
            ),
            (401 | 403, _) => {
                let about = if *kind == Kind::File { "it" } else { name };
                format!(
                    "{} refuses {about} ({}): {}",
                    server(response.url().as_str()),
                    status.as_u16(),
                    self.advice()
                )
            }
            _ => told(response),
        };
        Failure::Lasting(anyhow!(told))
    }

    /// What to do about the token.
    fn advice(&self) -> String {
        match (&self.origin.token, &self.token) {
            (None, _) => "name the secret that holds a token in the model's `token`".into(),
            (Some(secret), None) => {
                format!("give the build its token: --secret id={secret},env=HF_TOKEN")
            }
            (Some(secret), Some(_)) => {
                format!("see that the token in the secret {secret} is valid and has access")
            }
        }
    }
}

impl Kind {
    /// What people call it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Dataset => "dataset",
            Self::File => "file",
        }
    }

    /// Where a hub's page of `name` is.
    pub fn page(self, name: &str) -> String {
        match self {
            Self::Dataset => format!("datasets/{name}"),
            Self::Model | Self::File => name.to_owned(),
        }
    }
}

/// `hub.example answered 404 to GET /org/name`
fn told(response: &Response) -> String {
    let url = response.url();
    let status = response.status().as_u16();
    format!("{} answered {status} to GET {}", server(url.as_str()), url.path())
}

/// The host, and the port if it has one.
fn server(url: &str) -> String {
    Url::parse(url)
        .ok()
        .and_then(|url| {
            let host = url.host_str()?;
            Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
        })
        .unwrap_or_else(|| url.to_owned())
}

fn secret(folder: &Path, name: &str) -> Result<Option<String>> {
    let path = folder.join(name);
    if !path.exists() {
        return Ok(None);
    }
    fs::read_to_string(&path).map(Some).with_context(|| format!("the secret {name} is no text"))
}

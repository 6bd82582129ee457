//! A package index (PEP 503) that asks for a password.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::basic_auth::{password, refusal};
use crate::command::output;
use crate::python::python;
use crate::server::Server;

/// An index over HTTP. Whoever does not know its password gets nothing from it.
#[derive(Debug)]
pub struct PackageIndex {
    server: Server,
}

struct Site {
    password: String,
    /// By file name.
    wheels: BTreeMap<String, Bytes>,
}

/// A file to be installed.
#[derive(Clone, Debug)]
pub struct Wheel {
    name: String,
    content: Bytes,
}

impl PackageIndex {
    /// Serves `wheels` on a free port of `ip`.
    ///
    /// # Errors
    ///
    /// When `ip` is not one of this machine's addresses.
    pub fn serve(
        ip: IpAddr,
        password: impl Into<String>,
        wheels: impl IntoIterator<Item = Wheel>,
    ) -> Result<Self> {
        let wheels = wheels.into_iter().map(|wheel| (wheel.name, wheel.content)).collect();
        let site = Arc::new(Site { password: password.into(), wheels });
        let routes = Router::new().fallback(answer).with_state(site);
        let server = Server::start(ip, |listener| axum::serve(listener, routes).into_future())?;
        Ok(Self { server })
    }

    /// What `--index-url` is to be.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/simple", self.server.address())
    }
}

impl Wheel {
    /// Version 1.0 of a project that is one module (PEP 427).
    ///
    /// # Errors
    ///
    /// When Debian's Python, which packs it, cannot be downloaded.
    pub fn of_module(name: &str, text: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (module, info) = (format!("{name}.py"), format!("{name}-1.0.dist-info"));
        fs::create_dir(folder.path().join(&info))?;
        for (file, text) in [
            (module.clone(), text),
            (
                format!("{info}/METADATA"),
                &format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"),
            ),
            (
                format!("{info}/WHEEL"),
                "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            ),
            (
                format!("{info}/RECORD"),
                &format!("{module},,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"),
            ),
        ] {
            fs::write(folder.path().join(file), text)?;
        }
        let wheel = format!("{name}-1.0-py3-none-any.whl");
        let mut pack = python()?;
        pack.current_dir(folder.path()).args(["-m", "zipfile", "-c", &wheel, &module, &info]);
        output(&mut pack)?;
        Ok(Self { content: fs::read(folder.path().join(&wheel))?.into(), name: wheel })
    }
}

async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response {
    if password(request.headers()).as_ref() != Some(&site.password) {
        return refusal();
    }
    let path = request.uri().path().trim_matches('/');
    match path.strip_prefix("simple/") {
        Some(project) => Html(site.page(project)).into_response(),
        None => site.wheels.get(path).cloned().ok_or(StatusCode::NOT_FOUND).into_response(),
    }
}

impl Site {
    fn page(&self, project: &str) -> String {
        let of_project = |name: &&String| name.starts_with(&format!("{project}-"));
        let links = self.wheels.keys().filter(of_project);
        links.map(|name| format!("<a href=\"/{name}\">{name}</a>\n")).collect()
    }
}

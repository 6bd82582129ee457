//! Python packages of the tests' own: wheels and source distributions, packed as their tools pack
//! them.

use std::fs;

use anyhow::Result;
use axum::body::Bytes;
use serde_json::json;

use crate::command::output;
use crate::python::python;

/// Packs the files that a JSON file names, the same files always to the same bytes.
const PACK: &str = include_str!("pack.py");

/// A release of a project, out of which files for an index are made.
#[derive(Clone, Debug)]
pub struct Package {
    name: String,
    version: String,
    tag: String,
    needs: Vec<String>,
    pythons: String,
    scripts: Vec<String>,
    files: Vec<(String, String)>,
    tells_when_built: bool,
}

/// A file to be installed, as an index has it.
#[derive(Clone, Debug)]
pub struct PackageFile {
    /// Its name, which says what it is.
    pub name: String,
    /// Its bytes.
    pub content: Bytes,
}

impl Package {
    /// A release without any file, for every Python.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            tag: "py3-none-any".into(),
            needs: Vec::new(),
            pythons: ">=3".into(),
            scripts: Vec::new(),
            files: Vec::new(),
            tells_when_built: false,
        }
    }

    /// A release that is one module of its name.
    pub fn of_module(name: &str, version: &str, text: &str) -> Self {
        Self::new(name, version).file(&format!("{name}.py"), text)
    }

    /// Adds a file.
    #[must_use]
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.into(), text.into()));
        self
    }

    /// Adds a requirement.
    #[must_use]
    pub fn needs(mut self, requirement: &str) -> Self {
        self.needs.push(requirement.into());
        self
    }

    /// Which Pythons it is for, `>=3.8,<3.11`; without, every 3.
    #[must_use]
    pub fn for_python(mut self, pythons: &str) -> Self {
        self.pythons = pythons.into();
        self
    }

    /// Adds a command, `name = module:function`.
    #[must_use]
    pub fn script(mut self, script: &str) -> Self {
        self.scripts.push(script.into());
        self
    }

    /// What its wheel is for: `cp39-abi3-manylinux2014_x86_64`.
    #[must_use]
    pub fn tagged(mut self, tag: &str) -> Self {
        self.tag = tag.into();
        self
    }

    /// Has its source distribution keep what it needs to itself until it is built, as those did
    /// that are older than PEP 643.
    #[must_use]
    pub fn tells_when_built(mut self) -> Self {
        self.tells_when_built = true;
        self
    }

    /// Its wheel (PEP 427).
    ///
    /// # Errors
    ///
    /// When Debian's Python, which packs it, cannot be downloaded.
    pub fn wheel(&self) -> Result<PackageFile> {
        let info = format!("{}-{}.dist-info", self.name, self.version);
        let wheel = format!("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {}\n", self.tag);
        let mut files = self.files.clone();
        files.push((format!("{info}/METADATA"), self.metadata()));
        files.push((format!("{info}/WHEEL"), wheel));
        if !self.scripts.is_empty() {
            let scripts = self.scripts.join("\n");
            files.push((
                format!("{info}/entry_points.txt"),
                format!("[console_scripts]\n{scripts}\n"),
            ));
        }
        packed(format!("{}-{}-{}.whl", self.name, self.version, self.tag), &files, &info)
    }

    /// Its source distribution: the files, among which a `setup.py` has to be, and the metadata
    /// (PEP 643: what it needs is known before it is built).
    ///
    /// # Errors
    ///
    /// When Debian's Python, which packs it, cannot be downloaded.
    pub fn sdist(&self) -> Result<PackageFile> {
        let folder = format!("{}-{}", self.name, self.version);
        let info = ("PKG-INFO".to_owned(), self.metadata());
        let files = self.files.iter().cloned().chain([info]);
        let files: Vec<_> = files.map(|(path, text)| (format!("{folder}/{path}"), text)).collect();
        packed(format!("{folder}.tar.gz"), &files, &folder)
    }

    fn metadata(&self) -> String {
        let needs: String =
            self.needs.iter().map(|need| format!("Requires-Dist: {need}\n")).collect();
        let format = if self.tells_when_built { "2.1" } else { "2.2" };
        format!(
            "Metadata-Version: {format}\nName: {}\nVersion: {}\nRequires-Python: {}\n{needs}",
            self.name, self.version, self.pythons
        )
    }
}

fn packed(name: String, files: &[(String, String)], info: &str) -> Result<PackageFile> {
    let folder = tempfile::tempdir()?;
    let (list, file) = (folder.path().join("list.json"), folder.path().join(&name));
    fs::write(&list, json!({"files": files, "info": info}).to_string())?;
    output(python()?.args(["-c", PACK]).args([&list, &file]))?;
    Ok(PackageFile { content: fs::read(&file)?.into(), name })
}

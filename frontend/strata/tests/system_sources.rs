//! The files that say where system packages come from: what is handed on, and what is refused.

#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::sync::Arc;

use llb::SourceFile;
use strata::{
    recipe::{self, Choices},
    system_sources,
};

/// What the files come to that a manifest names, or what is wrong with them; one that has no text is
/// not there.
fn read(files: &[(&str, Option<&str>)]) -> String {
    let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
    let manifest = format!("base: b\nsystem:\n  sources: [{}]\n", names.join(", "));
    let (name, language) = ("strata.yaml".into(), "YAML".into());
    let file = Arc::new(SourceFile { name, language, data: manifest.into() });
    let recipe = recipe::read(file, &Choices::default()).unwrap();
    let read = recipe.system.sources.iter().zip(files).map(|(path, (_, text))| {
        let text = text.map(Vec::from).ok_or_else(|| "there is no such file".to_owned());
        (path.value.clone(), text)
    });
    match system_sources::texts(&recipe, read.collect()) {
        Ok(texts) => format!("{texts:?}"),
        Err(mistakes) => mistakes.to_string(),
    }
}

#[test]
fn files_are_known_by_their_names() {
    let debian = "# Ours, see https://wiki.example.org/@apt\nTypes: deb\n\
                  URIs: https://nexus.example.org/debian\nSigned-By:\n -----BEGIN PGP\n .\n";
    let cuda = "[cuda]\nbaseurl=https://e.org/cuda?arch=$basearch\ngpgkey=https://e.org/key.pub\n\
                username=\npassword=\nsslclientkey=/etc/pki/own.key\n";
    let files = [("deploy/debian.sources", Some(debian)), ("cuda.repo", Some(cuda))];
    let expected = format!("{{\"cuda.repo\": {cuda:?}, \"debian.sources\": {debian:?}}}");
    assert_eq!(read(&files), expected);
    assert_eq!(read(&[("none.list", Some(""))]), r#"{"none.list": ""}"#);
}

#[test]
fn logins_have_no_place_there() {
    let url = "a URL with credentials in it: everyone who gets the image could read them\n  help: ";
    let apt = "apt-get takes them from the build secret `netrc`: `--secret id=netrc,src=…`";
    let dnf = "dnf knows no other place for a login: name a repository that asks for none";
    let list =
        "deb http://a.example.org stable main\ndeb [arch=amd64] https://u:p@e.org stable main\n";
    let deb822 = "URIs: https://e.org https://token@e.org/debian\n";
    let repo = "[r]\nbaseurl=https://e.org/r?token=abc\nusername=u\npassword = abc\n";
    let told = read(&[
        ("a.list", Some(list)),
        ("b.sources", None),
        ("c/c.sources", Some(deb822)),
        ("d.repo", Some(repo)),
    ]);
    assert_eq!(
        told,
        format!(
            "a.list:2: {url}{apt}\n\
             strata.yaml:3: cannot read `b.sources`: there is no such file\n  help: its path is \
             relative to the build context\n\
             c/c.sources:1: {url}{apt}\n\
             d.repo:2: {url}{dnf}\n\
             d.repo:4: a password: everyone who gets the image or its provenance could read it\n  \
             help: {dnf}"
        )
    );
    for secret in ["u:p", "token@", "abc"] {
        assert!(!told.contains(secret), "{told}");
    }
}

//! Who may have what: tokens, and what is said of what may not be had or is not there.

use std::net::TcpListener;

use integration::fault::Fault;
use integration::file_server::FileServer;
use integration::hub::{Hub, Repo};
use strata::recipe;

use crate::scene::{Held, LOCALHOST, Scene, bytes, fetch, list, listing, of_hub, of_url};

const TOKEN: &str = "hf_secret";

/// A password may have a colon, too.
const LOGIN: &str = "us:se:cret";

fn repo(id: &str) -> Repo {
    Repo::new(id, [("config.json", "{}".into()), ("weights", bytes(1000))])
}

#[test]
fn a_token_is_the_hubs_alone() {
    for id in ["org/model", "datasets/org/data"] {
        for repo in [repo(id).gated(TOKEN), repo(id).private(TOKEN)] {
            let hub = Hub::serve(LOCALHOST, [repo]).unwrap();
            let scene = Scene::new().with_token(&format!("{TOKEN}\n"));
            let asked = of_hub(&hub, id);
            let said = scene.run(&list(&asked, Some("my_token"))).well();
            let said = said + &scene.run(&fetch(&scene, &asked, Some("my_token"))).well();
            assert!(!said.contains(TOKEN), "{said}");
            let out = scene.out();
            assert!(out.values().any(|content| *content == bytes(1000)));
            let told = |content: &Vec<u8>| String::from_utf8_lossy(content).contains(TOKEN);
            assert!(!out.values().any(told));
            let answered = hub.take_answered();
            assert!(answered.iter().any(|answered| !answered.authorized), "{answered:?}");
            for answered in answered {
                let storage = answered.path.len() == "/".len() + 64;
                assert_eq!(answered.authorized, !storage, "{answered:?}");
                assert!(answered.status < 400, "{answered:?}");
            }
        }
    }
}

#[test]
fn a_large_repository_is_listed_to_its_last_page() {
    let files = ["a", "b/c", "b/d", "e", "f"].map(|path| (path, path));
    let hub = Hub::serve(LOCALHOST, [Repo::new("org/model", files).private(TOKEN).paged(2)]);
    let hub = hub.unwrap();
    let scene = Scene::new().with_token(TOKEN);
    scene.run(&list(&of_hub(&hub, "org/model"), Some("my_token"))).well();
    let listed: Vec<String> = listing(&scene).files.into_iter().map(|file| file.path).collect();
    assert_eq!(listed, ["a", "b/c", "b/d", "e", "f"]);
    let answered = hub.take_answered();
    assert_eq!(answered.len(), 1 + 3, "its info, and its tree: {answered:?}");
    assert!(answered.iter().all(|answered| answered.authorized), "{answered:?}");
}

#[test]
fn a_mirror_that_lists_no_files() {
    let hub = Hub::serve(LOCALHOST, [repo("org/model")]).unwrap();
    let asked = of_hub(&hub, "org/model");
    let scene = Scene::new();
    scene.run(&list(&asked, None)).well();
    let tree = format!("/api/models/org/model/tree/{}", listing(&scene).commit);
    hub.fault(&tree, Fault::status(404), 1);
    let said = scene.run(&list(&asked, None)).badly();
    let endpoint = hub.endpoint();
    let host = endpoint.replace("http://", "");
    assert_eq!(
        said,
        format!(
            "{endpoint} has org/model, and does not list its files, as the hub's API does (`tree`): \
             if it is a mirror, have a newer one, or a strata.lock that was written with another \
             hub, with which nothing is listed: {host} answered 404 to GET {tree}"
        )
    );
}

#[test]
fn more_files_than_a_build_lists() {
    let files = (0..50_001).map(|number| (format!("{number}.jpg"), ""));
    let hub = Hub::serve(LOCALHOST, [Repo::new("datasets/org/data", files)]).unwrap();
    let said = Scene::new().run(&list(&of_hub(&hub, "datasets/org/data"), None)).badly();
    assert!(said.starts_with("org/data has more than 50000 files, and "), "{said}");
}

#[test]
fn a_hub_that_does_not_end() {
    let files = (0..1001).map(|number| (format!("{number}.txt"), ""));
    let paged = Repo::new("org/paged", files).paged(1);
    let large = repo("org/large").licensed("x".repeat(32 << 20));
    let hub = Hub::serve(LOCALHOST, [paged, large]).unwrap();
    let said = |id: &str| Scene::new().run(&list(&of_hub(&hub, id), None)).badly();
    let endpoint = hub.endpoint();
    let pages = format!("{endpoint} lists org/paged on more than 1000 pages, which no hub does");
    assert_eq!(said("org/paged"), pages);
    let host = endpoint.replace("http://", "");
    let asked = "GET /api/models/org/large/revision/main";
    let answer = format!("{host} answered more than 32 MiB to {asked}, which no hub does");
    assert_eq!(said("org/large"), answer);
}

#[test]
fn who_is_at_fault_is_told_of_where_a_server_leads() {
    let content = bytes(1000);
    let elsewhere = FileServer::serve(LOCALHOST, [("file", content.clone())]).unwrap();
    let server = FileServer::serve_for(LOCALHOST, [("file", content.clone())], TOKEN).unwrap();
    let mut request = of_url(&server, &content, None);
    request["fetch"]["origin"]["token"] = "my_token".into();
    let lead = |url: &str| {
        let location = format!("{url}/file?signature=open");
        server.fault("/file", Fault::Status(302, vec![("location", location)]), 1);
    };
    let host = |url: &str| url.replace("http://", "");
    let nobody =
        format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    lead(&nobody);
    lead(&elsewhere.url());
    elsewhere.fault("/file", Fault::Cut(100), 1);
    let said = Scene::new().with_token(TOKEN).run(&request).well();
    for url in [&nobody, &elsewhere.url()] {
        let told =
            format!("{}, to which {} leads, cannot be reached: ", host(url), host(&server.url()));
        assert!(said.contains(&told), "{said}");
    }
    assert!(!said.contains("signature"), "{said}");

    lead(&elsewhere.url());
    elsewhere.fault("/file", Fault::status(403), 1);
    let said = Scene::new().with_token(TOKEN).run(&request).badly();
    let (from, to) = (host(&server.url()), host(&elsewhere.url()));
    assert_eq!(
        said,
        format!(
            "{to}, to which {from} leads, refuses it (403): see whether your network lets builds there"
        )
    );
}

#[test]
fn a_token_goes_to_no_host_that_a_server_leads_to() {
    let content = bytes(1000);
    for token in [TOKEN, LOGIN] {
        let elsewhere = FileServer::serve(LOCALHOST, [("file", content.clone())]).unwrap();
        let server = FileServer::serve_for(LOCALHOST, [("file", content.clone())], token).unwrap();
        let scene = Scene::new().with_token(token);
        let mut request = of_url(&server, &content, None);
        request["fetch"]["origin"]["token"] = "my_token".into();
        scene.run(&request).well();
        assert!(server.take_answered().iter().all(|answered| answered.authorized));

        let scene = Scene::new().with_token(token);
        let location = format!("{}/file?signature=open", elsewhere.url());
        server.fault("/file", Fault::Status(302, vec![("location", location)]), 1);
        elsewhere.fault("/file", Fault::status(404), 1);
        let said = scene.run(&request).badly();
        // Who has the whole address may have the file.
        assert!(said.ends_with("answered 404 to GET /file"), "{said}");
        let answered = elsewhere.take_answered();
        assert!(answered.len() == 1 && !answered[0].authorized, "{answered:?}");
    }
}

#[test]
fn a_user_and_a_password_are_told_to_nobody_else() {
    let content = bytes(1000);
    let server = FileServer::serve_for(LOCALHOST, [("file", content.clone())], LOGIN).unwrap();
    let mut request = of_url(&server, &content, None);
    request["fetch"]["origin"]["token"] = "my_login".into();
    let parts = ["se:cret", "c2U6Y3JldA", "Basic"];

    let scene = Scene::new().with_token(&format!("{LOGIN}\n"));
    let said = scene.run(&request).well();
    assert!(!parts.iter().any(|part| said.contains(part)), "{said}");
    assert_eq!(scene.out(), Held::from([("file".into(), content)]));

    let host = server.url().replace("http://", "");
    for (login, what) in [("us:other", "`user:password`"), ("se", "the token")] {
        let said = Scene::new().with_token(login).run(&request).badly();
        assert_eq!(
            said,
            format!(
                "{host} refuses it (403): see that {what} in the secret my_login is valid and has \
                 access"
            )
        );
    }
}

#[test]
fn what_is_missing_is_told_with_its_neighbours() {
    let mut tagged = repo("org/model");
    tagged.tag("v1.0");
    let hub = Hub::serve(
        LOCALHOST,
        [
            tagged,
            repo("org/mobile"),
            repo("datasets/org/modules"),
            repo("org/mode").private(TOKEN),
            repo("org/closed").gated(TOKEN),
        ],
    )
    .unwrap();
    let endpoint = hub.endpoint();
    let said = |asked: &recipe::Hub, named: Option<&str>, token: Option<&str>| {
        let scene = token.map_or_else(Scene::new, |token| Scene::new().with_token(token));
        let said = scene.run(&list(asked, named)).badly();
        assert_eq!(scene.out(), Held::new());
        assert!(!said.contains(TOKEN), "{said}");
        said
    };
    let name = "name the secret that holds a token, or `user:password`, in the model's `token`";
    assert_eq!(
        said(&of_hub(&hub, "org/modle"), None, None),
        format!(
            "{endpoint} has no model org/modle, or it is private: check the name, or {name}; \
             near it are org/model, org/mobile, org/closed"
        )
    );
    assert_eq!(
        said(&of_hub(&hub, "datasets/org/mode"), Some("my_token"), None),
        format!(
            "{endpoint} has no dataset org/mode, or it is private: check the name, or give the \
             build its token: --secret id=my_token,env=HF_TOKEN; near it are org/modules"
        )
    );
    assert_eq!(
        said(&of_hub(&hub, "nobody/model"), Some("my_token"), Some("hf_other")),
        format!(
            "{endpoint} has no model nobody/model, or it is private: check the name, or see that \
             the token in the secret my_token is valid and has access; near it are org/model"
        )
    );
    for revision in ["v1", "feature/v1"] {
        let asked = recipe::Hub { revision: revision.into(), ..of_hub(&hub, "org/model") };
        let told = format!("org/model at {endpoint} has no revision {revision}; it has ");
        let names = said(&asked, None, None).strip_prefix(&told).map(str::to_owned);
        assert!(matches!(names.as_deref(), Some("v1.0, main" | "main, v1.0")), "{names:?}");
    }
}

#[test]
fn a_revision_may_have_any_name() {
    let names = ["v1.0", "refs/pr/7", "100%", "fix#7", "a+b&c=d"];
    let mut tagged = repo("org/model");
    for name in names {
        tagged.tag(name);
    }
    let hub = Hub::serve(LOCALHOST, [tagged]).unwrap();
    for revision in names {
        let asked = recipe::Hub { revision: revision.into(), ..of_hub(&hub, "org/model") };
        let said = Scene::new().run(&list(&asked, None)).well();
        assert!(said.starts_with(&format!("org/model at {revision}: ")), "{said}");
    }
}

#[test]
fn what_is_refused_is_told_with_what_to_do() {
    let hub = Hub::serve(LOCALHOST, [repo("org/closed").gated(TOKEN)]).unwrap();
    let page = format!("{}/org/closed", hub.endpoint());
    let asked = of_hub(&hub, "org/closed");
    let server = FileServer::serve_for(LOCALHOST, [("file", bytes(1000))], TOKEN).unwrap();
    let host = server.url().replace("http://", "");
    for (named, token, advice) in [
        (
            None,
            None,
            "name the secret that holds a token, or `user:password`, in the model's `token`",
        ),
        (Some("my_token"), None, "give the build its token: --secret id=my_token,env=HF_TOKEN"),
        (
            Some("my_token"),
            Some("hf_other"),
            "see that the token in the secret my_token is valid and has access",
        ),
    ] {
        let scene = token.map_or_else(Scene::new, |token| Scene::new().with_token(token));
        // Anyone may see what a gated repository holds.
        let request = fetch(&scene, &asked, named);
        let told = format!("org/closed is gated: accept its terms at {page}, and {advice}");
        assert_eq!(scene.run(&request).badly(), told);
        assert_eq!(scene.out(), Held::new());

        let mut request = of_url(&server, &bytes(1000), None);
        request["fetch"]["origin"]["token"] = named.into();
        let told = format!("{host} refuses it (403): {advice}");
        assert_eq!(scene.run(&request).badly(), told);
        assert_eq!(scene.out(), Held::new());
    }
}

//! Who may have what: tokens, and what is said of what may not be had or is not there.

use integration::fault::Fault;
use integration::file_server::FileServer;
use integration::hub::{Hub, Repo};
use strata::recipe;

use crate::scene::{Held, LOCALHOST, Scene, bytes, fetch, list, of_hub, of_url};

const TOKEN: &str = "hf_secret";

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
fn a_token_goes_to_no_host_that_a_server_leads_to() {
    let content = bytes(1000);
    let elsewhere = FileServer::serve(LOCALHOST, [("file", content.clone())]).unwrap();
    let server = FileServer::serve_for(LOCALHOST, [("file", content.clone())], TOKEN).unwrap();
    let scene = Scene::new().with_token(TOKEN);
    let mut request = of_url(&server, &content, None);
    request["fetch"]["origin"]["token"] = "my_token".into();
    scene.run(&request).well();
    assert!(server.take_answered().iter().all(|answered| answered.authorized));

    let scene = Scene::new().with_token(TOKEN);
    let location = format!("{}/file?signature=open", elsewhere.url());
    server.fault("/file", Fault::Status(302, vec![("location", location)]), 1);
    elsewhere.fault("/file", Fault::status(404), 1);
    let said = scene.run(&request).badly();
    // Who has the whole address may have the file.
    assert!(said.ends_with("answered 404 to GET /file"), "{said}");
    let answered = elsewhere.take_answered();
    assert!(answered.len() == 1 && !answered[0].authorized, "{answered:?}");
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
    let name = "name the secret that holds a token in the model's `token`";
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
        (None, None, "name the secret that holds a token in the model's `token`"),
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

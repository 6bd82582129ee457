//! What CI relies on: every build is on an empty engine, takes the cache of the build before from
//! a registry, and leaves its own there.

use std::collections::BTreeSet;

use integration::buildx::Build;
use integration::command::output;
use integration::daemons::CURRENT;
use integration::registry::Registry;

use crate::built::Built;
use crate::layers::layers;
use crate::own_locks::one_line_changed;
use crate::project::{FIRST, NOTHING, Project, ran, steps};
use crate::{BASE, STRATA, newcomer, push_as, registry, unique};

/// A project, and the registry that has its base, its images and its cache.
struct Ci {
    registry: Registry,
    base: String,
    project: Project,
    image: String,
    /// The layers of the build before: what each is for, and its digest.
    layers: Vec<(String, String)>,
}

impl Ci {
    /// The first build. In `cache_to` and `cache_from`, `IMAGE` stands for the image's name.
    fn start(cache_to: &str, cache_from: &str) -> Self {
        // Built once, so that to build it again and leave a cache is quick.
        let (_, project, _) = &*FIRST;
        let (registry, base) = registry();
        let image = format!("{}/app", registry.host());
        let project = project
            .clone()
            .replace(BASE, &base)
            .argument(format!("--cache-to={}", cache_to.replace("IMAGE", &image)))
            // Docker Engine also stores and unpacks what it pushes, and has to download every
            // layer for it, unless it is told not to: `--push` alone does not tell it.
            .argument(format!("--output=type=image,push=true,store=false,name={image}"));
        let layers = layers(&registry, &project.build(&STRATA));
        let cache_from = cache_from.replace("IMAGE", &image);
        let project = project.argument(format!("--cache-from={cache_from}"));
        Self { registry, base, project, image, layers }
    }

    /// The next build, after one more edit, and what of the layers of the build before is
    /// downloaded.
    fn next(&mut self, edit: impl FnOnce(Project) -> Project) -> (Build, Vec<String>) {
        self.project = edit(self.project.clone());
        self.registry.take_traffic().unwrap();
        let build = self.project.build(&newcomer(CURRENT));

        let sent = self.registry.take_traffic().unwrap().downloads;
        let before = std::mem::replace(&mut self.layers, layers(&self.registry, &build));
        let sent = |digest: &String| sent.iter().any(|blob| blob.digest == *digest);
        let downloaded = before.into_iter().filter(|(_, digest)| sent(digest));
        let downloaded = downloaded.map(|(purpose, _)| purpose).collect();
        (build, downloaded)
    }
}

/// A newer base under the same name, another Strata, and other code: none has anything to do with
/// models.
fn newer_base(ci: &mut Ci) {
    let newer = Built::dockerfile(&format!("FROM {BASE}\nENV NEWER={}\n", unique()));
    // Its content is another one, and its fetcher is the same.
    let other = Built::dockerfile(&format!("FROM strata\nCOPY Dockerfile /other-{}\n", unique()));
    let syntax = format!("{}/strata", ci.registry.host());
    push_as(&STRATA, &newer.name, &ci.base);
    push_as(&STRATA, &other.name, &syntax);
    let (build, _) = ci.next(|project| {
        project.file("main.py", "print('newer')\n").build_arg("BUILDKIT_SYNTAX", &syntax)
    });
    // By a lock by now, which says where its files are: nothing is resolved.
    let all = "code packages probe runtime source tool toolchain user venv";
    assert_eq!(ran(&build).join(" "), all);
}

/// Edits that touch no dependency: none is downloaded, whatever runs.
fn light_edits(ci: &mut Ci) {
    let mut runs = |edit: fn(Project) -> Project| {
        let (build, downloaded) = ci.next(edit);
        let ran = ran(&build);
        // Read by the plan, and a few hundred bytes each.
        let read =
            ["what is installed", "what tiny/second is", "what tiny/first is", "what the base is"];
        assert_eq!(downloaded, read, "downloaded when {ran:?} ran");
        ran
    };
    let same_commit = |project: Project| {
        project.build_arg("CODE_VERSION", "v1").replace("GREETING: hello", "GREETING: bye")
    };
    assert_eq!(runs(same_commit), NOTHING);
    assert_eq!(runs(|project| project.build_arg("CODE_VERSION", "next")), ["code"]);
    let local = |project: Project| {
        project.build_arg("VARIANT", "local").file("main.py", "print('the end')\n")
    };
    assert_eq!(runs(local), ["code"]);
}

/// Edits of models, system packages, requirements and of what packages are built with, one after
/// the other. By now the folder that has the requirements is the code, too. `besides` and
/// `compilers` are what the cache has not, and installing and building take.
fn heavier_edits(ci: &mut Ci, besides: &[&str], compilers: &[&str]) {
    let runs = |ci: &mut Ci, stages: [&[&str]; 2], edit: &dyn Fn(Project) -> Project| {
        let (build, _) = ci.next(edit);
        let expected: BTreeSet<_> = stages.concat().into_iter().chain(besides.to_vec()).collect();
        assert_eq!(ran(&build), expected.into_iter().collect::<Vec<_>>());
        steps(&build)
    };
    // A model, packages and a system package added.
    runs(ci, [&["listing", "models", "runtime"], &["lock", "packages"]], &|project| {
        let packages = "  packages: [colorama==0.4.5, idna==3.10]\n  heavy: [colorama]\n";
        project
            .replace("  - hf: tiny/second\n", "  - hf: tiny/second\n  - hf: tiny/third\n")
            .replace("  env: {FLAG", &format!("{packages}  env: {{FLAG"))
            .replace("runtime: [tini]", "runtime: [tini, sl]")
    });
    // A light package and a heavy one bumped, another light one removed.
    let steps = runs(ci, [&["code", "lock", "packages"], &[]], &|project| {
        project
            .file("requirements.txt", "six==1.16.0\ndocopt==0.6.2\n")
            .replace("colorama==0.4.5, idna==3.10", "colorama==0.4.6")
    });
    let installs = steps.iter().filter(|step| step.starts_with("[packages]"));
    assert_eq!(
        installs.collect::<Vec<_>>(),
        ["[packages] install colorama 0.4.6", "[packages] install six 1.16.0"]
    );
    // What packages are built with, and by what they are installed.
    runs(ci, [&["source"], compilers], &|project| project.replace("FLAG: one", "FLAG: two"));
    runs(ci, [&["packages"], &[]], &|project| {
        project.replace("  env: {FLAG", "  installer: uv\n  env: {FLAG")
    });
    // A lock in place of all that, and one line of it.
    let lock = include_str!("own_locks/pylock/pylock.toml");
    ci.next(|project| {
        project
            .file("pylock.toml", lock)
            .replace("  requirements: [requirements.txt]\n", "  lock: pylock.toml\n")
            .replace("  packages: [colorama==0.4.6]\n", "")
    });
    runs(ci, [&["code", "packages"], &[]], &|project| {
        project.file("pylock.toml", &one_line_changed(lock))
    });
}

/// What the image that was pushed last prints.
fn run(ci: &Ci) -> String {
    let latest = ["run", "--rm", "--quiet", "--pull=always", &ci.image];
    output(&mut STRATA.docker(latest)).unwrap()
}

#[test]
fn the_cache_is_all_of_it() {
    let mut ci =
        Ci::start("type=registry,mode=max,ref=IMAGE:cache", "type=registry,ref=IMAGE:cache");
    light_edits(&mut ci);
    assert_eq!(run(&ci), "the end");
    heavier_edits(&mut ci, &[], &[]);
    let (build, _) = ci.next(|project| project.replace("[make]", "[m4]"));
    assert_eq!(ran(&build), ["source", "toolchain"]);
    newer_base(&mut ci);
}

#[test]
fn the_cache_is_the_image() {
    let mut ci = Ci::start("type=inline", "type=registry,ref=IMAGE");
    light_edits(&mut ci);
    assert_eq!(run(&ci), "the end");
    // What is not in the image is in no inline cache: the tools, and the compilers if there were
    // any. They are made again when something runs that needs them, and only then.
    heavier_edits(&mut ci, &["tool"], &["toolchain"]);
    newer_base(&mut ci);
}

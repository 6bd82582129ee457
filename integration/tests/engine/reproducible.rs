//! That a build gives the same bytes wherever and whenever it runs.

use integration::daemons::CURRENT;

use crate::layers::layers;
use crate::project::Servers;
use crate::{BASE, newcomer, registry};

#[test]
fn two_cold_engines_give_the_same_layers() {
    let (registry, base) = registry();
    // Not the one of all tests: there, other images have some of these layers, and go meanwhile.
    let engines = [newcomer(CURRENT), newcomer(CURRENT)];
    let servers = Servers::start();
    // MarkupSafe's wheel has machine code in it, and docopt has no wheel: it is built.
    let requirements = "six==1.17.0\nmarkupsafe==3.0.2\ndocopt==0.6.2\n";
    let with_uv = "  installer: uv\n  env: {FLAG";
    let lock = "  lock: pylock.toml\n";
    for (installer, edits, count) in [
        ("pip", vec![], 14),
        ("uv", vec![("  env: {FLAG", with_uv), ("  requirements: [requirements.txt]\n", lock)], 19),
    ] {
        let [first, second] = engines.each_ref().map(|engine| {
            let push = format!("--output=type=image,push=true,name={}/app", registry.host());
            let project = servers.project().replace(BASE, &base).argument(push);
            // What apt installs depends on the day.
            let project = project.replace("runtime: [tini]\n  build: [make]", "runtime: []");
            let project =
                edits.iter().fold(project, |project, (from, to)| project.replace(from, to));
            let project = project.file("pylock.toml", include_str!("own_locks/pylock/pylock.toml"));
            layers(&registry, &project.file("requirements.txt", requirements).build(engine))
        });
        assert_eq!(first.len(), count, "{installer}: {first:#?}");
        assert_eq!(first, second, "{installer}");
    }
}

//! What BuildKit knows steps by: a build that has run one knows it by its digest, in which is every
//! byte of its scripts, of the files that it reads, of its variables and of its caches' names, and
//! runs it again with another.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::project::Project;

const RULE: &str = "These steps run again for everyone who has built with the release before. If \
                    that is meant, say so under *Runs again* in CHANGELOG.md.";

/// What of the manifest is replaced, and by what.
type Edit = (&'static str, &'static str);

/// A plan's name, and how it differs from the example's.
type Variation = (&'static str, &'static [Edit], fn(&mut Project));

const PLANS: &[Variation] = &[
    ("the example", &[], |_| ()),
    ("without merge", &[], |project| project.merge = false),
    ("for two platforms", &[], |project| project.platforms.push("linux/arm64".to_owned())),
    ("with uv", &[("python:\n", "python:\n  installer: uv\n")], |_| ()),
    (
        "on a base without Python, with all settings of packages",
        &[
            ("system:\n", "system:\n  python: [python3]\n"),
            (
                "  packages: [tqdm]\n",
                "  packages: [tqdm]\n  index_url: https://pypi.example.org/simple\n  \
                 extra_index_urls: [https://extra.example.org/simple]\n  torch: cpu\n  \
                 credentials: {pypi.example.org: secret:pypi}\n  system_site_packages: true\n  \
                 after: {uvloop: [numpy]}\n  verify: [numpy]\n",
            ),
        ],
        |_| (),
    ),
    ("with a toolchain to resolve", &[], |project| project.is_hard_to_resolve = true),
    ("in the base's environment", &[], |project| project.environment = true),
    (
        "with models of each kind",
        &[(
            "  - hf: org/second\n",
            "  - {hf: org/second, files: '*.json', to: /models/second, token: secret:hub}\n  \
             - {url: https://example.org/w.tar.gz, unpack: true, to: /models/w, sha256: \
             0000000000000000000000000000000000000000000000000000000000000000}\n  \
             - spacy: en_core_web_sm==3.8.0\n  \
             - {context: weights, to: /models/own}\n  \
             - {run: fetch, needs: numpy, keep: ~/.fetched, env: {A: b}, secrets: {KEY: \
             secret:key}}\n",
        )],
        |_| (),
    ),
    (
        "with code that is built, installed and verified",
        &[(
            "  to: /app\n",
            "  to: /app\n  build: make\n  install: [lib, api]\n  verify: [app.main]\n  \
             env: {STUBS: here}\n  secrets: {KEY: secret:key}\n",
        )],
        |_| (),
    ),
    (
        "with code of the context, for any user of root's group",
        &[
            (
                "  git: https://github.com/org/app.git\n  ref: main\n  subdir: src\n",
                "  context: .\n",
            ),
            ("user: app\n", "user: 10001:0\n"),
        ],
        |_| (),
    ),
    ("for development", &[("dev:\n", "dev:\n  models: volume\n")], |project| project.target("dev")),
    ("with large models", &[], |project| project.weights = vec![3_000_000_000, 2_000_000_000]),
];

#[test]
fn the_steps_are_those_that_users_have() {
    let mut seen = BTreeSet::new();
    let mut text = String::new();
    for (plan, edits, edit) in PLANS {
        let mut project = Project::example();
        for (from, to) in *edits {
            assert_eq!(project.manifest.matches(from).count(), 1, "{plan}: {from}");
            project.manifest = project.manifest.replace(from, to);
        }
        edit(&mut project);
        let _ = writeln!(text, "{plan}:");
        for node in project.graph().vertices() {
            // What the plans above have, too, is told once.
            if seen.insert(node.digest.clone()) {
                let _ = writeln!(text, "  {:.12} {}", &node.digest["sha256:".len()..], node.name);
            }
        }
    }
    insta::with_settings!({ description => RULE, omit_expression => true }, {
        insta::assert_snapshot!(text);
    });
}

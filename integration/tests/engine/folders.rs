//! Layers from scratch leave the folders that they pass through as the base has them.

use std::os::unix::fs::symlink;

use integration::hub::{Hub, Repo};

use crate::built::Built;
use crate::{BASE, STRATA, context};

/// Type, owner and mode of what layers pass through and make; then what the user may do.
const LOOK: &str = "\
stat -c '%n %F %U:%a' /lib /lib/models /var/run /run/lock /run/lock/x /tmp /tmp/x /app /app/logs
cat /lib/models/config.json /app/logs/kept
for folder in /run/lock/x /tmp/x /app/logs /lib/models; do
    touch $folder/new 2>/dev/null && echo may write to $folder
done
test $(readlink -f /lib/models) = /usr/lib/models && test $(readlink -f /var/run/lock) = /run/lock
";

#[test]
fn links_of_the_base_stay_links_and_folders_keep_their_owners() {
    let address = STRATA.host_address().unwrap();
    let model = Repo::new("tiny/open", [("config.json", "model\n")]);
    let hub = Hub::serve(address, [model]).unwrap();
    let manifest = format!(
        "# syntax=strata\nbase: {BASE}\npython: {{packages: [six==1.17.0]}}\n\
         models: [{{hf: tiny/open, to: /lib/models/}}]\ncode: .\n\
         dirs: [/var/run/lock/x, /tmp/x, /app/logs]\n"
    );
    let endpoint = format!("--build-arg=HF_ENDPOINT={}", hub.endpoint());
    let built = Built::new(&manifest, &[("logs/kept", "code\n")], &[endpoint]);
    assert_eq!(
        built.run(&["sh", "-euc", LOOK]),
        "\
/lib symbolic link root:777
/lib/models directory root:755
/var/run symbolic link root:777
/run/lock directory root:1777
/run/lock/x directory app:755
/tmp directory root:1777
/tmp/x directory app:755
/app directory root:755
/app/logs directory app:755
model
code
may write to /run/lock/x
may write to /tmp/x
may write to /app/logs"
    );
}

#[test]
fn a_folder_of_code_that_is_a_link() {
    let manifest = format!("# syntax=strata\nbase: {BASE}\ncode: current\n");
    let folder = context(&[("strata.yaml", &manifest), ("releases/42/main.py", "print(42)\n")]);
    symlink("releases/42", folder.path().join("current")).unwrap();
    assert_eq!(Built::of::<&str>(folder.path(), &[]).run(&["python3", "/app/main.py"]), "42");
}

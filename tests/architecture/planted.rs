//! Planted bugs are in no release, and neither is a service without telemetry: no other feature brings them along, and nothing
//! but the script that needs one asks for it. Planted bugs would not even be compiled by a profile that ships.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

const PLANTED: &str = "planted-bugs";

/// Features that belong in no release, each with the one place that may ask for it.
const FEATURES: [(&str, &str); 2] = [(PLANTED, "scripts/chaos"), ("blind", "bench/telemetry")];

/// Everything that builds something, or says how.
const BUILDS: [&str; 10] = [
    ".ci",
    "Dockerfile.distroless",
    "Makefile",
    "bench/instructions",
    "bench/run",
    "bench/telemetry",
    "deploy",
    "docker-compose.yml",
    "loadtest/run",
    "scripts",
];

/// The features that come with these.
fn brought_along(features: &Table, by: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::from([by.to_owned()]);
    let mut left = vec![by.to_owned()];
    while let Some(name) = left.pop() {
        let brings = features.get(&name).and_then(Value::as_array);
        for feature in brings.into_iter().flatten().filter_map(Value::as_str) {
            if all.insert(feature.to_owned()) {
                left.push(feature.to_owned());
            }
        }
    }
    all
}

/// What is wrong with a manifest.
fn in_manifest(manifest: &Table) -> Vec<String> {
    let mut found = Vec::new();
    let features = manifest["features"].as_table().expect("a table");
    for (feature, _) in FEATURES {
        let others = features.keys().filter(|name| *name != feature);
        for name in others.filter(|name| brought_along(features, name).contains(feature)) {
            found.push(format!("the feature {name} brings {feature} along"));
        }
    }
    let profiles = manifest["profile"].as_table().expect("a table");
    for (name, profile) in profiles {
        if profile.get("debug-assertions").is_some() {
            found.push(format!(
                "the profile {name} changes what keeps {PLANTED} out of it"
            ));
        }
    }
    found
}

/// Which line of a file asks for the feature, by name or among all. Clippy may, for it makes nothing that runs; and a comment.
fn in_text(feature: &str, path: &str, text: &str) -> Vec<String> {
    let asks = |line: &&str| {
        let named = line.contains(feature) || line.contains("all-features");
        let start = line.trim_start();
        named && !start.starts_with("cargo clippy ") && !start.starts_with('#')
    };
    let lines = text.lines().filter(asks);
    lines.map(|line| format!("{path}: {line}")).collect()
}

fn files_in(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = path.read_dir().expect("a folder");
    let entries = entries.map(|entry| entry.expect("an entry").path());
    entries.flat_map(|entry| files_in(&entry)).collect()
}

#[test]
fn what_is_for_trials_alone_is_in_no_release() {
    let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    let root = crate::root();
    let mut found = in_manifest(&read(&root.join("Cargo.toml")).parse().unwrap());
    for (feature, needs) in FEATURES {
        let mut asked = 0;
        for file in BUILDS.iter().flat_map(|path| files_in(&root.join(path))) {
            let path = file.strip_prefix(root).unwrap().display().to_string();
            let asks = in_text(feature, &path, &read(&file));
            if path == needs {
                asked += asks.len();
            } else {
                found.extend(asks);
            }
        }
        assert!(asked > 0, "nobody asks for {feature}: was {needs} renamed?");
    }
    let planted = read(&root.join("src/planted.rs"));
    if !planted.contains("#[cfg(not(debug_assertions))]\ncompile_error!(") {
        found.push("src/planted.rs compiles without debug assertions".to_owned());
    }
    crate::none("what is for trials could get into a release", &found);
}

#[test]
fn a_way_into_a_release_is_noticed() {
    let manifest = |text: &str| in_manifest(&text.parse().unwrap()).len();
    let alone = "[features]\ndefault = ['a']\na = ['dep:b']\nplanted-bugs = []\nblind = []\n[profile.release]\nlto = 'fat'";
    assert_eq!(manifest(alone), 0);
    assert_eq!(manifest(&alone.replace("dep:b", "planted-bugs")), 2);
    assert_eq!(
        manifest(&alone.replace("lto = 'fat'", "debug-assertions = true")),
        1
    );
    assert_eq!(manifest(&alone.replace("dep:b", "blind")), 2);
    let asks = |text: &str| in_text(PLANTED, "Makefile", text).len();
    assert_eq!(asks("cargo build --all-features\ncargo build"), 1);
    assert_eq!(asks("cargo build -F planted-bugs"), 1);
    assert_eq!(asks("\tcargo clippy -F planted-bugs"), 0);
    assert_eq!(asks("# planted-bugs"), 0);
}

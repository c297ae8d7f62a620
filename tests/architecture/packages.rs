//! What comes from outside: the bans and licences of `deny.toml`, checked without cargo-deny, so that every test run
//! keeps them. Advisories are `make deny`'s, which needs the network.

use std::process::Command;
use toml::{Table, Value};

fn read(file: &str) -> Table {
    std::fs::read_to_string(crate::root().join(file))
        .unwrap()
        .parse()
        .unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// `1.2.3-rc.1` as numbers that compare; what follows the numbers is ignored.
fn version(text: &str) -> Vec<u64> {
    text.split(['.', '-', '+'])
        .take(3)
        .map_while(|part| part.parse().ok())
        .collect()
}

/// Whether a package falls under an entry of deny.toml: by name, and below a version where one is given.
fn is_banned(ban: &Value, name: &str, has: &str) -> bool {
    let below = text(ban, "version").map(|range| {
        range
            .strip_prefix('<')
            .expect("this test knows `<` only")
            .trim()
    });
    text(ban, "name").expect("a ban has a name") == name
        && below.is_none_or(|below| version(has) < version(below))
}

/// Whether an SPDX expression can be met with these licences alone. `/` is how `OR` was written once.
fn is_met(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    any_of(&mut words, allowed)
}

type Words<'a, 'b> = std::iter::Peekable<std::str::SplitWhitespace<'b>>;

fn any_of(words: &mut Words<'_, '_>, allowed: &[&str]) -> bool {
    let mut met = all_of(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all_of(words, allowed);
    }
    met
}

fn all_of(words: &mut Words<'_, '_>, allowed: &[&str]) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Words<'_, '_>, allowed: &[&str]) -> bool {
    let word = words.next().unwrap_or_default();
    if word == "(" {
        let met = any_of(words, allowed);
        words.next();
        return met;
    }
    let exception = words.next_if_eq(&"WITH").and_then(|_| words.next());
    match exception {
        Some(exception) => allowed.contains(&format!("{word} WITH {exception}").as_str()),
        None => allowed.contains(&word),
    }
}

/// The packages of a lock file.
fn packages(lock: &Table) -> &[Value] {
    let packages = lock["package"].as_array().unwrap();
    assert!(packages.len() > 100, "nothing was read");
    packages
}

#[test]
fn the_lock_files_hold_nothing_banned_and_nothing_from_elsewhere() {
    let (lock, fuzzing) = (read("Cargo.lock"), read("fuzz/Cargo.lock"));
    let deny = read("deny.toml");
    let bans = deny["bans"]["deny"].as_array().unwrap();
    assert!(bans.len() > 5, "nothing was read");
    let mut found = Vec::new();
    for package in packages(&lock).iter().chain(packages(&fuzzing)) {
        let (name, has) = (
            text(package, "name").unwrap(),
            text(package, "version").unwrap(),
        );
        for ban in bans.iter().filter(|ban| is_banned(ban, name, has)) {
            found.push(format!(
                "{name} {has}: {}",
                text(ban, "reason").expect("a ban has a reason")
            ));
        }
        let source = text(package, "source").unwrap_or("here");
        if !matches!(
            source,
            "here" | "registry+https://github.com/rust-lang/crates.io-index"
        ) {
            found.push(format!("{name} {has} comes from {source}"));
        }
    }
    crate::none("Cargo.lock", &found);
}

/// What `make fuzz` needs beyond the service.
const FUZZING: [&str; 3] = ["arbitrary", "glasshouse-fuzz", "libfuzzer-sys"];

/// What stands in the lock file of fuzz/ otherwise than in ours.
fn differences(shipped: &[Value], fuzzed: &[Value]) -> Vec<String> {
    let known = |package: &Value| {
        let same = |key| move |other: &Value| text(other, key) == text(package, key);
        FUZZING.contains(&text(package, "name").unwrap())
            || shipped
                .iter()
                .any(|other| same("name")(other) && same("version")(other))
    };
    let differing = fuzzed.iter().filter(|package| !known(package));
    differing
        .map(|package| format!("{} {}", package["name"], package["version"]))
        .collect()
}

#[test]
fn what_is_fuzzed_is_built_of_what_is_shipped() {
    let (lock, fuzzing) = (read("Cargo.lock"), read("fuzz/Cargo.lock"));
    let found = differences(packages(&lock), packages(&fuzzing));
    let what = "fuzz/Cargo.lock is not of Cargo.lock: `scripts/fuzz --lock` writes it anew";
    crate::none(what, &found);
}

#[test]
fn every_licence_is_permissive() {
    let deny = read("deny.toml");
    let allowed: Vec<_> = deny["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    // For this machine's platform only: what others need was never downloaded here. cargo-deny looks at all.
    let about = cargo(&["-vV"]);
    let host = about
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let answer = cargo(&[
        "metadata",
        "--format-version=1",
        "--locked",
        "--offline",
        "--filter-platform",
        host,
    ]);
    let metadata: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "nothing was read");
    let mut found = Vec::new();
    for package in packages {
        let licence = package["license"].as_str().unwrap_or("none named");
        if !is_met(licence, &allowed) {
            found.push(format!(
                "{} {}: {licence}",
                package["name"], package["version"]
            ));
        }
    }
    crate::none("licences that deny.toml does not allow", &found);
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(crate::root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn another_version_in_a_fuzzed_build_is_noticed() {
    let package = |name: &str, version: &str| -> Value {
        let table: Table = format!("name = '{name}'\nversion = '{version}'")
            .parse()
            .unwrap();
        Value::Table(table)
    };
    let shipped = [package("a", "1.0.0"), package("b", "1.0.0")];
    assert_eq!(differences(&shipped, &[package("a", "1.0.0")]), [""; 0]);
    let fuzzed = [
        package("a", "1.0.1"),
        package("c", "1.0.0"),
        package("arbitrary", "1.0.0"),
    ];
    assert_eq!(differences(&shipped, &fuzzed).len(), 2);
}

#[test]
fn a_banned_package_and_a_viral_licence_are_noticed() {
    let ban: Table = "old = { name = 'h2', version = '<0.4.0' }\nall = { name = 'rsa' }"
        .parse()
        .unwrap();
    assert!(is_banned(&ban["old"], "h2", "0.3.27") && !is_banned(&ban["old"], "h2", "0.4.0"));
    assert!(!is_banned(&ban["old"], "h3", "0.3.27") && is_banned(&ban["all"], "rsa", "9.9.9"));

    let allowed = ["MIT", "Apache-2.0"];
    for met in [
        "MIT",
        "GPL-3.0-only OR MIT",
        "MIT/GPL-3.0",
        "(MIT OR GPL-3.0-only) AND Apache-2.0",
        "X WITH Y OR MIT",
    ] {
        assert!(is_met(met, &allowed), "{met}");
    }
    for unmet in [
        "GPL-3.0-or-later",
        "MIT AND GPL-3.0-only",
        "Apache-2.0 WITH Y",
        "(GPL-3.0-only OR X) AND MIT",
        "none named",
    ] {
        assert!(!is_met(unmet, &allowed), "{unmet}");
    }
}

//! The Dockerfile and `.dockerignore`: what the image is, and that nothing gets into it unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use glasshouse::settings::Settings;

use super::compose;

/// The instructions, continuation lines joined and comments dropped.
fn instructions() -> Vec<(String, String)> {
    let mut found: Vec<String> = Vec::new();
    let mut goes_on = false;
    let text = super::text("Dockerfile.distroless");
    for line in text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
    {
        let (line, more) = match line.strip_suffix('\\') {
            Some(line) => (line, true),
            None => (line, false),
        };
        match found.last_mut() {
            Some(last) if goes_on => last.push_str(line.trim_start()),
            _ => found.push(line.to_owned()),
        }
        goes_on = more;
    }
    let split = |line: String| {
        let (word, rest) = line
            .split_once(' ')
            .expect("an instruction and its arguments");
        (word.to_owned(), rest.trim().to_owned())
    };
    found.into_iter().map(split).collect()
}

/// The instructions of the last stage, which make the image.
fn last_stage() -> Vec<(String, String)> {
    let all = instructions();
    let from = all
        .iter()
        .rposition(|(word, _)| word == "FROM")
        .expect("a stage");
    all[from..].to_vec()
}

/// The arguments of an instruction that the last stage has once.
pub(super) fn instruction(word: &str) -> String {
    let stage = last_stage();
    let mut found = stage.iter().filter(|(other, _)| other == word);
    let (_, arguments) = found.next().unwrap_or_else(|| panic!("no {word}"));
    assert!(found.next().is_none(), "more than one {word}");
    arguments.clone()
}

/// The variables that the image sets.
pub(super) fn environment() -> BTreeMap<String, String> {
    let words = instruction("ENV");
    let pair = |word: &str| {
        let (name, value) = word.split_once('=').expect("NAME=value");
        (name.to_owned(), value.to_owned())
    };
    words.split_whitespace().map(pair).collect()
}

/// `ARG name=default`, before the first stage.
fn argument(name: &str) -> String {
    let prefix = format!("{name}=");
    let found = instructions().into_iter().find_map(|(word, rest)| {
        let value = rest.strip_prefix(&prefix)?;
        (word == "ARG").then(|| value.to_owned())
    });
    found.unwrap_or_else(|| panic!("no ARG {name} with a default"))
}

#[test]
fn it_runs_without_a_shell_as_nobody_in_particular() {
    assert_eq!(instruction("USER"), "65532:65532");
    assert_eq!(
        instruction("ENTRYPOINT"),
        r#"["/usr/local/bin/glasshouse"]"#
    );
    assert_eq!(instruction("CMD"), r#"["serve"]"#);
    assert_eq!(instruction("STOPSIGNAL"), "SIGTERM");
    let check = instruction("HEALTHCHECK");
    assert!(
        check.ends_with(r#" CMD ["/usr/local/bin/glasshouse", "healthcheck"]"#),
        "{check}"
    );
    // There is nothing in a distroless base that could run it.
    assert!(last_stage().iter().all(|(word, _)| word != "RUN"));
    assert!(last_stage()[0].1 == "${RUNTIME}");
    assert_eq!(argument("RUNTIME"), "gcr.io/distroless/cc-debian12:nonroot");
}

#[test]
fn it_listens_for_others_on_the_ports_that_it_says() {
    let defaults = Settings::default();
    let ports = format!("{} {}", defaults.server.port, defaults.admin.port);
    assert_eq!(instruction("EXPOSE"), ports);
    let environment = environment();
    for name in ["GLASSHOUSE_SERVER__HOST", "GLASSHOUSE_ADMIN__HOST"] {
        let host: IpAddr = environment[name].parse().unwrap();
        assert!(host.is_unspecified(), "{name}={host}");
    }
}

#[test]
fn it_is_built_of_the_locked_dependencies_by_the_pinned_compiler() {
    let commands: Vec<_> = instructions()
        .into_iter()
        .filter(|(word, _)| word == "RUN")
        .collect();
    let cargo = commands
        .iter()
        .filter(|(_, run)| run.contains("cargo build") || run.contains("chef cook"));
    let cargo: Vec<_> = cargo.collect();
    assert_eq!(cargo.len(), 2, "{commands:?}");
    for (_, run) in cargo {
        assert!(
            run.contains("--locked") && run.contains("--release"),
            "{run}"
        );
    }
    let toolchain: toml::Table = super::text("rust-toolchain.toml").parse().unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    assert_eq!(
        argument("BUILDER"),
        format!("docker.io/library/rust:{channel}-bookworm")
    );

    let compose = compose::read();
    let arguments = &compose["services"]["app"]["build"]["args"];
    for name in ["BUILDER", "RUNTIME"] {
        let (told, _) = compose::interpolated(arguments[name].as_str().unwrap(), "");
        assert_eq!(
            told,
            argument(name),
            "docker-compose.yml says another {name}"
        );
    }
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(arguments["VERSION"], version);
    for (name, service) in compose::services(&compose).filter(|(name, _)| name.starts_with("app")) {
        let (image, _) = compose::interpolated(service["image"].as_str().unwrap(), "");
        assert_eq!(image, format!("glasshouse:{version}"), "{name}");
    }
}

/// A source file that changes must leave the layer with the dependencies as it is.
#[test]
fn the_dependencies_are_built_before_any_source_is_there() {
    let all = instructions();
    let stage = |name: &str| {
        let from = all
            .iter()
            .position(|(word, rest)| word == "FROM" && rest.ends_with(&format!(" AS {name}")));
        let from = from.unwrap_or_else(|| panic!("no stage {name}"));
        let to = all[from + 1..].iter().position(|(word, _)| word == "FROM");
        &all[from..to.map_or(all.len(), |to| from + 1 + to)]
    };
    for name in ["chef", "dependencies"] {
        let sources: Vec<_> = stage(name)
            .iter()
            .filter(|(word, _)| word == "COPY")
            .collect();
        let recipe = |rest: &str| rest == "--from=recipe /build/recipe.json recipe.json";
        assert!(
            sources.iter().all(|(_, rest)| recipe(rest)),
            "{name}: {sources:?}"
        );
        assert!(stage(name).iter().all(|(word, _)| word != "ARG"), "{name}");
    }
    assert!(stage("binary")[0].1.starts_with("dependencies "));
}

#[test]
fn a_build_sees_what_it_is_allowed_to_and_no_more() {
    let text = super::text(".dockerignore");
    let mut lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(
        lines.next(),
        Some("*"),
        "first of all everything is left out"
    );
    let allowed: BTreeSet<_> = lines.collect();
    let own = [
        "!Cargo.lock",
        "!Cargo.toml",
        "!build.rs",
        "!migrations",
        "!src",
    ];
    assert!(allowed.is_superset(&BTreeSet::from(own)), "{allowed:?}");
    let of_a_tool = |line: &&str| {
        let parts: Vec<_> = line.split('/').collect();
        matches!(parts[..], ["!tools", _, "Cargo.toml" | "src"])
    };
    let others: Vec<_> = allowed
        .iter()
        .filter(|line| !own.contains(line) && !of_a_tool(line))
        .collect();
    assert!(others.is_empty(), "what are these for? {others:?}");

    // Without the manifests of all members, and a source for each, cargo builds none of them.
    let manifest: toml::Table = super::text("Cargo.toml").parse().unwrap();
    let members = manifest
        .get("workspace")
        .and_then(|workspace| workspace["members"].as_array());
    for member in members
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_str)
    {
        for part in ["Cargo.toml", "src"] {
            let line = format!("!{member}/{part}");
            assert!(
                allowed.contains(line.as_str()),
                "{line} is not in .dockerignore"
            );
        }
    }
}

//! What the image and the compose file tell the service, told to the real program: every variable is a setting, every value
//! is one it takes, and it is stopped no sooner than it wants.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::compose::{self, interpolated, services};
use super::image;
use crate::support::process::{Finished, Program};

/// The environment of a service's container: the image's, then the compose file's, with its secrets in `secrets`.
fn environment(service: &Value, secrets: &Path) -> BTreeMap<String, String> {
    let mut all = image::environment();
    for (name, value) in service["environment"].as_object().expect("a mapping") {
        let text = value
            .as_str()
            .unwrap_or_else(|| panic!("{name} is no text"));
        let text = interpolated(text, "").0;
        let text = match text.strip_prefix("/run/secrets/") {
            Some(secret) => secrets.join(secret).display().to_string(),
            None => text,
        };
        all.insert(name.clone(), text);
    }
    all
}

/// Runs the program with an environment, in an empty folder.
fn run(environment: &BTreeMap<String, String>, arguments: &[&str]) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::bare(folder.path()).args(arguments);
    let with = |program: Program, (name, value): (&String, &String)| program.env(name, value);
    environment.iter().fold(program, with).run()
}

/// A setting as `config show` tells it, which is what is in effect.
fn shown(finished: &Finished, key: &str) -> Duration {
    let line = |line: &&str| line.split(' ').next() == Some(key);
    let line = finished.stdout.lines().find(line);
    let line = line.unwrap_or_else(|| panic!("{key} in {finished:?}"));
    let value = line.split('"').nth(1).expect("a text");
    humantime::parse_duration(value).expect("a duration")
}

#[test]
fn every_variable_is_a_setting_and_every_value_is_taken() {
    let secrets = super::variables::made();
    let compose = compose::read();
    let mut asked = 0;
    for (name, service) in services(&compose).filter(|(name, _)| name.starts_with("app")) {
        let environment = environment(service, &secrets.path().join(".secrets"));
        let checked = run(&environment, &["config", "check"]);
        assert_eq!(checked.code, Some(0), "{name}: {checked:?}");
        for part in ["environment production", "database postgres"] {
            assert!(
                checked.stdout.contains(part),
                "{name}: {part} in {checked:?}"
            );
        }
        asked += 1;
    }
    assert_eq!(asked, 3);
}

#[test]
fn one_that_is_none_is_noticed() {
    let secrets = super::variables::made();
    let compose = compose::read();
    let good = environment(
        &compose["services"]["app"],
        &secrets.path().join(".secrets"),
    );
    for (name, value) in [
        ("GLASSHOUSE_SERVER__HOSTS", "0.0.0.0"),
        ("GLASSHOUSE_SERVER__HOST", "everywhere"),
        ("GLASSHOUSE_AUTH__JWT_SECRET_FILE", "/run/secrets/gone"),
    ] {
        let mut environment = good.clone();
        environment.insert(name.to_owned(), value.to_owned());
        let checked = run(&environment, &["config", "check"]);
        assert_eq!(checked.code, Some(2), "{name}={value}: {checked:?}");
    }
}

#[test]
fn it_is_given_the_time_to_drain_and_to_finish() {
    let secrets = super::variables::made();
    let compose = compose::read();
    for (name, service) in services(&compose).filter(|(name, _)| name.starts_with("app")) {
        let environment = environment(service, &secrets.path().join(".secrets"));
        let settings = run(&environment, &["config", "show"]);
        let drain = shown(&settings, "shutdown.drain_delay");
        let wants = drain + shown(&settings, "shutdown.grace");
        let period = service["stop_grace_period"]
            .as_str()
            .expect("a stop_grace_period");
        let given = humantime::parse_duration(period).unwrap();
        assert_eq!(
            drain,
            Duration::from_secs(5),
            "{name}: what HAProxy is set up for"
        );
        assert!(given > wants, "{name}: {given:?} is not above {wants:?}");
    }
}

#[test]
fn the_image_alone_serves_on_sqlite_in_its_volume() {
    let checked = run(&image::environment(), &["config", "show"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    // Relative, so it is in the image's working folder; and nothing in the image's environment stands in the way of a
    // `DATABASE_URL` or a file of settings.
    assert!(
        checked.stdout.contains("\"sqlite://glasshouse.db\""),
        "{checked:?}"
    );
    assert_eq!(image::instruction("WORKDIR"), "/data");
    assert_eq!(image::instruction("VOLUME"), "/data");
}

//! `.env.example` documents every variable of the compose file, and `scripts/make-env` makes what is required.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::compose::{self, variables};

/// The `NAME=value` lines of .env.example: those in effect, and those that are commented out.
fn example() -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let text = super::text(".env.example");
    let pair = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte == b'_' || byte.is_ascii_uppercase());
        is_name.then(|| (name.to_owned(), value.to_owned()))
    };
    let set = text.lines().filter_map(pair).collect::<BTreeMap<_, _>>();
    assert!(!set.is_empty(), "nothing is set in .env.example");
    let comments = text.lines().filter_map(|line| line.strip_prefix('#'));
    (set, comments.filter_map(pair).collect())
}

#[test]
fn every_variable_is_documented_and_every_documented_one_is_used() {
    let whole = super::text(".env.example");
    let (set, shown) = example();
    let words: BTreeSet<_> = whole
        .split(|letter: char| {
            letter != '_' && !letter.is_ascii_uppercase() && !letter.is_ascii_digit()
        })
        .collect();
    let used = variables(&compose::read());
    let mut found = Vec::new();
    for variable in &used {
        let name = variable.name.as_str();
        if !words.contains(name) {
            found.push(format!("{name} is not in .env.example"));
        }
        match &variable.default {
            None if !set.contains_key(name) => {
                found.push(format!("{name} is required and not set in .env.example"));
            }
            Some(default)
                if shown
                    .get(name)
                    .is_some_and(|told| told != default && !name.ends_with("_IMAGE")) =>
            {
                found.push(format!(
                    "{name} defaults to {default:?}, not to {:?}",
                    shown[name]
                ));
            }
            _ => {}
        }
    }
    for name in set.keys().chain(shown.keys()) {
        if !used.iter().any(|variable| variable.name == *name) {
            found.push(format!("{name} is in .env.example and nobody reads it"));
        }
    }
    super::none("variables", &found);
    // A variable of this name would be taken for a setting by a service that is run in the same shell.
    assert!(
        used.iter()
            .all(|variable| !variable.name.starts_with("GLASSHOUSE_"))
    );
}

/// A folder with what make-env needs of the repository.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("scripts")).unwrap();
    for file in ["scripts/make-env", ".env.example"] {
        std::fs::copy(super::file(file), folder.path().join(file)).unwrap();
    }
    folder
}

fn make_env(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(folder.join("scripts/make-env"))
        .args(arguments)
        .env_remove("ENV_FILE")
        .output()
        .expect("bash runs it")
}

/// A folder in which make-env has been run: `.env` and `.secrets`.
pub(super) fn made() -> TempDir {
    let folder = folder();
    let output = make_env(folder.path(), &[]);
    assert!(output.status.success(), "{output:?}");
    folder
}

/// All files it makes, with what is in them.
fn contents(folder: &Path) -> BTreeMap<String, String> {
    let secrets = std::fs::read_dir(folder.join(".secrets")).unwrap();
    let secrets = secrets.map(|file| file.unwrap().path());
    secrets
        .chain([folder.join(".env")])
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn make_env_makes_every_secret_and_shows_none() {
    let folder = folder();
    let output = make_env(folder.path(), &[]);
    assert!(output.status.success(), "{output:?}");
    let made = contents(folder.path());

    let compose = compose::read();
    let declared: BTreeSet<_> = compose["secrets"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let secrets: BTreeSet<_> = made
        .keys()
        .filter(|name| *name != ".env")
        .cloned()
        .collect();
    assert_eq!(secrets, declared);

    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    for name in &secrets {
        let secret = made[name].strip_suffix('\n').expect("a line");
        assert!(secret.len() >= 32, "{name} is {} long", secret.len());
        assert!(!said.contains(secret), "{name} is shown");
        assert_eq!(
            mode(&folder.path().join(".secrets").join(name)),
            0o444,
            "{name}"
        );
    }
    let password = made["postgres_password"].trim_end();
    let url = format!("postgres://glasshouse:{password}@postgres:5432/glasshouse\n");
    assert_eq!(made["database_url"], url);
    assert_eq!(mode(&folder.path().join(".env")), 0o600);
    // What keeps others out, since the containers' users must be able to read the files.
    assert_eq!(mode(&folder.path().join(".secrets")), 0o700);
    assert_eq!(made[".env"], super::text(".env.example"));

    let again = contents(self::made().path());
    assert!(
        secrets.iter().all(|name| again[name] != made[name]),
        "not random"
    );
}

#[test]
fn make_env_overwrites_nothing_unless_it_is_asked_to() {
    let folder = made();
    let path = folder.path();
    let own = "STACK_SECRETS=./.secrets\nAPP_PORT=18080\n";
    std::fs::write(path.join(".env"), own).unwrap();
    std::fs::remove_file(path.join(".secrets/jwt_secret")).unwrap();
    let before = contents(path);

    assert!(make_env(path, &[]).status.success());
    let after = contents(path);
    assert!(after.contains_key("jwt_secret"), "what is missing is made");
    let kept = before.iter().all(|(name, value)| after[name] == *value);
    assert!(kept, "something was overwritten");

    assert!(make_env(path, &["--force"]).status.success());
    let forced = contents(path);
    assert!(
        forced.iter().all(|(name, value)| after[name] != *value),
        "something was kept"
    );
    assert_eq!(mode(&path.join(".env")), 0o600);
}

#[test]
fn make_env_refuses_a_password_that_would_not_fit_the_url() {
    let folder = made();
    std::fs::remove_file(folder.path().join(".secrets/postgres_password")).unwrap();
    let output = make_env(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("would not fit the URL"),
        "{output:?}"
    );
    assert!(!folder.path().join(".secrets/postgres_password").exists());
}

#[test]
fn neither_git_nor_an_image_takes_the_secrets() {
    for path in [".env", ".secrets/jwt_secret"] {
        let ignored = Command::new("git")
            .args(["check-ignore", "--quiet", "--no-index", path])
            .current_dir(super::file(""))
            .status()
            .expect("git runs");
        assert!(ignored.success(), "{path} is not ignored");
    }
}

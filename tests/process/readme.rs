//! What README.md tells a newcomer to type, typed: the walk-through against a running service as it stands, and the
//! commands, targets and routes that it lists.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use serde_json::Value;

use crate::support::database::TestDatabase;
use crate::support::on_both;
use crate::support::process::{Process, Program};

/// Where the system keeps bash, curl, sed and grep.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

on_both!(the_walk_through_works_as_it_stands);
async fn the_walk_through_works_as_it_stands(database: Arc<TestDatabase>) {
    let process = Program::on(&database).serve().await;
    let program = env!("CARGO_BIN_EXE_glasshouse");
    let output = walk(&process, &database, program);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("created operator account"), "{said}");

    let answers: Vec<_> = said.split("HTTP/1.1 ").skip(1).collect();
    let [first, second] = answers[..] else {
        panic!("two answers with their heads were expected: {said}")
    };
    let replayed = |answer: &str| answer.contains("idempotency-replayed: true");
    assert!(first.starts_with("201 ") && !replayed(first), "{said}");
    assert!(second.starts_with("201 ") && replayed(second), "{said}");
    let order = documents(first).remove(0);
    let after: [Value; 2] = documents(second).try_into().unwrap();
    let [again, list] = after;
    assert!(order["id"].is_string(), "{said}");
    assert_eq!(order, again, "{said}");
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{said}");
    assert_eq!(list["items"][0]["id"], order["id"], "{said}");
    let counted = |line: &str| line == r#"orders_created_total{product_type="physical"} 1"#;
    assert!(said.lines().any(counted), "{said}");
}

// What the test above rests on: a command of the walk-through that fails makes the whole fail.
on_both!(a_walk_through_with_a_failing_command_fails);
async fn a_walk_through_with_a_failing_command_fails(database: Arc<TestDatabase>) {
    let process = Program::on(&database).serve().await;
    let output = walk(&process, &database, "false");
    assert!(!output.status.success(), "{}", said(&output));
}

#[test]
fn every_command_of_the_readme_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let commands = [
        "serve",
        "migrate status",
        "migrate run",
        "migrate revert",
        "seed",
        "account create",
        "config check",
        "config show",
        "config reference",
        "healthcheck",
        "openapi",
    ];
    let readme = readme();
    let table = section(&readme, "## Commands");
    for command in commands {
        let parts = command.split(' ');
        // `migrate status`, `migrate run` or `config check` / `config show`: each is written out.
        assert!(table.contains(&format!("`{command}")), "{command}: {table}");
        let arguments: Vec<_> = parts.chain(["--help"]).collect();
        let finished = Program::bare(folder.path()).args(&arguments).run();
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
}

#[test]
fn the_targets_of_the_readme_are_those_of_the_makefile() {
    let readme = readme();
    let told = section(&readme, "## Make targets")
        .lines()
        .filter(|line| line.starts_with("| `") && !line.contains('…'))
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|names| names.split(','))
        .map(|name| name.trim().trim_matches('`').to_owned())
        .collect::<BTreeSet<_>>();
    assert!(told.contains("run") && told.contains("test"), "{told:?}");
    let makefile = std::fs::read_to_string(in_the_repository("Makefile")).unwrap();
    for target in told {
        let known = makefile
            .lines()
            .any(|line| line.starts_with(&format!("{target}:")));
        assert!(known, "make {target}");
    }
}

#[test]
fn every_route_of_the_reference_is_in_the_readme_and_the_other_way_round() {
    let folder = tempfile::tempdir().unwrap();
    let finished = Program::bare(folder.path()).args(&["openapi"]).run();
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    let mut known = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let methods = methods.as_object().unwrap().keys();
        known.extend(
            methods
                .filter(|method| *method != "head")
                .map(|method| format!("{} {path}", method.to_uppercase())),
        );
    }
    let readme = readme();
    let mut told = BTreeSet::new();
    for line in section(&readme, "## Routes")
        .split("**Admin listener**")
        .next()
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("| `"))
    {
        let cell = line.split('|').nth(1).unwrap();
        let mut stem = String::new();
        for name in cell.split(',').map(|name| name.trim().trim_matches('`')) {
            let name = match name.split_once(' ') {
                Some(_) => name.to_owned(),
                // "`POST /api/v1/orders/{id}/pay`, `/ship`, `/deliver`"
                None => format!("{stem}{name}"),
            };
            stem = name.rsplit_once('/').unwrap().0.to_owned();
            told.insert(name);
        }
    }
    // Assets of the reference's own page.
    known.retain(|route| !route.contains("/docs/{"));
    assert_eq!(known, told);
}

/// Runs the block of README.md against this service.
fn walk(process: &Process, database: &TestDatabase, program: &str) -> Output {
    let readme = readme();
    let block = readme
        .split("```sh\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("a walk-through in README.md");
    Command::new("bash")
        .args(["-euo", "pipefail", "-c", block])
        .current_dir(database.folder())
        .env_clear()
        .env("PATH", PATH)
        .env("API", format!("http://{}", process.public().address()))
        .env("ADMIN", format!("http://{}", process.admin().address()))
        .env("GLASSHOUSE", program)
        .env("DATABASE_URL", database.url())
        .output()
        .expect("bash runs")
}

/// Standard output, then standard error, without the carriage returns of HTTP.
fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(both).unwrap().replace('\r', "")
}

/// The lines that are JSON documents.
fn documents(text: &str) -> Vec<Value> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn section<'a>(readme: &'a str, heading: &str) -> &'a str {
    let rest = readme.split(&format!("{heading}\n")).nth(1);
    rest.and_then(|rest| rest.split("\n## ").next())
        .unwrap_or_else(|| panic!("{heading} in README.md"))
}

fn readme() -> String {
    std::fs::read_to_string(in_the_repository("README.md")).unwrap()
}

fn in_the_repository(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

//! What is generated from the code and committed beside it, and whether it tells the whole truth about the routes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Compares a committed document with what the code makes of it; `UPDATE_DOCS=1` (`make docs`) writes it anew.
fn assert_generated(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    #[expect(
        clippy::disallowed_methods,
        reason = "it chooses what this test does, not what the service does"
    )]
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        std::fs::write(&path, expected).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == expected,
        "{} is not what the code makes: run `make docs`",
        path.display()
    );
}

fn openapi() -> Value {
    serde_json::to_value(glasshouse::app::document()).unwrap()
}

/// Every path and method of the document, as `GET /path`.
fn documented() -> BTreeSet<String> {
    let document = openapi();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

#[test]
fn the_list_of_metrics_is_up_to_date() {
    let areas = glasshouse::app::metric_areas();
    assert_generated(
        "docs/metrics.md",
        &glasshouse::telemetry::metrics::document(&areas),
    );
}

#[test]
fn the_openapi_document_is_up_to_date() {
    let text = glasshouse::app::document().to_pretty_json().unwrap();
    assert_generated("docs/openapi.json", &format!("{text}\n"));
}

#[test]
fn the_document_is_openapi_3_1_with_a_name_for_each_operation_and_a_problem_for_each_error() {
    let document = openapi();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let shown = format!("{method} {path}");
            let name = operation["operationId"]
                .as_str()
                .unwrap_or_else(|| panic!("{shown} has no name"));
            assert!(names.insert(name.to_owned()), "{name} twice");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let is_probe = path.starts_with("/health");
                if status.as_str() >= "400" && !is_probe {
                    let problem = &response["content"]["application/problem+json"]["schema"];
                    assert!(
                        problem.is_object(),
                        "{shown} {status} has no problem document"
                    );
                }
            }
        }
    }
}

/// Every path that the public listener's code declares.
fn declared() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("src/admin") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            let code = source.split("#[cfg(test)]").next().unwrap();
            for line in code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
            {
                if let Some((_, rest)) = line.split_once("Resource::at(\"") {
                    found.insert(rest.split('"').next().unwrap().to_owned());
                }
            }
        }
    }
    found
}

#[test]
fn every_route_is_documented_and_every_documented_route_exists() {
    let documented: BTreeSet<String> = documented()
        .iter()
        .map(|operation| operation.split_once(' ').unwrap().1.to_owned())
        .collect();
    let mut declared = declared();
    // Named by constants.
    declared.extend(
        documented
            .iter()
            .filter(|path| path.starts_with("/api/v1/orders"))
            .cloned(),
    );
    assert_eq!(declared, documented);
}

#[test]
fn the_readme_names_every_route_and_no_metric_that_does_not_exist() {
    let readme = include_str!("../../README.md");
    for operation in documented() {
        let (method, path) = operation.split_once(' ').unwrap();
        let whole = format!("{method} {path}`");
        let tail = format!("`/{}`", path.rsplit('/').next().unwrap());
        let known = readme.contains(&whole) || readme.contains(&tail) || path == "/docs/{file}";
        assert!(known, "README does not name {operation}");
    }
    let metrics: Vec<&str> = glasshouse::app::metric_areas()
        .iter()
        .flat_map(|(_, all)| all.iter().map(|one| one.name))
        .collect();
    let table = readme
        .split("## Metrics")
        .nth(1)
        .unwrap()
        .split("## ")
        .next()
        .unwrap();
    let named = table.split('`').skip(1).step_by(2);
    for name in named.filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_')) {
        assert!(
            metrics.contains(&name),
            "README names {name}, which does not exist"
        );
    }
}

#[test]
fn the_readme_names_every_make_target_and_none_besides() {
    let readme = include_str!("../../README.md");
    let table = readme
        .split("## Make targets")
        .nth(1)
        .unwrap()
        .split("## ")
        .next()
        .unwrap();
    let named: BTreeSet<&str> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .skip(1)
        .flat_map(|line| {
            line.split('|')
                .nth(1)
                .unwrap()
                .split('`')
                .skip(1)
                .step_by(2)
        })
        .collect();
    let makefile = include_str!("../../Makefile");
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter(|line| line.contains(':') && line.contains(" ## "))
        .map(|line| line.split(':').next().unwrap())
        .collect();
    let unnamed: Vec<_> = targets
        .difference(&named)
        .filter(|target| **target != "setup")
        .collect();
    assert!(
        unnamed.is_empty() && named.is_subset(&targets),
        "{named:?} {targets:?}"
    );
}

//! That every alert has a runbook with everything in it, and that what it tells somebody to type can be typed: queries are read
//! by promtool, shell commands by the shell, links are followed. Whether the advice is good is a reader's question.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::repository::{at, files, none, read, run};

use super::alerts;

/// Where they are.
pub(super) const FOLDER: &str = "docs/runbooks";

/// What each has, in this order.
const HEADINGS: [&str; 6] = [
    "Meaning",
    "Impact",
    "First checks",
    "Likely causes",
    "Mitigation",
    "How to bring it about here",
];

/// The blocks of this language in a Markdown text.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let mut found = Vec::new();
    for line in dedented(text).split(&fence).skip(1) {
        found.push(line.split("```").next().unwrap_or_default().to_owned());
    }
    found
}

/// Blocks inside of lists are indented.
fn dedented(text: &str) -> String {
    text.lines().fold(String::new(), |mut all, line| {
        let trimmed = line.trim_start();
        let line = if trimmed.starts_with("```") {
            trimmed
        } else {
            line
        };
        let _ = writeln!(all, "{line}");
        all
    })
}

/// The PromQL of a runbook.
pub(super) fn queries(text: &str) -> Vec<String> {
    blocks(text, "promql")
}

/// What is missing from a runbook.
fn faults(name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with(&format!("# {name}\n")) {
        found.push(format!("{name}: does not open with its name"));
    }
    let sections: Vec<_> = text.split("\n## ").skip(1).collect();
    let headings: Vec<_> = sections
        .iter()
        .map(|section| section.lines().next().unwrap_or_default())
        .collect();
    if headings != HEADINGS {
        found.push(format!("{name}: has the headings {headings:?}"));
        return found;
    }
    for (heading, section) in HEADINGS.iter().zip(&sections) {
        if section.lines().skip(1).collect::<String>().trim().len() < 80 {
            found.push(format!("{name}: {heading} says next to nothing"));
        }
    }
    let checks = queries(sections[2]).len();
    if checks < 3 {
        found.push(format!("{name}: {checks} queries in its first checks"));
    }
    if blocks(sections[5], "sh").is_empty() {
        found.push(format!("{name}: no command to bring it about"));
    }
    found
}

fn names() -> BTreeSet<String> {
    alerts()
        .iter()
        .map(|alert| alert.name().to_owned())
        .collect()
}

/// The pages that are runbooks, by the alert they are for.
fn pages() -> Vec<(String, String)> {
    let name = |path: &String| {
        let name = path
            .strip_prefix("docs/runbooks/")
            .and_then(|name| name.strip_suffix(".md"));
        name.expect("a page in the folder").to_owned()
    };
    let pages = files(FOLDER, "md");
    let pages = pages.iter().map(|path| (name(path), read(path)));
    pages.filter(|(name, _)| name != "README").collect()
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let pages: BTreeSet<_> = pages().into_iter().map(|(name, _)| name).collect();
    assert_eq!(pages, names());
}

#[test]
fn every_runbook_has_everything_in_it() {
    let found: Vec<_> = pages()
        .iter()
        .flat_map(|(name, text)| faults(name, text))
        .collect();
    none("runbooks that are not whole", &found);
}

#[test]
fn promtool_can_read_every_query() {
    let mut text = "groups:\n  - name: queries\n    rules:\n".to_owned();
    let mut places = Vec::new();
    for path in files(FOLDER, "md") {
        for query in queries(&read(&path)) {
            let number = places.len();
            let expression = query.replace('\n', "\n          ");
            let _ = write!(
                text,
                "      - record: query:{number}\n        expr: |\n          {expression}\n"
            );
            places.push(path.clone());
        }
    }
    assert!(
        places.len() > 60,
        "only {} queries were found",
        places.len()
    );
    let folder = tempfile::tempdir().unwrap();
    let read_by_promtool = |text: &str| {
        let file = folder.path().join("queries.yml");
        std::fs::write(&file, text).unwrap();
        run("promtool", &["check", "rules", file.to_str().unwrap()])
    };
    if let Err(said) = read_by_promtool(&text) {
        let numbered = |(number, path): (usize, &String)| format!("query:{number} is in {path}\n");
        let places: String = places.iter().enumerate().map(numbered).collect();
        panic!("{said}\n{places}");
    }
    read_by_promtool(&format!("{text}      - {{record: a:b, expr: sum by}}\n")).unwrap_err();
}

#[test]
fn the_shell_can_read_every_command() {
    let understood = |script: &str| run("bash", &["-n", "-c", script]);
    let mut found = Vec::new();
    let mut seen = 0;
    for path in files(FOLDER, "md") {
        for script in blocks(&read(&path), "sh") {
            found.extend(
                understood(&script)
                    .err()
                    .map(|said| format!("{path}: {said}")),
            );
            seen += 1;
        }
    }
    none("commands that cannot be typed", &found);
    assert!(seen > 20, "only {seen} blocks were found");
    understood("echo 'a").unwrap_err();
}

/// The recipe of the README for rules that live faster, as far as it writes files.
#[test]
fn the_drill_can_be_prepared_as_it_is_told() {
    let recipes = blocks(&read("docs/runbooks/README.md"), "sh");
    let recipe = recipes.iter().find(|text| text.contains("scale-rules 60"));
    let recipe = recipe.expect("a recipe that scales the rules");
    let (prepare, _start) = recipe
        .split_once("prometheus-alertmanager ")
        .expect("a start of Alertmanager");
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().to_str().unwrap();
    run("bash", &["-ec", &prepare.replace("/tmp/drill", here)]).unwrap();
    let config = format!("{here}/prometheus.yml");
    let said = run("promtool", &["check", "config", &config]).unwrap();
    assert!(
        said.contains("rule files found") || said.matches("Checking").count() > 1,
        "{said}"
    );
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains("127.0.0.1:9464"), "{text}");
    assert!(!text.contains("dns_sd_configs"), "{text}");
}

#[test]
fn every_link_leads_somewhere_and_the_index_leads_everywhere() {
    let mut found = Vec::new();
    for path in files(FOLDER, "md") {
        for target in links(&read(&path)) {
            let target = target.split('#').next().unwrap_or_default();
            if !at(FOLDER).join(target).exists() {
                found.push(format!("{path}: {target}"));
            }
        }
    }
    none("links that lead nowhere", &found);
    let index = links(&read(&format!("{FOLDER}/README.md")));
    let missing: Vec<_> = names()
        .into_iter()
        .filter(|name| !index.contains(&format!("{name}.md")))
        .collect();
    none("runbooks that the index leaves out", &missing);
}

/// The targets of links within the repository.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_fault_is_noticed() {
    let words = "word ".repeat(20);
    let query = "```promql\nup\n```\n";
    let good = format!(
        "# Good\n\n## Meaning\n\n{words}\n\n## Impact\n\n{words}\n\n## First checks\n\n{words}\n   {query}{query}{query}\n\
         ## Likely causes\n\n{words}\n\n## Mitigation\n\n{words}\n\n## How to bring it about here\n\n{words}\n\n```sh\ntrue\n```\n"
    );
    assert_eq!(faults("Good", &good), [""; 0]);
    for (from, to) in [
        ("# Good", "# Bad"),
        ("## Impact", "## Effect"),
        ("promql", "sql"),
        ("```sh", "```text"),
        (words.as_str(), "word"),
    ] {
        let found = faults("Good", &good.replacen(from, to, 1));
        assert_eq!(found.len(), 1, "{from}: {found:?}");
    }
}

//! What the documents for people lead to: a relative link names a file or a heading that is there. Links to other places
//! are not followed: a test needs no network.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A link and the line that it stands in, counted from 1.
struct Link {
    target: String,
    line: usize,
}

/// Every document of this repository that people read: those at its top, and all below `docs/`.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![crate::root().join("docs")];
    let top = std::fs::read_dir(crate::root()).unwrap();
    found.extend(top.map(|entry| entry.unwrap().path()));
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    found.sort();
    found
}

/// The lines of a document outside of its fenced blocks, without what stands between back-ticks.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return None;
        }
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        (!fenced).then_some((at + 1, plain))
    })
}

/// Inline links and images, `[text](target)`, and definitions, `[name]: target`.
fn links(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    for (line, text) in prose(text) {
        let inline = text.split("](").skip(1).filter_map(|rest| {
            let target = rest.split_once(')')?.0;
            target.split_whitespace().next()
        });
        let defined = text.strip_prefix('[').and_then(|rest| {
            let target = rest.split_once("]:")?.1;
            target.split_whitespace().next()
        });
        found.extend(inline.chain(defined).map(|target| Link {
            target: target.trim_matches(['<', '>']).to_owned(),
            line,
        }));
    }
    found
}

/// The headings of a document as they are linked to.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let Some(heading) = line.strip_prefix('#').filter(|_| !fenced) else {
            continue;
        };
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let anchor: String = heading.chars().filter(kept).collect();
        found.insert(anchor.replace(' ', "-"));
    }
    found
}

/// Where it leads nowhere, if it does. `path` is the document's.
fn dead(path: &Path, link: &Link) -> Option<String> {
    if link.target.contains("://") || link.target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = match link.target.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor)),
        None => (&*link.target, None),
    };
    let wanted = if file.is_empty() {
        path.to_owned()
    } else {
        path.parent().unwrap().join(file)
    };
    let told = |why: &str| {
        let shown = path.strip_prefix(crate::root()).unwrap_or(path).display();
        Some(format!("{shown}:{}: {} {why}", link.line, link.target))
    };
    // The case of letters counts where it is read, whatever this file system thinks of it.
    let Ok(real) = wanted.canonicalize() else {
        return told("does not exist");
    };
    if !real.starts_with(crate::root().canonicalize().unwrap()) {
        return told("leads out of the repository");
    }
    match (anchor, std::fs::read_to_string(&real)) {
        (Some(anchor), Ok(text)) if !anchors(&text).contains(anchor) => told("has no such heading"),
        _ => None,
    }
}

#[test]
fn every_relative_link_of_a_document_leads_somewhere() {
    let documents = documents();
    let mut seen = 0;
    let mut found = Vec::new();
    for path in &documents {
        let links = links(&std::fs::read_to_string(path).unwrap());
        seen += links.len();
        found.extend(links.iter().filter_map(|link| dead(path, link)));
    }
    assert!(documents.len() >= 5 && seen >= 6, "nothing was read");
    crate::none("links that lead nowhere", &found);
}

#[test]
fn a_dead_link_is_noticed() {
    let readme = crate::root().join("README.md");
    let dead_in = |text: &str| -> Vec<usize> {
        let links = links(text);
        let dead = links.iter().filter(|link| dead(&readme, link).is_some());
        dead.map(|link| link.line).collect()
    };
    let good = "[a](docs/architecture.md) [b](#start) [c](docs/architecture.md#floors \"Title\")\n\
                [d](https://nowhere.example/) `[e](nowhere.md)`\n```\n[f](nowhere.md)\n```\n[g]: CONTRIBUTING.md\n";
    assert_eq!(links(good).len(), 5);
    assert_eq!(dead_in(good), [0; 0]);
    for bad in [
        "[a](docs/nowhere.md)",
        "![a](docs/nowhere.png)",
        "[a](docs/architecture.md) and [b](NOWHERE.md)",
        "[a](#nowhere)",
        "[a](docs/architecture.md#nowhere)",
        "[a]: nowhere.md",
        "[a](../../../../../../etc/hostname)",
        "```\n```\n\n[a](nowhere.md)",
    ] {
        assert_eq!(dead_in(bad).len(), 1, "{bad}");
    }
}

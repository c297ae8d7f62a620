//! Reads Rust source far enough to know which paths it names: comments and literals are blanked, what is only compiled
//! for tests is taken out, `use` trees are spelled out and `super`, `self` and imported names are resolved.
//! It is no parser: macros that build paths out of pieces escape it.

use std::collections::HashMap;
use std::path::Path;

/// One file of the package.
pub(crate) struct SourceFile {
    /// From the package's folder, with `/`: `src/orders/store.rs`.
    pub(crate) path: String,
    /// As it is on disk.
    pub(crate) text: String,
    /// The same lines with comments, literals and test-only items blanked.
    pub(crate) code: String,
    /// How many lines those items have.
    pub(crate) test_lines: usize,
}

/// A path that the code names, resolved: `["crate", "orders", "model"]` or `["tokio", "spawn"]`.
pub(crate) struct Reference {
    /// Its segments.
    pub(crate) path: Vec<String>,
    /// Where, counted from 1.
    pub(crate) line: usize,
}

impl SourceFile {
    /// A file of that text, for all purposes.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, test_lines) = without_test_items(&blank(text));
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            test_lines,
        }
    }

    /// Every `.rs` file below a folder of the package, sorted.
    pub(crate) fn all_in(folder: &str) -> Vec<Self> {
        let mut found = Vec::new();
        collect(&crate::root().join(folder), &mut found);
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }

    /// Whether it is a test module in a file of its own.
    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The modules that lead to this file: `["orders", "store"]`, `["orders"]` for its `mod.rs`, none for `lib.rs`.
    pub(crate) fn module(&self) -> Vec<&str> {
        let inside = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut module: Vec<_> = inside.split('/').collect();
        module.pop_if(|last| matches!(*last, "mod" | "lib"));
        module
    }

    /// All paths of two segments or more, in `use` lines and elsewhere.
    pub(crate) fn references(&self) -> Vec<Reference> {
        let tokens = tokens(&self.code);
        let mut found = Vec::new();
        let mut imported: HashMap<String, Vec<String>> = HashMap::new();
        let mut at = 0;
        while at < tokens.len() {
            let (token, line) = &tokens[at];
            if token == "use" {
                let mut leaves = Vec::new();
                at = use_tree(&tokens, at + 1, &[], &mut leaves);
                for (path, name) in leaves {
                    let path = self.resolve(&path, &HashMap::new());
                    imported.insert(name, path.clone());
                    found.push(Reference { path, line: *line });
                }
            } else if is_name(token) {
                let mut path = vec![token.clone()];
                while tokens.get(at + 1).is_some_and(|(t, _)| t == "::")
                    && tokens.get(at + 2).is_some_and(|(t, _)| is_name(t))
                {
                    at += 2;
                    path.push(tokens[at].0.clone());
                }
                if path.len() > 1 || imported.contains_key(&path[0]) {
                    found.push(Reference {
                        path: self.resolve(&path, &imported),
                        line: *line,
                    });
                }
            }
            at += 1;
        }
        found
    }

    fn resolve(&self, path: &[String], imported: &HashMap<String, Vec<String>>) -> Vec<String> {
        let own: Vec<String> = self.module().into_iter().map(str::to_owned).collect();
        let supers = path
            .iter()
            .take_while(|segment| *segment == "super")
            .count();
        let (start, rest) = match path[0].as_str() {
            "glasshouse" => (vec!["crate".to_owned()], &path[1..]),
            "self" => ([vec!["crate".to_owned()], own].concat(), &path[1..]),
            "super" => {
                let above = own[..own.len().saturating_sub(supers)].to_vec();
                ([vec!["crate".to_owned()], above].concat(), &path[supers..])
            }
            first => match imported.get(first) {
                Some(full) => (full.clone(), &path[1..]),
                None => (Vec::new(), path),
            },
        };
        [start, rest.to_vec()].concat()
    }
}

fn collect(folder: &Path, found: &mut Vec<SourceFile>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.ends_with("node_modules") {
            // What npm installs for tools/panels is not of this house.
        } else if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let relative = path.strip_prefix(crate::root()).unwrap();
            found.push(SourceFile::new(
                &relative.to_str().unwrap().replace('\\', "/"),
                &text,
            ));
        }
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single signs, each with its line.
fn tokens(code: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (line, text) in code.lines().enumerate() {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = if is_name(rest) {
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            if !first.is_whitespace() {
                found.push((rest[..length].to_owned(), line + 1));
            }
            rest = &rest[length..];
        }
    }
    found
}

/// Spells out one `use` tree; gives back where it ends. A leaf is its whole path and the name it has in this file.
fn use_tree(
    tokens: &[(String, usize)],
    mut at: usize,
    prefix: &[String],
    leaves: &mut Vec<(Vec<String>, String)>,
) -> usize {
    let mut path = prefix.to_vec();
    while let Some((token, _)) = tokens.get(at) {
        match token.as_str() {
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|(t, _)| t != "}") {
                    at = use_tree(tokens, at, &path, leaves);
                    if tokens.get(at).is_some_and(|(t, _)| t == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "," | "}" | ";" => break,
            "as" => {
                leaves.push((path, tokens[at + 1].0.clone()));
                return at + 2;
            }
            "self"
                if !path.is_empty()
                    && !matches!(path.last().map(String::as_str), Some("super")) => {}
            "::" => {}
            name => path.push(name.to_owned()),
        }
        at += 1;
    }
    if let Some(name) = path.last().cloned() {
        leaves.push((path, name));
    }
    at
}

/// Comments and the insides of literals become spaces; the lines stay where they are.
fn blank(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = literal_or_comment(&characters, at);
        if end == at {
            kept.push(characters[at]);
            at += 1;
        } else {
            kept.extend(
                characters[at..end]
                    .iter()
                    .map(|c| if *c == '\n' { '\n' } else { ' ' }),
            );
            at = end;
        }
    }
    kept
}

/// Where the comment or literal that begins here ends; `at` itself when none does.
fn literal_or_comment(text: &[char], at: usize) -> usize {
    let next = |offset: usize| text.get(at + offset).copied().unwrap_or('\0');
    let until = |from: usize, found: &dyn Fn(usize) -> bool| {
        (from..text.len()).find(|i| found(*i)).unwrap_or(text.len())
    };
    match (next(0), next(1)) {
        ('/', '/') => until(at, &|i| text[i] == '\n'),
        ('/', '*') => {
            let mut depth = 0;
            let mut i = at;
            while i < text.len() {
                match (text[i], text.get(i + 1)) {
                    ('/', Some('*')) => depth += 1,
                    ('*', Some('/')) => depth -= 1,
                    _ => {
                        i += 1;
                        continue;
                    }
                }
                i += 2;
                if depth == 0 {
                    break;
                }
            }
            i
        }
        ('r', '"' | '#') if at == 0 || !(text[at - 1].is_alphanumeric() && text[at - 1] != 'b') => {
            let hashes = text[at + 1..].iter().take_while(|c| **c == '#').count();
            if next(1 + hashes) != '"' {
                return at; // a raw name, not a string
            }
            let closes = |i: usize| {
                text[i] == '"'
                    && text[i + 1..]
                        .iter()
                        .take(hashes)
                        .filter(|c| **c == '#')
                        .count()
                        == hashes
            };
            (until(at + 2 + hashes, &closes) + 1 + hashes).min(text.len())
        }
        ('"', _) => {
            let mut i = at + 1;
            while i < text.len() && text[i] != '"' {
                i += if text[i] == '\\' { 2 } else { 1 };
            }
            (i + 1).min(text.len())
        }
        ('\'', '\\') => until(at + 3, &|i| text[i] == '\'') + 1,
        ('\'', _) if next(2) == '\'' => at + 3,
        _ => at,
    }
}

/// Blanks each item that stands behind `#[cfg(test)]` or `#[cfg(all(test, …))]`, and counts their lines.
fn without_test_items(code: &str) -> (String, usize) {
    let mut code = code.to_owned();
    let mut lines = 0;
    while let Some(start) = code
        .find("#[cfg(test)]")
        .or_else(|| code.find("#[cfg(all(test,"))
    {
        let attribute = code[start..].find(")]").map_or(0, |length| length + 2);
        let end = end_of_item(&code, start + attribute);
        let item = &code[start..end];
        lines += item.lines().count();
        let blanked: String = item
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        code.replace_range(start..end, &blanked);
    }
    (code, lines)
}

/// An item ends with its body's brace, or with a semicolon that stands in no bracket.
fn end_of_item(code: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    let is_use = code[from..]
        .trim_start()
        .trim_start_matches("pub ")
        .starts_with("use ");
    for (offset, sign) in code[from..].char_indices() {
        match sign {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && !is_use {
                    return from + offset + 1;
                }
            }
            ';' if depth == 0 => return from + offset + 1,
            _ => {}
        }
    }
    code.len()
}

#[test]
fn names_are_found_wherever_they_hide() {
    let file = SourceFile::new(
        "src/orders/store.rs",
        r##"
        use crate::{database::{self, Conn as C}, settings};
        use super::model::*;
        use std::thread;
        // use crate::commented::out;
        const TEXT: &str = "crate::in_a::string"; const RAW: &str = r#"crate::in_a::"raw" string"#; const C: char = '"';
        fn f<'a>(c: &'a C) { thread::spawn(|| settings::read()); C::Pg(database::url()); }
        #[cfg(test)] use crate::{only::tests};
        #[cfg(all(test, unix))] mod more { use crate::more::tests; }
        #[cfg(test)] mod tests { use crate::also::tests; fn g() { if true {} } }
        fn after() { crate::after::tests() }
        "##,
    );
    let mut found: Vec<_> = file
        .references()
        .iter()
        .map(|reference| reference.path.join("::"))
        .collect();
    found.sort();
    found.dedup();
    assert_eq!(
        found,
        [
            "crate::after::tests",
            "crate::database",
            "crate::database::Conn",
            "crate::database::Conn::Pg",
            "crate::database::url",
            "crate::orders::model::*",
            "crate::settings",
            "crate::settings::read",
            "std::thread",
            "std::thread::spawn",
        ]
    );
}

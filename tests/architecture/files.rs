//! What a file of this house looks like: it says what it is for, it is short, its name says what is in it,
//! and it holds nothing that ends the process or silences the compiler.

use crate::source::SourceFile;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] = [
    "base", "common", "helper", "helpers", "manager", "misc", "shared", "util", "utils",
];

/// What code outside tests goes without: errors are values, and a lint is expected with a reason, never allowed.
const REFUSED: [&str; 8] = [
    ".expect(",
    ".unwrap()",
    "#![allow(",
    "#[allow(",
    "dbg!(",
    "panic!(",
    "todo!(",
    "unimplemented!(",
];

/// The lines of a file that are not tests, comments included.
const MOST_LINES: usize = 400;

fn shape(file: &SourceFile) -> Vec<String> {
    let mut found = Vec::new();
    if !file.text.starts_with("//!") {
        found.push(format!(
            "{}: does not open with `//!` and what it is for",
            file.path
        ));
    }
    let lines = file.text.lines().count() - file.test_lines;
    let counted = !file.is_test() && file.path != "src/database/schema.rs";
    if counted && lines > MOST_LINES {
        found.push(format!(
            "{}: {lines} lines, more than {MOST_LINES}: does it hold two things?",
            file.path
        ));
    }
    for part in file.path.trim_end_matches(".rs").split('/') {
        if EMPTY_NAMES.contains(&part) {
            found.push(format!(
                "{}: `{part}` says nothing about what is inside",
                file.path
            ));
        }
    }
    found
}

fn refused(file: &SourceFile) -> Vec<String> {
    let mut found = Vec::new();
    for (line, text) in file.code.lines().enumerate() {
        for refused in REFUSED.iter().filter(|refused| text.contains(*refused)) {
            found.push(format!("{}:{}: {refused}", file.path, line + 1));
        }
    }
    found
}

#[test]
fn every_file_is_short_and_says_what_it_is_for() {
    // Not all of fuzz/: what fuzzing builds and finds is in it too.
    let fuzzing = ["fuzz/properties", "fuzz/targets"];
    let folders = ["src", "tests", "tools", "benches"];
    let folders = folders.into_iter().chain(fuzzing);
    let files = folders.flat_map(SourceFile::all_in);
    let found: Vec<_> = files.flat_map(|file| shape(&file)).collect();
    crate::none("files that are not as they should be", &found);
}

#[test]
fn nothing_in_src_ends_the_process_or_silences_the_compiler() {
    let files = SourceFile::all_in("src");
    let found: Vec<_> = files
        .iter()
        .filter(|file| !file.is_test())
        .flat_map(refused)
        .collect();
    crate::none("not in src/ (tests aside)", &found);
}

#[test]
fn each_of_them_is_noticed() {
    let file = |path: &str, text: &str| SourceFile::new(path, text);
    assert_eq!(shape(&file("src/a.rs", "use b;")).len(), 1);
    let long = format!("//! Long.\n{}", "\n".repeat(MOST_LINES));
    assert_eq!(shape(&file("src/a.rs", &long)).len(), 1);
    assert_eq!(shape(&file("src/database/schema.rs", &long)).len(), 0);
    let tested = format!(
        "//! Short.\n#[cfg(test)]\nmod tests {{{}}}",
        "\n".repeat(MOST_LINES)
    );
    assert_eq!(shape(&file("src/a.rs", &tested)).len(), 0);
    assert_eq!(shape(&file("src/utils/mod.rs", "//! All sorts.")).len(), 1);
    let all = REFUSED.join("\n");
    assert_eq!(refused(&file("src/a.rs", &all)).len(), REFUSED.len());
    assert_eq!(
        refused(&file(
            "src/a.rs",
            "// x.unwrap()\n#[cfg(test)]\nmod tests { fn f() { x.unwrap() } }"
        ))
        .len(),
        0
    );
}

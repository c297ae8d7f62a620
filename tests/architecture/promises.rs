//! docs/reliability.md promises, and names for each promise the test that would fail without it: these tests exist.

use crate::source::SourceFile;

/// What is wrong with the tables of this document: rows without a test, and tests that are none of `known`.
fn faults(text: &str, known: &dyn Fn(&str) -> bool) -> Vec<String> {
    let (mut found, mut column, mut rows) = (Vec::new(), None, 0);
    for (at, line) in text.lines().enumerate() {
        let Some(row) = line.strip_prefix('|') else {
            column = None;
            continue;
        };
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let Some(tests) = column else {
            column = cells.iter().position(|cell| cell.starts_with("test"));
            if column.is_none() {
                found.push(format!("line {}: a table without tests", at + 1));
                column = Some(usize::MAX);
            }
            continue;
        };
        if tests == usize::MAX || row.starts_with("---") {
            continue;
        }
        rows += 1;
        let cell = cells.get(tests).copied().unwrap_or_default();
        // A test's name; a path has a slash in it, a command a space.
        let mut count = 0;
        for name in cell.split('`').skip(1).step_by(2) {
            if name.contains(['/', ' ', '.', '-']) {
                continue;
            }
            count += 1;
            if !known(name) {
                found.push(format!("line {}: there is no test `{name}`", at + 1));
            }
        }
        if count == 0 {
            found.push(format!("line {}: a promise without a test", at + 1));
        }
    }
    if rows == 0 {
        found.push("it promises nothing".to_owned());
    }
    found
}

#[test]
fn every_promise_has_its_test() {
    let mut tests = SourceFile::all_in("tests");
    tests.extend(
        SourceFile::all_in("src")
            .into_iter()
            .filter(SourceFile::is_test),
    );
    let known = |name: &str| {
        let function = format!("fn {name}(");
        tests.iter().any(|file| file.text.contains(&function))
    };
    let document = crate::root().join("docs/reliability.md");
    let text = std::fs::read_to_string(document).unwrap();
    crate::none("docs/reliability.md:", &faults(&text, &known));
}

#[test]
fn a_breach_is_noticed() {
    let known = |name: &str| name == "it_holds";
    let of = |text: &str| faults(text, &known);
    let head = "| promise | test | number |\n|---|---|---|\n";
    let told = |row: &str| of(&format!("{head}{row}\n"));
    assert_eq!(told("| p | `it_holds` in `tests/x.rs` | 1 |"), [""; 0]);
    assert_eq!(
        told("| p | `it_does_not` | |"),
        ["line 3: there is no test `it_does_not`"]
    );
    assert_eq!(
        told("| p | see `tests/x.rs` | |"),
        ["line 3: a promise without a test"]
    );
    assert_eq!(
        of("| promise | number |\n|---|---|\n| p | 1 |\n"),
        ["line 1: a table without tests", "it promises nothing"]
    );
    assert_eq!(of("nothing\n"), ["it promises nothing"]);
}

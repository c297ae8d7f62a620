//! What people type: help that is good to read, usage that is wrong, and readers of the output that go away.

use std::process::{Command, Stdio};

use crate::commands::{CANARY, assert_ended};
use crate::support::process::Program;

#[test]
fn help_is_good_to_read_and_wrong_usage_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let bare = |arguments: &[&str]| Program::bare(folder.path()).args(arguments).run();
    let helps: [(&[&str], &[&str]); 9] = [
        (
            &["--help"],
            &[
                "serve",
                "migrate",
                "seed",
                "account",
                "config",
                "healthcheck",
                "openapi",
                "Exit codes",
            ],
        ),
        (&["serve", "--help"], &["--port", "SIGTERM"]),
        (
            &["migrate", "--help"],
            &["status", "run", "revert", "Examples"],
        ),
        (&["migrate", "revert", "--help"], &["--steps"]),
        (
            &["seed", "--help"],
            &["--products", "--accounts", "load-1@example.com"],
        ),
        (
            &["account", "create", "--help"],
            &["--email", "--role", "operator", "standard input"],
        ),
        (&["config", "--help"], &["check", "show", "reference"]),
        (&["healthcheck", "--help"], &["--url", "Examples"]),
        (&["help", "openapi"], &["OpenAPI"]),
    ];
    for (arguments, words) in helps {
        let finished = bare(arguments);
        assert_ended(&finished, 0);
        for word in words {
            assert!(finished.stdout.contains(word), "{word} in {finished:?}");
        }
        let longest = finished
            .stdout
            .lines()
            .map(|line| line.chars().count())
            .max();
        assert!(
            longest.unwrap() <= 100,
            "too wide for a terminal: {}",
            finished.stdout
        );
    }
    let version = bare(&["--version"]);
    assert_ended(&version, 0);
    assert_eq!(
        version.stdout,
        concat!("glasshouse ", env!("CARGO_PKG_VERSION"), "\n")
    );

    let refused: [&[&str]; 8] = [
        &["launch"],
        &["--colour"],
        &["--port", "70000"],
        &["migrate", "revert"],
        &["migrate", "revert", "--steps", "0"],
        &["seed"],
        &[
            "account",
            "create",
            "--email",
            "a@example.com",
            "--role",
            "king",
        ],
        &["config"],
    ];
    for arguments in refused {
        let finished = bare(arguments);
        assert_ended(&finished, 2);
        assert_ne!(finished.stderr, "", "{finished:?}");
    }
    // It must not look as if a password could be given like that.
    let finished = bare(&["account", "create", "--password", CANARY]);
    assert_ended(&finished, 2);
    assert!(!finished.stderr.contains(CANARY), "{finished:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["config reference", "openapi", "--help", "config show"] {
        let line = format!("\"$0\" {command} | head -n 1; echo ${{PIPESTATUS[0]}}");
        let output = Command::new("bash")
            .args(["-c", &line, env!("CARGO_BIN_EXE_glasshouse")])
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.stderr, b"", "{command}: {output:?}");
        assert_eq!(said.lines().last(), Some("0"), "{command}: {said}");
    }
}

//! `scripts/scale-rules`: every duration shrinks, nothing else changes, and the alerts still do what they are for, only sooner.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::repository::{at, files, read, run, yaml};

use super::{RULES, RuleFile};

const FACTOR: u64 = 60;

/// What the script makes of this text.
fn scaled(factor: &str, rules: &str) -> Result<String, String> {
    let mut script = Command::new(at("scripts/scale-rules"))
        .arg(factor)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut input = script.stdin.take().expect("a pipe");
    // One that does not read it may end first.
    let _unread = input.write_all(rules.as_bytes());
    drop(input);
    let output = script.wait_with_output().expect("it ends");
    let said = |bytes| String::from_utf8(bytes).expect("UTF-8");
    if output.status.success() {
        Ok(said(output.stdout))
    } else {
        Err(said(output.stderr))
    }
}

/// A duration with one unit, in milliseconds.
fn milliseconds(duration: &str) -> u64 {
    let unit = duration
        .find(|c: char| !c.is_ascii_digit())
        .expect("a unit");
    let (number, unit) = duration.split_at(unit);
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => panic!("a unit that no rule uses: {unit}"),
    };
    number.parse::<u64>().expect("a number") * factor
}

/// An expression without its windows, and the windows.
fn windows(expression: &str) -> (String, Vec<u64>) {
    let mut rest = String::new();
    let mut found = Vec::new();
    for (number, part) in expression.split('[').enumerate() {
        match part.split_once(']') {
            Some((window, after)) if number > 0 => {
                found.push(milliseconds(window));
                rest.push_str(after);
            }
            _ => rest.push_str(part),
        }
    }
    (rest, found)
}

#[test]
fn every_duration_shrinks_and_nothing_else_changes() {
    let shrinks = |before: &str, after: &str| {
        assert_eq!(
            milliseconds(before),
            milliseconds(after) * FACTOR,
            "{before} became {after}"
        );
    };
    let mut seen = 0;
    for path in files(RULES, "yml") {
        let text = read(&path);
        let before: RuleFile = yaml(&path, &text);
        let after: RuleFile = yaml(&path, &scaled("60", &text).unwrap());
        assert_eq!(before.groups.len(), after.groups.len());
        for (before, after) in before.groups.iter().zip(&after.groups) {
            assert_eq!(before.name, after.name);
            assert_eq!(before.rules.len(), after.rules.len());
            if let Some((before, after)) = before.interval.as_ref().zip(after.interval.as_ref()) {
                shrinks(before, after);
            }
            assert_eq!(before.interval.is_some(), after.interval.is_some());
            for (before, after) in before.rules.iter().zip(&after.rules) {
                assert_eq!(before.name(), after.name());
                assert_eq!(before.labels, after.labels);
                assert_eq!(before.annotations.len(), after.annotations.len());
                if let Some((before, after)) = before.pending.as_ref().zip(after.pending.as_ref()) {
                    shrinks(before, after);
                }
                assert_eq!(before.pending.is_some(), after.pending.is_some());
                let (was, lasted) = (windows(&before.expr), windows(&after.expr));
                assert_eq!(was.0, lasted.0);
                let back: Vec<_> = lasted.1.iter().map(|window| window * FACTOR).collect();
                assert_eq!(was.1, back, "{}", before.name());
                seen += back.len();
            }
        }
    }
    assert!(seen > 50, "only {seen} windows were found");
}

#[test]
fn a_scaled_alert_fires_in_a_sixtieth_of_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let rules = file(
        "slo.yml",
        &scaled("60", &read("prometheus/rules/slo.yml")).unwrap(),
    );
    run(
        "promtool",
        &["check", "rules", "--lint=all", "--lint-fatal", &rules],
    )
    .unwrap();
    // 20 of 1000 fail each second; `for: 2m` has become 2 s.
    let tests = |firing: &str| {
        format!(
            "rule_files: [slo.yml]\nevaluation_interval: 1s\ngroup_eval_order: [slo-rates, slo-windows, slo-alerts]\n\
             tests:\n  - interval: 1s\n    input_series:\n\
             \x20     - {{series: 'http_requests_total{{job=\"glasshouse\",path=\"/\",status=\"200\"}}', values: '0+980x10'}}\n\
             \x20     - {{series: 'http_requests_total{{job=\"glasshouse\",path=\"/\",status=\"500\"}}', values: '0+20x10'}}\n\
             \x20   promql_expr_test:\n\
             \x20     - expr: count by (alertname) (ALERTS{{alertname=\"AvailabilityBudgetBurnFast\",alertstate=\"firing\"}})\n\
             \x20       eval_time: {firing}\n\
             \x20       exp_samples: [{{labels: '{{alertname=\"AvailabilityBudgetBurnFast\"}}', value: 1}}]\n"
        )
    };
    run(
        "promtool",
        &["test", "rules", &file("late.yml", &tests("5s"))],
    )
    .unwrap();
    run(
        "promtool",
        &["test", "rules", &file("early.yml", &tests("2s"))],
    )
    .unwrap_err();
}

#[test]
fn what_it_does_not_understand_it_refuses() {
    assert!(
        scaled("60", "expr: a[1h30m]\n")
            .unwrap_err()
            .contains("1h30m")
    );
    assert!(scaled("60", "for: soon\n").unwrap_err().contains("soon"));
    for factor in ["0", "-1", "1.5", "x", ""] {
        assert!(
            scaled(factor, "for: 1m\n").unwrap_err().contains("usage"),
            "{factor}"
        );
    }
    let kept = "# for: 1m\nexpr: sum by (job) (a{b=~\"[0-9]x\"})\nequal: [job]\n";
    assert_eq!(scaled("60", kept).unwrap(), kept);
    assert_eq!(scaled("1", "for: 5m\n").unwrap(), "for: 300000ms\n");
}

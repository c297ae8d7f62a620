//! What promtool and amtool say of the files as they stand. Beside each, a file that is wrong in the way it is there to notice:
//! a program that is called wrongly is content with everything.

use std::path::{Path, PathBuf};

use crate::repository::{at, files, read, run};

use super::{ALERTMANAGER, RULES, TESTS};

/// The rules, as the configuration for compose names them.
const MOUNTED: &str = "/etc/prometheus/rules/";

/// A file in a folder that goes away with the test.
fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A copy of `prometheus/` in which something can be broken.
fn copy(folder: &Path) -> PathBuf {
    for path in [files(RULES, "yml"), files(TESTS, "yml")].concat() {
        file(folder, &path, &read(&path));
    }
    folder.join("prometheus")
}

/// The text with one thing changed, which must be there.
#[track_caller]
fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not there any more");
    text.replacen(from, to, 1)
}

fn check_config(path: &str) -> Result<String, String> {
    run(
        "promtool",
        &["check", "config", "--lint=all", "--lint-fatal", path],
    )
}

fn check_rules(paths: &[String]) -> Result<String, String> {
    let arguments = ["check", "rules", "--lint=all", "--lint-fatal"];
    run(
        "promtool",
        &[&arguments.map(str::to_owned)[..], paths].concat(),
    )
}

fn test_rules(paths: &[String]) -> Result<String, String> {
    let arguments = ["test", "rules"].map(str::to_owned);
    run("promtool", &[&arguments[..], paths].concat())
}

#[test]
fn promtool_accepts_the_configuration_with_its_rules() {
    let folder = tempfile::tempdir().unwrap();
    let here = format!("{}/", at(RULES).display());
    let text = read("prometheus.yml").replace(MOUNTED, &here);
    let said = check_config(&file(folder.path(), "prometheus.yml", &text)).unwrap();
    // Not a pattern that matches no file, which promtool takes for fine.
    let read = said.matches("Checking").count();
    assert_eq!(read, 1 + files(RULES, "yml").len(), "{said}");

    let broken = changed(&text, "dns_sd_configs", "dns_configs");
    check_config(&file(folder.path(), "broken.yml", &broken)).unwrap_err();
}

#[test]
fn promtool_accepts_the_rules_and_lints_them() {
    check_rules(&files(RULES, "yml")).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let pool = read("prometheus/rules/pool.yml");
    let broken = changed(&pool, "sum by (job, pool)", "sum by job, pool");
    let broken = file(folder.path(), "broken.yml", &broken);
    check_rules(&[broken]).unwrap_err();
    let twice = changed(
        &pool,
        "      - record:",
        "      - {record: job_pool:db_pool:utilization, expr: up}\n      - {record: job_pool:db_pool:utilization, expr: up}\n      - record:",
    );
    let twice = file(folder.path(), "twice.yml", &twice);
    check_rules(&[twice]).unwrap_err();
}

#[test]
fn promtool_finds_that_the_rules_do_what_their_tests_say() {
    test_rules(&files(TESTS, "yml")).unwrap();
}

/// Each change is one that a reader may overlook, and one test file is to notice it.
#[test]
fn the_tests_notice_a_rule_that_was_changed() {
    for (rules, tests, from, to) in [
        // A floor and a threshold.
        ("pool", "pool", "[5m])) > 10", "[5m])) > 9"),
        ("service", "service", "> 0.8", "> 0.88"),
        ("service", "service", "[15m]) > 2", "[15m]) > 1"),
        // How long.
        ("service", "service", "for: 1m", "for: 30s"),
        // Which series, whose series.
        (
            "pool",
            "pool",
            "db_pool_timeouts_total{job=\"glasshouse\"}[5m]",
            "db_pool_timeouts_total{job=\"glasshouse\",phase=\"wait\"}[5m]",
        ),
        ("service", "service", "up{job=\"glasshouse\"} ==", "up =="),
        // 0, not absent.
        ("slo", "slo", "or 0 * job:http_requests:rate5m", ""),
        // Probes are no requests.
        (
            "slo",
            "slo",
            "{job=\"glasshouse\",path!~\"/health.*\",status=~\"5..\"}[5m]",
            "{job=\"glasshouse\",status=~\"5..\"}[5m]",
        ),
        // A word of an annotation.
        (
            "service",
            "service",
            "does not answer scrapes",
            "does not answer",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let copy = copy(folder.path());
        let path = copy.join(format!("rules/{rules}.yml"));
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, changed(&text, from, to)).unwrap();
        let tests = copy.join(format!("tests/{tests}.yml"));
        let outcome = test_rules(&[tests.to_str().unwrap().to_owned()]);
        assert!(outcome.is_err(), "{rules}.yml: {from} became {to}");
    }
}

#[test]
fn amtool_accepts_the_routes() {
    run("amtool", &["check-config", ALERTMANAGER]).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let broken = changed(&read(ALERTMANAGER), "receiver: pager", "receiver: beeper");
    let broken = file(folder.path(), "broken.yml", &broken);
    run("amtool", &["check-config", &broken]).unwrap_err();
}

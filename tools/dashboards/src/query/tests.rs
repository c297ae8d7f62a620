//! What the builder writes, and what it refuses.

use glasshouse::database::DatabaseMetrics;
use glasshouse::http::HttpMetrics;

use super::*;

fn requests() -> Series {
    Series::of(HttpMetrics::requests())
}

fn timing() -> Series {
    Series::of(HttpMetrics::duration())
}

#[track_caller]
fn assert_text(expr: &Expr, expected: &str) {
    assert_eq!(expr.faults(), [""; 0]);
    assert_eq!(expr.text(), expected);
}

#[track_caller]
fn assert_fault(expr: &Expr, expected: &str) {
    let faults = expr.faults();
    assert!(
        faults.iter().any(|fault| fault.contains(expected)),
        "{faults:?} in {}",
        expr.text()
    );
}

#[test]
fn series_are_those_of_the_chosen_instances() {
    assert_text(
        &requests().where_like("status", "5..").rate().sum(&["path"]),
        r#"sum by (path) (rate(http_requests_total{job=~"$job", instance=~"$instance", status=~"5.."}[$__rate_interval]))"#,
    );
    assert_text(
        &Series::bare(prometheus::ALERTS)
            .where_is("alertname", "a\"\\")
            .now(),
        r#"ALERTS{alertname="a\"\\"}"#,
    );
}

#[test]
fn a_quantile_is_one_of_summed_buckets() {
    assert_text(
        &timing().quantile(0.99, &["path"]),
        "histogram_quantile(0.99, sum by (le, path) (rate(http_requests_duration_seconds_bucket\
         {job=~\"$job\", instance=~\"$instance\"}[$__rate_interval])))",
    );
}

#[test]
fn a_share_is_0_without_traffic() {
    let x = || Series::bare(prometheus::UP).now();
    assert_text(&x().share_of(&x()), "(up / (up > 0)) or (0 * up)");
}

#[test]
fn a_label_that_the_metric_does_not_have_is_refused() {
    assert_fault(
        &requests().where_is("route", "/").rate(),
        "`http_requests_total` has no label `route`",
    );
    assert_fault(&requests().rate().sum(&["pool"]), "sum by `pool`, which");
    assert_fault(
        &requests().rate().sum(&["path"]).max(&["status"]),
        "max by `status`, which",
    );
    assert_fault(&timing().quantile(0.5, &["pool"]), "sum by `pool`, which");
    assert_fault(
        &timing().quantile(0.5, &[]).sum(&["le"]),
        "sum by `le`, which",
    );
    let (_, faults) = requests().values_of("route");
    assert_eq!(faults, ["`http_requests_total` has no label `route`"]);
}

#[test]
fn what_makes_no_sense_of_a_kind_is_refused() {
    let waiting = || Series::of(DatabaseMetrics::waiting());
    assert_fault(
        &waiting().rate(),
        "`db_pool_waiting` is a gauge; a counter has a rate",
    );
    assert_fault(
        &requests().now(),
        "`http_requests_total` is a counter; a gauge is read as it is",
    );
    assert_fault(&waiting().quantile(0.5, &[]), "a histogram has quantiles");
    assert_fault(&timing().within(0.3), "has no bucket 0.3");
}

#[test]
fn two_sides_that_cannot_match_are_refused() {
    let used = || {
        Series::of(DatabaseMetrics::connections())
            .where_is("state", "used")
            .now()
    };
    let most = || Series::of(DatabaseMetrics::connections_max()).now();
    assert_fault(&used().over(most()), "would match nothing");
    assert_eq!(used().over_without("state", most()).faults(), [""; 0]);
    assert_fault(
        &most().over_without("state", most()),
        "has no label `state` to ignore",
    );
    assert_fault(
        &requests()
            .rate()
            .sum(&["path"])
            .share_of(&requests().rate().sum(&[])),
        "would match nothing",
    );
}

#[test]
fn a_fault_survives_whatever_is_made_of_it() {
    let faulty = requests().where_is("route", "/").rate().sum(&[]);
    let made = Expr::number(1)
        .minus(faulty.share_of(&requests().rate().sum(&[])))
        .topk(3);
    assert_fault(&made, "has no label `route`");
}

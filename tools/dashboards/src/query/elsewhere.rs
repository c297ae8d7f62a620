//! Metrics that are not the service's own: what Prometheus adds, what its rules record (`prometheus/rules/`), and what k6
//! sends (`loadtest/`). Declared here by hand, with the labels that dashboards use; tests hold the rules' names equal to
//! the rules, and the panel prober asks a Prometheus for all of them.

use glasshouse::telemetry::metrics::Declaration;

use super::{Expr, Series};

/// What Prometheus tells of each target, and of the alerts.
pub(crate) mod prometheus {
    use super::Declaration;

    /// Whether the last scrape worked.
    pub(crate) const UP: Declaration =
        Declaration::gauge("up", "1 when the last scrape worked.", &[]);
    /// How long it took.
    pub(crate) const SCRAPE_DURATION: Declaration = Declaration::gauge(
        "scrape_duration_seconds",
        "Time that the last scrape took.",
        &[],
    );
    /// How much it brought.
    pub(crate) const SCRAPE_SAMPLES: Declaration =
        Declaration::gauge("scrape_samples_scraped", "Samples of the last scrape.", &[]);
    /// Alerts that are pending or firing. Those over a whole job have no instance, and the watchdog has no job.
    pub(crate) const ALERTS: Declaration = Declaration::gauge(
        "ALERTS",
        "Alerts that are pending or firing.",
        &[
            "alertname",
            "alertstate",
            "severity",
            "slo",
            "job",
            "instance",
        ],
    );
}

/// What k6 sends: a trend once for each statistic that it is asked for, in seconds; and its own tags as labels. Trends and
/// rates are over the run so far, not over the last moments.
pub(crate) mod k6 {
    use super::Declaration;

    const REQUEST: &[&str] = &["expected_response", "method", "name", "scenario", "status"];
    const RUN: &[&str] = &["scenario"];
    const LOAD: &[&str] = &["phase", "scenario"];

    pub(crate) const REQUESTS: Declaration =
        Declaration::counter("k6_http_reqs_total", "Requests sent.", REQUEST);
    pub(crate) const DURATION_P50: Declaration = Declaration::gauge(
        "k6_http_req_duration_p50",
        "Median of sending, waiting and receiving.",
        REQUEST,
    );
    pub(crate) const DURATION_P95: Declaration = Declaration::gauge(
        "k6_http_req_duration_p95",
        "95th percentile of the same.",
        REQUEST,
    );
    pub(crate) const DURATION_P99: Declaration = Declaration::gauge(
        "k6_http_req_duration_p99",
        "99th percentile of the same.",
        REQUEST,
    );
    pub(crate) const DURATION_MAX: Declaration =
        Declaration::gauge("k6_http_req_duration_max", "Maximum of the same.", REQUEST);
    pub(crate) const LOAD_P50: Declaration = Declaration::gauge(
        "k6_load_duration_p50",
        "Median of the answers under load that are no 5xx, all kinds of requests together.",
        LOAD,
    );
    pub(crate) const LOAD_P95: Declaration =
        Declaration::gauge("k6_load_duration_p95", "95th percentile of the same.", LOAD);
    pub(crate) const LOAD_P99: Declaration =
        Declaration::gauge("k6_load_duration_p99", "99th percentile of the same.", LOAD);
    pub(crate) const LOAD_MAX: Declaration =
        Declaration::gauge("k6_load_duration_max", "Maximum of the same.", LOAD);
    pub(crate) const CHECKS: Declaration = Declaration::gauge(
        "k6_checks_rate",
        "Share of checks that held.",
        &["check", "scenario"],
    );
    pub(crate) const VUS: Declaration = Declaration::gauge("k6_vus", "Virtual users at work.", &[]);
    pub(crate) const VUS_MAX: Declaration =
        Declaration::gauge("k6_vus_max", "Virtual users that were made.", &[]);
    pub(crate) const ITERATIONS: Declaration =
        Declaration::counter("k6_iterations_total", "Iterations that were finished.", RUN);
    pub(crate) const DROPPED: Declaration = Declaration::counter(
        "k6_dropped_iterations_total",
        "Iterations that found no virtual user. Born when the first is dropped.",
        RUN,
    );
}

/// The windows that are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Window {
    FiveMinutes,
    OneHour,
    SixHours,
    OneDay,
    ThreeDays,
    ThirtyDays,
}

/// Share of the requests of a window that ended with 5xx, as recorded; of the job where it is highest.
pub(crate) fn errors(window: Window) -> Expr {
    let name = match window {
        Window::FiveMinutes => "job:http_requests_errors:ratio_rate5m",
        Window::OneHour => "job:http_requests_errors:ratio_rate1h",
        Window::SixHours => "job:http_requests_errors:ratio_rate6h",
        Window::OneDay => "job:http_requests_errors:ratio_rate1d",
        Window::ThreeDays => "job:http_requests_errors:ratio_rate3d",
        Window::ThirtyDays => "job:http_requests_errors:ratio_rate30d",
    };
    let recorded = Declaration::gauge(name, "Share of requests that ended with 5xx.", &[]);
    Series::recorded(recorded).now().max(&[])
}

/// Share of the requests of a window that took longer than the objective allows, 5xx left out, as recorded; of the job
/// where it is highest.
pub(crate) fn slow(window: Window) -> Expr {
    let name = match window {
        Window::FiveMinutes => "job:http_requests_slow:ratio_rate5m",
        Window::OneHour => "job:http_requests_slow:ratio_rate1h",
        Window::SixHours => "job:http_requests_slow:ratio_rate6h",
        Window::OneDay => "job:http_requests_slow:ratio_rate1d",
        Window::ThreeDays => "job:http_requests_slow:ratio_rate3d",
        Window::ThirtyDays => "job:http_requests_slow:ratio_rate30d",
    };
    let recorded = Declaration::gauge(name, "Share of slow requests without 5xx.", &[]);
    Series::recorded(recorded).now().max(&[])
}

/// How many times faster than it may the budget is used up over a window, of the job where it is fastest: what the alerts
/// compare with their lines.
pub(crate) fn burn_rate(slo: &str, window: Window) -> Expr {
    let name = match window {
        Window::FiveMinutes => "job_slo:error_budget_burn:ratio_rate5m",
        Window::OneHour => "job_slo:error_budget_burn:ratio_rate1h",
        Window::SixHours => "job_slo:error_budget_burn:ratio_rate6h",
        Window::OneDay => "job_slo:error_budget_burn:ratio_rate1d",
        Window::ThreeDays => "job_slo:error_budget_burn:ratio_rate3d",
        Window::ThirtyDays => "job_slo:error_budget_burn:ratio_rate30d",
    };
    let recorded = Declaration::gauge(name, "Share of bad requests, in budgets.", &["slo"]);
    Series::recorded(recorded)
        .where_is("slo", slo)
        .now()
        .max(&[])
}

/// What is left of the error budget of 30 days, of the job that has least.
pub(crate) fn budget_left(slo: &str) -> Expr {
    let recorded = Declaration::gauge(
        "job_slo:error_budget_remaining:ratio",
        "Share of the error budget of 30 days that is left.",
        &["slo"],
    );
    Series::recorded(recorded)
        .where_is("slo", slo)
        .now()
        .min(&[])
}

/// The objective, as the rules have it.
pub(crate) fn objective(slo: &str) -> Expr {
    let recorded = Declaration::gauge(
        "slo:objective:ratio",
        "Share that has to be good.",
        &["slo"],
    );
    Series::bare(recorded).where_is("slo", slo).now()
}

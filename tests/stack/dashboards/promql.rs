//! The rules about queries: they parse; what they name exists, with those labels; they look at what is chosen; counters are
//! read through `rate` and `increase`, over windows that Grafana chooses.

use std::collections::BTreeMap;
use std::time::Duration;

use promql_parser::label::Matchers;
use promql_parser::parser::{self, AggregateExpr, BinaryExpr, Call, Expr, LabelModifier};

use super::catalogue::{Catalogue, Known};
use super::{Query, substitute};

/// What Grafana's windows are replaced by, so that they are known again.
const RATE_INTERVAL: Duration = Duration::from_secs(1111);
const RANGE: Duration = Duration::from_secs(2222);

/// What the variables of a dashboard are replaced by: a value that no query holds by itself.
fn stand_in(variable: &str) -> String {
    format!("the chosen {variable}")
}

/// Everything that is wrong with a query of a dashboard with these variables; the metrics that it names are added.
pub(super) fn check(
    query: &Query,
    variables: &[&str],
    catalogue: &Catalogue,
    named: &mut Vec<String>,
) -> Vec<String> {
    let mut values: BTreeMap<String, String> = variables
        .iter()
        .map(|variable| ((*variable).to_owned(), stand_in(variable)))
        .collect();
    values.insert(
        "__rate_interval".to_owned(),
        format!("{}s", RATE_INTERVAL.as_secs()),
    );
    values.insert("__range".to_owned(), format!("{}s", RANGE.as_secs()));
    let (text, left) = substitute(&query.expr, &values);
    if !left.is_empty() {
        return vec![format!("nothing fills ${}", left.join(", $"))];
    }
    let mut check = Check {
        catalogue,
        instant: query.instant,
        faults: Vec::new(),
        named,
    };
    match parser::parse(&text) {
        Ok(expr) => check.expr(&expr, ""),
        Err(error) => check.faults.push(format!("no PromQL: {error}")),
    }
    check.faults
}

/// Everything that is wrong with `label_values(series, label)`.
pub(super) fn check_values(text: &str, variables: &[&str], catalogue: &Catalogue) -> Vec<String> {
    let inside = text
        .strip_prefix("label_values(")
        .and_then(|rest| rest.strip_suffix(')'));
    let Some((series, label)) = inside.and_then(|inside| inside.rsplit_once(", ")) else {
        return vec![format!("`{text}` is not label_values(series, label)")];
    };
    let values = variables
        .iter()
        .map(|variable| ((*variable).to_owned(), stand_in(variable)));
    let (series, left) = substitute(series, &values.collect());
    match parser::parse(&series) {
        _ if !left.is_empty() => vec![format!("nothing fills ${}", left.join(", $"))],
        Ok(Expr::VectorSelector(selector)) => {
            let mut faults = Vec::new();
            let name = selector.name.unwrap_or_default();
            match catalogue.get(&name) {
                Some(known) => {
                    faults.extend(unknown_labels(&name, known, &selector.matchers));
                    if !known.labels.contains(label) {
                        faults.push(format!("`{name}` has no label `{label}`"));
                    }
                }
                None => faults.push(format!("there is no metric `{name}`")),
            }
            faults
        }
        _ => vec![format!("`{series}` selects no series")],
    }
}

struct Check<'a> {
    catalogue: &'a Catalogue,
    instant: bool,
    faults: Vec<String>,
    named: &'a mut Vec<String>,
}

impl Check<'_> {
    /// `function` is what the expression is an argument of.
    fn expr(&mut self, expr: &Expr, function: &str) {
        match expr {
            Expr::Aggregate(AggregateExpr {
                expr,
                param,
                modifier,
                ..
            }) => {
                self.grouping(modifier.as_ref(), &[expr.as_ref()]);
                self.expr(expr, "");
                if let Some(param) = param {
                    self.expr(param, "");
                }
            }
            Expr::Binary(BinaryExpr {
                lhs, rhs, modifier, ..
            }) => {
                let matching = modifier
                    .as_ref()
                    .and_then(|modifier| modifier.matching.as_ref());
                if let Some(LabelModifier::Include(_)) = matching {
                    self.grouping(matching, &[lhs.as_ref(), rhs.as_ref()]);
                } else {
                    // What is ignored is on one side: that is why it is ignored.
                    self.grouping(matching, &[lhs.as_ref()]);
                }
                self.expr(lhs, "");
                self.expr(rhs, "");
            }
            Expr::Call(Call { func, args }) => {
                for arg in &args.args {
                    self.expr(arg, func.name);
                }
            }
            Expr::Paren(paren) => self.expr(&paren.expr, function),
            Expr::Unary(unary) => self.expr(&unary.expr, ""),
            Expr::VectorSelector(selector) => {
                let name = selector.name.clone().unwrap_or_default();
                if self
                    .selector(&name, &selector.matchers)
                    .is_some_and(|known| known.counts)
                {
                    self.faults.push(format!(
                        "`{name}` counts: it is read through rate or increase"
                    ));
                }
            }
            Expr::MatrixSelector(matrix) => {
                let name = matrix.vs.name.clone().unwrap_or_default();
                let counts = self
                    .selector(&name, &matrix.vs.matchers)
                    .map(|known| known.counts);
                self.window(&name, counts, matrix.range, function);
            }
            Expr::Subquery(_) => self.faults.push("a subquery: record a rule".to_owned()),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }

    fn window(&mut self, name: &str, counts: Option<bool>, range: Duration, function: &str) {
        match (function, counts) {
            ("rate" | "increase", Some(false)) => {
                self.faults
                    .push(format!("{function} of `{name}`, which is a gauge"));
            }
            ("rate" | "increase", _) | ("avg_over_time", None | Some(false)) => {}
            _ => self.faults.push(format!("{function} of `{name}`")),
        }
        let whole = range == RANGE && function == "increase" && self.instant;
        if range != RATE_INTERVAL && !whole {
            self.faults.push(format!(
                "{function} of `{name}` is not over $__rate_interval"
            ));
        }
    }

    /// What is known of the series, if they exist.
    fn selector(&mut self, name: &str, matchers: &Matchers) -> Option<Known> {
        let Some(known) = self.catalogue.get(name) else {
            self.faults.push(format!("there is no metric `{name}`"));
            return None;
        };
        self.named.push(known.metric.clone());
        self.faults.extend(unknown_labels(name, known, matchers));
        for label in known.narrowed_by {
            let narrowed = matchers
                .matchers
                .iter()
                .any(|matcher| matcher.name == *label && matcher.value == stand_in(label));
            if !narrowed {
                self.faults
                    .push(format!("`{name}` is not narrowed to ${label}"));
            }
        }
        Some(known.clone())
    }

    /// Labels that series are put together by have to be on all of them.
    fn grouping(&mut self, modifier: Option<&LabelModifier>, of: &[&Expr]) {
        let Some(modifier) = modifier else { return };
        let mut names = Vec::new();
        for expr in of {
            selected(expr, &mut names);
        }
        for label in &modifier.labels().labels {
            for name in &names {
                let known = self.catalogue.get(name);
                if known.is_some_and(|known| !known.labels.contains(label)) {
                    self.faults
                        .push(format!("grouped by `{label}`, which `{name}` lacks"));
                }
            }
        }
    }
}

fn unknown_labels(name: &str, known: &Known, matchers: &Matchers) -> Vec<String> {
    matchers
        .matchers
        .iter()
        .filter(|matcher| !known.labels.contains(&matcher.name))
        .map(|matcher| format!("`{name}` has no label `{}`", matcher.name))
        .collect()
}

/// The names of the series in an expression, those that became a number left out.
fn selected(expr: &Expr, names: &mut Vec<String>) {
    match expr {
        Expr::Aggregate(aggregate) => selected(&aggregate.expr, names),
        Expr::Binary(binary) => {
            selected(&binary.lhs, names);
            selected(&binary.rhs, names);
        }
        Expr::Call(call) if call.func.name == "scalar" => {}
        Expr::Call(call) => call.args.args.iter().for_each(|arg| selected(arg, names)),
        Expr::Paren(paren) => selected(&paren.expr, names),
        Expr::Unary(unary) => selected(&unary.expr, names),
        Expr::Subquery(subquery) => selected(&subquery.expr, names),
        Expr::VectorSelector(selector) => names.extend(selector.name.clone()),
        Expr::MatrixSelector(matrix) => names.extend(matrix.vs.name.clone()),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::super::catalogue::catalogue;
    use super::*;

    fn faults(expr: &str, instant: bool) -> Vec<String> {
        let query = Query {
            place: Place::Annotation("x".to_owned()),
            ref_id: "A".to_owned(),
            expr: expr.to_owned(),
            instant,
            legend: "x".to_owned(),
        };
        check(
            &query,
            &["job", "instance", "testid"],
            &catalogue(),
            &mut Vec::new(),
        )
    }

    const S: &str = r#"job=~"$job",instance=~"$instance""#;

    #[test]
    fn what_is_right_is_left_alone() {
        for expr in [
            "sum by (path) (rate(http_requests_total{S}[$__rate_interval]))",
            "histogram_quantile(0.99, sum by (le) (rate(db_pool_wait_seconds_bucket{S}[$__rate_interval])))",
            r#"max(avg_over_time(db_pool_connections{S,state="used"}[$__rate_interval]) / ignoring (state) db_pool_connections_max{S})"#,
            "build_info{S} unless build_info{S} offset $__rate_interval",
            r#"max by (testid) (k6_http_req_duration_p99{testid=~"$testid"})"#,
            r#"job:http_requests_errors:ratio_rate1h{job=~"$job"} / (1 - scalar(slo:objective:ratio{slo="latency"}))"#,
            "time() - vector(0)",
        ] {
            assert_eq!(faults(&expr.replace('S', S), false), [""; 0], "{expr}");
        }
        assert_eq!(
            faults(&format!("increase(logins_total{{{S}}}[$__range])"), true),
            [""; 0]
        );
    }

    #[test]
    fn each_fault_is_noticed() {
        for (expr, expected) in [
            (
                "sum(rate(http_requests_total{S}[$__rate_interval])",
                "no PromQL",
            ),
            ("sum(up{S}))", "no PromQL"),
            ("up{S} up{S}", "no PromQL"),
            ("up{S", "no PromQL"),
            ("rat(http_requests_total{S}[$__rate_interval])", "no PromQL"),
            ("rate(up{S})", "no PromQL"),
            (r#"up{S,x="$nobody"}"#, "nothing fills $nobody"),
            (
                "htp_requests_in_flight{S}",
                "there is no metric `htp_requests_in_flight`",
            ),
            (
                "job:http_requests_errors:ratio_rate7h",
                "there is no metric",
            ),
            (r#"ready{S,path="/"}"#, "`ready` has no label `path`"),
            (
                r#"job:http_requests:rate5m{job=~"$job",instance="a"}"#,
                "has no label `instance`",
            ),
            (
                "sum by (pool) (ready{S})",
                "grouped by `pool`, which `ready` lacks",
            ),
            (
                "db_pool_waiting{S} / ignoring (path) db_pool_connections_max{S}",
                "grouped by `path`",
            ),
            (
                "db_pool_waiting{S} / on (state) db_pool_connections_max{S}",
                "grouped by `state`",
            ),
            (
                r#"ready{job=~"$job"}"#,
                "`ready` is not narrowed to $instance",
            ),
            (
                r#"ready{job="glasshouse",instance=~"$instance"}"#,
                "`ready` is not narrowed to $job",
            ),
            ("k6_vus", "`k6_vus` is not narrowed to $testid"),
            ("http_requests_total{S}", "counts: it is read through rate"),
            (
                "sum(db_pool_wait_seconds_sum{S})",
                "counts: it is read through rate",
            ),
            (
                "rate(ready{S}[$__rate_interval])",
                "rate of `ready`, which is a gauge",
            ),
            (
                "max_over_time(ready{S}[$__rate_interval])",
                "max_over_time of `ready`",
            ),
            ("rate(logins_total{S}[5m])", "is not over $__rate_interval"),
            (
                "rate(logins_total{S}[$__range])",
                "is not over $__rate_interval",
            ),
            (
                "increase(logins_total{S}[$__range])",
                "is not over $__rate_interval",
            ),
            ("max_over_time(sum(ready{S})[1h:])", "a subquery"),
        ] {
            let found = faults(&expr.replace("{S", &format!("{{{S}")), false);
            assert!(
                found.iter().any(|fault| fault.contains(expected)),
                "{expr}: {found:?}"
            );
        }
    }

    #[test]
    fn the_query_of_a_variable_is_checked_too() {
        let faults = |text: &str| check_values(text, &["job"], &catalogue());
        assert_eq!(
            faults(r#"label_values(ready{job=~"$job"}, instance)"#),
            [""; 0]
        );
        for (text, expected) in [
            (
                "label_values(instance)",
                "is not label_values(series, label)",
            ),
            ("label_values(redy, instance)", "there is no metric `redy`"),
            ("label_values(ready, path)", "has no label `path`"),
            (
                r#"label_values(ready{path="x"}, job)"#,
                "has no label `path`",
            ),
            (
                r#"label_values(ready{job=~"$jobs"}, job)"#,
                "nothing fills $jobs",
            ),
            ("label_values(sum(ready), job)", "selects no series"),
        ] {
            let found = faults(text);
            assert!(
                found.iter().any(|fault| fault.contains(expected)),
                "{text}: {found:?}"
            );
        }
    }
}

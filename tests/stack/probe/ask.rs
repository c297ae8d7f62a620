//! Prometheus' HTTP API, as far as Grafana uses it for a dashboard.

use std::collections::BTreeMap;

use serde_json::Value;

use super::finding::{Outcome, Series};
use super::{Client, Window};

/// Runs a query: at the end of the window, or over all of it.
pub(super) async fn query(
    prometheus: &Client,
    text: &str,
    instant: bool,
    window: Window,
) -> Outcome {
    let end = window.end.to_string();
    let answer = if instant {
        call(prometheus, "query", &[("query", text), ("time", &end)]).await
    } else {
        let (start, step) = (
            window.start().to_string(),
            window.step.as_secs_f64().to_string(),
        );
        let over = [
            ("query", text),
            ("start", &start),
            ("end", &end),
            ("step", &step),
        ];
        call(prometheus, "query_range", &over).await
    };
    match answer {
        Err(error) => Outcome::Refused(error),
        Ok(data) => Outcome::of(series(&data)),
    }
}

/// The values of a label of the series that a selector selects.
pub(super) async fn label_values(
    prometheus: &Client,
    selector: &str,
    label: &str,
    window: Window,
) -> Result<Vec<String>, String> {
    let (start, end) = (window.start().to_string(), window.end.to_string());
    let query = [("match[]", selector), ("start", &start), ("end", &end)];
    let path = format!("/api/v1/label/{label}/values?{}", encoded(&query));
    let data = data(&prometheus.get(&path).send().await.json())?;
    let values = data.as_array().into_iter().flatten();
    Ok(values
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect())
}

async fn call(prometheus: &Client, what: &str, form: &[(&str, &str)]) -> Result<Value, String> {
    let call = prometheus
        .post(&format!("/api/v1/{what}"))
        .body("application/x-www-form-urlencoded", encoded(form));
    data(&call.send().await.json())
}

fn encoded(form: &[(&str, &str)]) -> String {
    serde_urlencoded::to_string(form).unwrap()
}

fn data(answer: &Value) -> Result<Value, String> {
    if answer["status"] == "success" {
        return Ok(answer["data"].clone());
    }
    Err(answer["error"]
        .as_str()
        .unwrap_or("no error is named")
        .to_owned())
}

/// The series of an answer, without the points that are no numbers: Grafana shows those as gaps.
fn series(data: &Value) -> Vec<Series> {
    let result = &data["result"];
    if data["resultType"] == "scalar" {
        // One number without labels, at one time.
        return vec![Series {
            labels: BTreeMap::new(),
            points: point(result).into_iter().collect(),
        }];
    }
    let list = result.as_array().into_iter().flatten();
    list.map(|series| Series {
        labels: labels(&series["metric"]),
        points: match series["values"].as_array() {
            Some(values) => values.iter().filter_map(point).collect(),
            None => point(&series["value"]).into_iter().collect(),
        },
    })
    .collect()
}

fn labels(metric: &Value) -> BTreeMap<String, String> {
    let labels = metric.as_object().into_iter().flatten();
    labels
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// `[time, "number"]`.
fn point(value: &Value) -> Option<(f64, f64)> {
    let number: f64 = value[1].as_str()?.parse().ok()?;
    (!number.is_nan()).then_some((value[0].as_f64()?, number))
}

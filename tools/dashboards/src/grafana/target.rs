//! The queries of a panel.

use serde_json::{Value, json};

use super::datasource;
use crate::query::Expr;

/// One query and the name of what it finds.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) expr: Expr,
    pub(super) legend: String,
}

/// What a query brings home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Series over the time that is shown.
    Series,
    /// One value for each series, at its end. What has gone is not shown as if it were still there.
    Now,
    /// One row for each series, at its end.
    Rows,
    /// Series of buckets, in the order of their edges.
    Buckets,
}

impl Target {
    /// The labels that its legend names and its series do not have.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = self.expr.faults().to_vec();
        let named = self.legend.split("{{").skip(1);
        for label in named
            .filter_map(|rest| rest.split_once("}}"))
            .map(|(label, _)| label)
        {
            if !self.expr.labels().any(|has| has == label) {
                faults.push(format!(
                    "the legend names `{label}`, which `{}` lacks",
                    self.expr.text()
                ));
            }
        }
        faults
    }

    pub(super) fn render(&self, place: usize, shape: Shape) -> Value {
        let format = match shape {
            Shape::Series | Shape::Now => "time_series",
            Shape::Rows => "table",
            Shape::Buckets => "heatmap",
        };
        let instant = matches!(shape, Shape::Now | Shape::Rows);
        json!({
            "refId": ref_id(place),
            "datasource": datasource(),
            "editorMode": "code",
            "expr": self.expr.text(),
            "legendFormat": self.legend,
            "format": format,
            "instant": instant,
            "range": !instant,
        })
    }
}

/// `A` for the first: no panel has more than the alphabet.
pub(super) fn ref_id(place: usize) -> String {
    let letter = u8::try_from(place).ok().filter(|place| *place < 26);
    letter.map_or_else(
        || format!("Q{place}"),
        |place| char::from(b'A' + place).to_string(),
    )
}

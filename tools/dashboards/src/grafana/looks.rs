//! The kinds of panels: what each has in Grafana's model beyond what all have.

use serde_json::{Map, Value, json};

use super::Unit;
use super::target::{Shape, ref_id};

/// How a panel shows what it found.
#[derive(Debug, Clone)]
pub(super) enum Look {
    /// Numbers. `over_range`: of the whole time that is shown, by this calculation.
    Stat { over_range: Option<&'static str> },
    /// Lines. `line`: the thresholds are drawn too.
    Graph {
        stacked: bool,
        many: bool,
        line: bool,
    },
    /// Buckets.
    Heatmap,
    /// Rows and columns.
    Table {
        columns: Vec<(&'static str, Unit)>,
        hidden: Vec<&'static str>,
        sort: Option<&'static str>,
    },
    /// Bars of states.
    States,
}

impl Look {
    /// Grafana's name.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Stat { .. } => "stat",
            Self::Graph { .. } => "timeseries",
            Self::Heatmap => "heatmap",
            Self::Table { .. } => "table",
            Self::States => "state-timeline",
        }
    }

    pub(super) const fn shape(&self) -> Shape {
        match self {
            Self::Stat { over_range: None } => Shape::Now,
            Self::Stat { .. } | Self::Graph { .. } | Self::States => Shape::Series,
            Self::Heatmap => Shape::Buckets,
            Self::Table { .. } => Shape::Rows,
        }
    }

    pub(super) const fn colour_mode(&self) -> &'static str {
        match self {
            Self::Graph { .. } | Self::Heatmap => "palette-classic-by-name",
            _ => "thresholds",
        }
    }

    /// What the fields of such a panel have of their own.
    pub(super) fn custom(&self) -> Value {
        match self {
            Self::Stat { .. } => json!({}),
            Self::Graph { stacked, line, .. } => json!({
                "drawStyle": "line",
                "lineInterpolation": "linear",
                "lineWidth": 1,
                "fillOpacity": if *stacked { 50 } else { 8 },
                "gradientMode": "none",
                "showPoints": "never",
                // A gap is a scrape that failed, and shows as one.
                "spanNulls": false,
                "insertNulls": false,
                "axisPlacement": "auto",
                "stacking": { "mode": if *stacked { "normal" } else { "none" }, "group": "A" },
                "thresholdsStyle": { "mode": if *line { "dashed" } else { "off" } },
            }),
            Self::Heatmap => {
                json!({ "hideFrom": { "legend": false, "tooltip": false, "viz": false } })
            }
            Self::Table { .. } => {
                json!({ "align": "auto", "cellOptions": { "type": "auto" }, "inspect": false })
            }
            Self::States => json!({ "lineWidth": 0, "fillOpacity": 70 }),
        }
    }

    pub(super) fn options(&self) -> Value {
        match self {
            Self::Stat { over_range } => json!({
                "colorMode": "value",
                "graphMode": "none",
                "justifyMode": "auto",
                "orientation": "auto",
                "percentChangeColorMode": "standard",
                "reduceOptions": { "calcs": [over_range.unwrap_or("lastNotNull")], "fields": "", "values": false },
                "showPercentChange": false,
                "textMode": "auto",
                "wideLayout": true,
            }),
            Self::Graph { many: false, .. } => json!({
                "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": [] },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Self::Graph { many: true, .. } => json!({
                "legend": { "displayMode": "table", "placement": "right", "showLegend": true, "calcs": ["mean", "max"], "sortBy": "Max", "sortDesc": true },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Self::Heatmap => json!({
                "calculate": false,
                "cellGap": 1,
                "cellValues": { "unit": "short", "decimals": 0 },
                "color": { "mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "scale": "exponential", "exponent": 0.5, "steps": 64, "reverse": false },
                "exemplars": { "color": "rgba(255,0,255,0.7)" },
                // Empty buckets stay empty.
                "filterValues": { "le": 1e-9 },
                "legend": { "show": true },
                "rowsFrame": { "layout": "auto" },
                "showValue": "never",
                "tooltip": { "mode": "single", "showColorScale": false, "yHistogram": true },
                "yAxis": { "axisPlacement": "left", "reverse": false, "unit": "s" },
            }),
            Self::Table { sort, .. } => {
                let sort: Vec<_> = sort
                    .iter()
                    .map(|column| json!({ "displayName": column, "desc": true }))
                    .collect();
                json!({ "cellHeight": "sm", "frameIndex": 0, "showHeader": true, "sortBy": sort })
            }
            Self::States => json!({
                "alignValue": "left",
                "legend": { "displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": [] },
                "mergeValues": true,
                "rowHeight": 0.8,
                "showValue": "auto",
                "tooltip": { "mode": "single", "sort": "none" },
            }),
        }
    }

    /// How the answers of a table's queries become one table.
    pub(super) fn transformations(&self, queries: usize) -> Option<Value> {
        let Self::Table {
            columns, hidden, ..
        } = self
        else {
            return None;
        };
        // What Prometheus calls the value column: with its query's letter as soon as there are two.
        let value = |place: usize| match queries {
            1 => "Value".to_owned(),
            _ => format!("Value #{}", ref_id(place)),
        };
        let hidden = hidden
            .iter()
            .copied()
            .chain(["Time", "__name__"])
            .map(str::to_owned);
        let unnamed = (columns.len()..queries).map(value);
        let excluded: Map<_, _> = hidden
            .chain(unnamed)
            .map(|name| (name, true.into()))
            .collect();
        let renamed: Map<_, _> = columns
            .iter()
            .enumerate()
            .map(|(place, (name, _))| (value(place), (*name).into()))
            .collect();
        Some(json!([
            { "id": "merge", "options": {} },
            { "id": "organize", "options": { "excludeByName": excluded, "renameByName": renamed, "indexByName": {} } },
        ]))
    }

    /// Units of a table's columns; and an empty label is empty: what is said of a table without rows would stand there too.
    pub(super) fn overrides(&self) -> Vec<Value> {
        let Self::Table { columns, .. } = self else {
            return Vec::new();
        };
        let labels = json!({
            "matcher": { "id": "byType", "options": "string" },
            "properties": [{ "id": "noValue", "value": "" }]
        });
        let units = columns.iter().map(|(name, unit)| {
            json!({
                "matcher": { "id": "byName", "options": name },
                "properties": [{ "id": "unit", "value": unit.id() }]
            })
        });
        units.chain([labels]).collect()
    }
}

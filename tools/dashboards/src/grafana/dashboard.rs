//! A dashboard: rows of panels, laid out on the grid of 24 columns in the order in which they are given.

use serde_json::{Value, json};

use super::annotation;
use super::panel::Panel;
use super::variable::{Variable, datasource_variable};

/// Columns of the grid.
const COLUMNS: u32 = 24;

/// The newest version of the model that Grafana 11 writes; later ones read it, and bring it up to date themselves.
const SCHEMA_VERSION: u32 = 39;

/// Marks the dashboards of this service, which the links at the top list.
const TAG: &str = "glasshouse";

/// A dashboard.
#[derive(Debug)]
pub(crate) struct Dashboard {
    uid: &'static str,
    title: &'static str,
    question: &'static str,
    variables: Vec<Variable>,
    rows: Vec<Row>,
    time: &'static str,
    refresh: &'static str,
}

/// Panels under a heading.
#[derive(Debug)]
pub(crate) struct Row {
    title: &'static str,
    panels: Vec<Panel>,
}

impl Row {
    pub(crate) fn new(title: &'static str, panels: impl IntoIterator<Item = Panel>) -> Self {
        Self {
            title,
            panels: panels.into_iter().collect(),
        }
    }
}

impl Dashboard {
    /// Its uid is `glasshouse-` and a name, and never changes: links and alerts hold it.
    pub(crate) fn new(uid: &'static str, title: &'static str, question: &'static str) -> Self {
        Self {
            uid,
            title,
            question,
            variables: vec![Variable::job(), Variable::instance()],
            rows: Vec::new(),
            time: "now-1h",
            refresh: "30s",
        }
    }

    /// Something more to choose.
    pub(crate) fn variable(mut self, variable: Variable) -> Self {
        self.variables.push(variable);
        self
    }

    /// The next row.
    pub(crate) fn row(mut self, row: Row) -> Self {
        self.rows.push(row);
        self
    }

    /// How much it shows at first, and how often it asks.
    pub(crate) fn showing(mut self, time: &'static str, refresh: &'static str) -> Self {
        (self.time, self.refresh) = (time, refresh);
        self
    }

    /// Its uid, which is the name of its file too.
    pub(crate) const fn uid(&self) -> &'static str {
        self.uid
    }

    /// As Grafana reads it, or everything that is wrong with it.
    pub(crate) fn render(&self) -> Result<Value, Vec<String>> {
        let faults = self.faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        let variables = self.variables.iter().map(Variable::render);
        let variables: Vec<_> = std::iter::once(datasource_variable())
            .chain(variables)
            .collect();
        Ok(json!({
            "id": null,
            "uid": self.uid,
            "title": self.title,
            "description": self.question,
            "tags": [TAG],
            "schemaVersion": SCHEMA_VERSION,
            "editable": false,
            // One crosshair on all graphs.
            "graphTooltip": 1,
            "time": { "from": self.time, "to": "now" },
            "timepicker": {},
            "timezone": "browser",
            "refresh": self.refresh,
            "fiscalYearStartMonth": 0,
            "weekStart": "",
            "links": [links()],
            "templating": { "list": variables },
            "annotations": annotation::render(),
            "panels": self.panels(),
        }))
    }

    fn faults(&self) -> Vec<String> {
        let panels = self.rows.iter().flat_map(|row| &row.panels);
        let variables = self.variables.iter().flat_map(Variable::faults).cloned();
        panels
            .flat_map(Panel::faults)
            .chain(variables)
            .chain(annotation::faults())
            .map(|fault| format!("{}: {fault}", self.uid))
            .collect()
    }

    /// Headings and panels from left to right and from top to bottom. An id is a hundred for each row and one for each
    /// panel, so that a new panel leaves links to those of other rows alone.
    fn panels(&self) -> Vec<Value> {
        let mut found = Vec::new();
        let mut top = 0;
        for (place, row) in (1u32..).zip(&self.rows) {
            let id = 100 * place;
            found.push(json!({
                "id": id,
                "type": "row",
                "title": row.title,
                "collapsed": false,
                "gridPos": { "h": 1, "w": COLUMNS, "x": 0, "y": top },
                "panels": [],
            }));
            top += 1;
            let (mut left, mut bottom) = (0, top);
            for (place, panel) in (1u32..).zip(&row.panels) {
                let (width, height) = panel.size;
                if left + width > COLUMNS {
                    (left, top) = (0, bottom);
                }
                let mut rendered = panel.render();
                rendered.insert("id".to_owned(), (id + place).into());
                let place = json!({ "h": height, "w": width, "x": left, "y": top });
                rendered.insert("gridPos".to_owned(), place);
                found.push(rendered.into());
                left += width;
                bottom = bottom.max(top + height);
            }
            top = bottom;
        }
        found
    }
}

/// The other dashboards, at the same time and with the same choices.
fn links() -> Value {
    json!({
        "type": "dashboards",
        "title": "Glasshouse",
        "tags": [TAG],
        "asDropdown": true,
        "includeVars": true,
        "keepTime": true,
        "targetBlank": false,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    })
}

//! A dashboard as it was read: its panels with the rows that they stand in, its queries, its variables.

use std::fmt;
use std::fs;

use serde_json::Value;

/// A dashboard.
#[derive(Debug, Clone)]
pub(crate) struct Dashboard {
    /// The name of its file.
    pub(crate) file: String,
    /// What stands in it.
    pub(crate) json: Value,
}

/// Where a query stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// In a panel of that title, in a row of that title.
    Panel(String, String),
    /// In an annotation of that name.
    Annotation(String),
    /// In a variable of that name.
    Variable(String),
}

/// A query of a panel or an annotation.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// Where it stands.
    pub(crate) place: Place,
    /// Which one of that panel.
    pub(crate) ref_id: String,
    /// Its PromQL, with Grafana's variables.
    pub(crate) expr: String,
    /// Whether it asks for the present value alone.
    pub(crate) instant: bool,
    /// What its series are called.
    pub(crate) legend: String,
}

/// A variable that is filled by a query.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: String,
    /// `label_values(…)`.
    pub(crate) query: String,
    /// What it stands for when all is chosen.
    pub(crate) all: Option<String>,
}

/// A panel and the title of its row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panel<'a> {
    /// The row's title; empty above the first row.
    pub(crate) row: &'a str,
    /// The panel.
    pub(crate) json: &'a Value,
}

impl Dashboard {
    /// Every dashboard that is committed.
    pub(crate) fn all() -> Vec<Self> {
        let folder = super::root().join("grafana/dashboards");
        let mut all: Vec<_> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| {
                let path = entry.unwrap().path();
                let file = path.file_name().unwrap().to_str().unwrap().to_owned();
                let text = fs::read_to_string(&path).unwrap();
                let json = serde_json::from_str(&text)
                    .unwrap_or_else(|error| panic!("{file} is no JSON: {error}"));
                Self { file, json }
            })
            .collect();
        all.sort_by(|a, b| a.file.cmp(&b.file));
        assert!(all.len() >= 8, "only {} dashboards were read", all.len());
        all
    }

    /// The one of this uid.
    #[track_caller]
    pub(crate) fn of(uid: &str) -> Self {
        let found = Self::all().into_iter().find(|one| one.uid() == uid);
        found.unwrap_or_else(|| panic!("there is no dashboard {uid}"))
    }

    /// Its uid; empty when it has none.
    pub(crate) fn uid(&self) -> &str {
        text(&self.json, "uid")
    }

    /// Its panels, those of collapsed rows included; no rows.
    pub(crate) fn panels(&self) -> Vec<Panel<'_>> {
        let mut found = Vec::new();
        let mut row = "";
        for json in list(&self.json["panels"]) {
            if json["type"] == "row" {
                row = text(json, "title");
                found.extend(list(&json["panels"]).iter().map(|json| Panel { row, json }));
            } else {
                found.push(Panel { row, json });
            }
        }
        found
    }

    /// The queries of its panels and annotations.
    pub(crate) fn queries(&self) -> Vec<Query> {
        let of_panels = self.panels().into_iter().flat_map(|panel| {
            list(&panel.json["targets"])
                .iter()
                .map(move |target| Query::new(panel.place(), target))
        });
        let of_annotations = list(&self.json["annotations"]["list"])
            .iter()
            .map(|annotation| {
                let place = Place::Annotation(text(annotation, "name").to_owned());
                Query::new(place, &annotation["target"])
            });
        of_panels.chain(of_annotations).collect()
    }

    /// Its variables that are filled by queries.
    pub(crate) fn variables(&self) -> Vec<Variable> {
        list(&self.json["templating"]["list"])
            .iter()
            .filter(|variable| variable["type"] == "query")
            .map(|variable| Variable {
                name: text(variable, "name").to_owned(),
                query: text(&variable["query"], "query").to_owned(),
                all: variable["allValue"].as_str().map(str::to_owned),
            })
            .collect()
    }
}

impl Query {
    fn new(place: Place, target: &Value) -> Self {
        Self {
            place,
            ref_id: text(target, "refId").to_owned(),
            expr: text(target, "expr").to_owned(),
            instant: target["instant"] == true,
            legend: text(target, "legendFormat").to_owned(),
        }
    }
}

impl Panel<'_> {
    /// Its title; empty when it has none.
    pub(crate) fn title(&self) -> &str {
        text(self.json, "title")
    }

    /// Where its queries stand.
    pub(crate) fn place(&self) -> Place {
        Place::Panel(self.row.to_owned(), self.title().to_owned())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panel(row, title) => write!(f, "{row} / {title}"),
            Self::Annotation(name) => write!(f, "annotation {name}"),
            Self::Variable(name) => write!(f, "variable {name}"),
        }
    }
}

/// The items of an array; none of anything else.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text; empty when there is none.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

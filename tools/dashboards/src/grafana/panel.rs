//! What every panel has: what it asks, what it shows and what bad looks like, its unit, its thresholds and its size.

use serde_json::{Map, Value, json};

use super::colours::{self, Colour};
use super::looks::Look;
use super::target::Target;
use super::{Unit, datasource};
use crate::query::Expr;

/// A panel.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(super) title: &'static str,
    pub(super) size: (u32, u32),
    pub(super) look: Look,
    pub(super) unit: Unit,
    shows: &'static str,
    bad: &'static str,
    targets: Vec<Target>,
    steps: Vec<(f64, Colour)>,
    decimals: Option<u32>,
    lowest: Option<f64>,
    highest: Option<f64>,
    nothing: Option<&'static str>,
    states: &'static [(&'static str, &'static str, Colour)],
    details: Option<&'static str>,
}

impl Panel {
    /// One number, as it is now.
    pub(crate) fn stat(title: &'static str, shows: &'static str, bad: &'static str) -> Self {
        Self::new(Look::Stat { over_range: None }, (3, 4), title, shows, bad)
    }

    /// Lines over time.
    pub(crate) fn graph(title: &'static str, shows: &'static str, bad: &'static str) -> Self {
        let look = Look::Graph {
            stacked: false,
            many: false,
            line: false,
        };
        Self::new(look, (8, 8), title, shows, bad)
    }

    /// How observations spread over buckets, over time.
    pub(crate) fn heatmap(title: &'static str, shows: &'static str, bad: &'static str) -> Self {
        Self::new(Look::Heatmap, (12, 8), title, shows, bad)
    }

    /// One row for each value of a label; a column for each query, named by its legend.
    pub(crate) fn table(title: &'static str, shows: &'static str, bad: &'static str) -> Self {
        let look = Look::Table {
            columns: Vec::new(),
            hidden: Vec::new(),
            sort: None,
        };
        Self::new(look, (24, 9), title, shows, bad)
    }

    /// States over time, a bar for each series.
    pub(crate) fn states(title: &'static str, shows: &'static str, bad: &'static str) -> Self {
        Self::new(Look::States, (12, 6), title, shows, bad)
    }

    fn new(
        look: Look,
        size: (u32, u32),
        title: &'static str,
        shows: &'static str,
        bad: &'static str,
    ) -> Self {
        Self {
            title,
            size,
            look,
            unit: Unit::Count,
            shows,
            bad,
            targets: Vec::new(),
            steps: Vec::new(),
            decimals: None,
            lowest: Some(0.0),
            highest: None,
            nothing: None,
            states: &[],
            details: None,
        }
    }

    /// The unit of its values.
    pub(crate) fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// Width, of 24 columns, and height.
    pub(crate) fn size(mut self, width: u32, height: u32) -> Self {
        self.size = (width, height);
        self
    }

    /// Asks this, and calls what it finds so: a text with `{{label}}` in it, or a column.
    pub(crate) fn query(mut self, expr: Expr, legend: &str) -> Self {
        self.targets.push(Target {
            expr,
            legend: legend.to_owned(),
        });
        self
    }

    /// Asks this as a column of a table, with a unit of its own.
    pub(crate) fn column(mut self, expr: Expr, name: &'static str, unit: Unit) -> Self {
        if let Look::Table { columns, .. } = &mut self.look {
            columns.push((name, unit));
        }
        self.query(expr, name)
    }

    /// From this value on it has this colour; green below the first.
    pub(crate) fn from(mut self, value: f64, colour: Colour) -> Self {
        self.steps.push((value, colour));
        self
    }

    /// What may not be passed: red from there on, and a dashed line on a graph.
    pub(crate) fn limit(mut self, value: f64) -> Self {
        if let Look::Graph { line, .. } = &mut self.look {
            *line = true;
        }
        self.from(value, Colour::RED)
    }

    /// What has to be reached: red below, and a dashed line on a graph.
    pub(crate) fn at_least(self, value: f64) -> Self {
        self.better_from(&[(value, Colour::GREEN)])
    }

    /// Red at first, then these colours from these values on.
    pub(crate) fn better_from(mut self, steps: &[(f64, Colour)]) -> Self {
        if let Look::Graph { line, .. } = &mut self.look {
            *line = true;
        }
        self.steps = vec![(f64::NEG_INFINITY, Colour::RED)];
        self.steps.extend(steps);
        self
    }

    /// Series on top of each other: their sum means something.
    pub(crate) fn stacked(mut self) -> Self {
        if let Look::Graph { stacked, .. } = &mut self.look {
            *stacked = true;
        }
        self
    }

    /// So many series that the legend is a table beside the graph.
    pub(crate) fn many(mut self) -> Self {
        if let Look::Graph { many, .. } = &mut self.look {
            *many = true;
        }
        self
    }

    /// The number is this calculation over the time that is shown, not the present value: for what is over.
    pub(crate) fn over_range(mut self, calculation: &'static str) -> Self {
        if let Look::Stat { over_range } = &mut self.look {
            *over_range = Some(calculation);
        }
        self
    }

    /// The end of the axis.
    pub(crate) fn up_to(mut self, highest: f64) -> Self {
        self.highest = Some(highest);
        self
    }

    /// Its values are counts of whole things, though `increase` guesses at fractions.
    pub(crate) fn whole(mut self) -> Self {
        self.decimals = Some(0);
        self
    }

    /// Its values are averages of whole things: more decimals would only be noise.
    pub(crate) fn hundredths(mut self) -> Self {
        self.decimals = Some(2);
        self
    }

    /// Its values can fall below 0.
    pub(crate) fn below_zero(mut self) -> Self {
        self.lowest = None;
        self
    }

    /// What is written where there is no value, which is then no fault.
    pub(crate) fn when_empty(mut self, text: &'static str) -> Self {
        self.nothing = Some(text);
        self
    }

    /// Words and colours for values.
    pub(crate) fn called(
        mut self,
        states: &'static [(&'static str, &'static str, Colour)],
    ) -> Self {
        self.states = states;
        self
    }

    /// The dashboard that tells more.
    pub(crate) fn details(mut self, uid: &'static str) -> Self {
        self.details = Some(uid);
        self
    }

    /// Labels that are no columns of a table.
    pub(crate) fn without(mut self, labels: &[&'static str]) -> Self {
        if let Look::Table { hidden, .. } = &mut self.look {
            hidden.extend(labels);
        }
        self
    }

    /// The column that a table is sorted by, highest first.
    pub(crate) fn sorted_by(mut self, column: &'static str) -> Self {
        if let Look::Table { sort, .. } = &mut self.look {
            *sort = Some(column);
        }
        self
    }

    /// What is wrong with it.
    pub(super) fn faults(&self) -> Vec<String> {
        let found = self.targets.iter().flat_map(Target::faults);
        found
            .map(|fault| format!("{}: {fault}", self.title))
            .collect()
    }

    /// As Grafana reads it, but for its place.
    pub(super) fn render(&self) -> Map<String, Value> {
        let shape = self.look.shape();
        let targets: Vec<_> = self
            .targets
            .iter()
            .enumerate()
            .map(|(place, target)| target.render(place, shape))
            .collect();
        let mut panel = Map::new();
        let mut set = |key: &str, value: Value| panel.insert(key.to_owned(), value);
        set("type", self.look.kind().into());
        set("title", self.title.into());
        set(
            "description",
            format!("{}\n\n**Bad:** {}", self.shows, self.bad).into(),
        );
        set("datasource", datasource());
        set("targets", targets.into());
        set("fieldConfig", self.field_config());
        set("options", self.look.options());
        if let Some(transformations) = self.look.transformations(self.targets.len()) {
            set("transformations", transformations);
        }
        if let Some(uid) = self.details {
            let url = format!("/d/{uid}?${{__url_time_range}}&${{__all_variables}}");
            set(
                "links",
                json!([{ "title": "Details", "url": url, "targetBlank": false }]),
            );
        }
        panel
    }

    fn field_config(&self) -> Value {
        let mut defaults = Map::new();
        let mut set = |key: &str, value: Value| defaults.insert(key.to_owned(), value);
        set("unit", self.unit.id().into());
        set("color", json!({ "mode": self.look.colour_mode() }));
        set("custom", self.look.custom());
        set("thresholds", self.thresholds());
        set("mappings", self.mappings());
        if let Some(decimals) = self.decimals {
            set("decimals", decimals.into());
        }
        if let Some(lowest) = self.lowest {
            set("min", lowest.into());
        }
        if let Some(highest) = self.highest {
            set("max", highest.into());
        }
        if let Some(nothing) = self.nothing {
            set("noValue", nothing.into());
        }
        let legends = self.targets.iter().map(|target| target.legend.as_str());
        let mut overrides = match self.look {
            Look::Graph { .. } => colours::overrides(legends),
            _ => Vec::new(),
        };
        overrides.extend(self.look.overrides());
        json!({ "defaults": defaults, "overrides": overrides })
    }

    fn thresholds(&self) -> Value {
        let mut steps = self.steps.clone();
        if steps.first().is_none_or(|(value, _)| value.is_finite()) {
            steps.insert(0, (f64::NEG_INFINITY, Colour::GREEN));
        }
        let steps: Vec<_> = steps
            .into_iter()
            // Infinity is no JSON number: Grafana writes null for the first step.
            .map(|(value, colour)| json!({ "value": value.is_finite().then_some(value), "color": colour.name() }))
            .collect();
        json!({ "mode": "absolute", "steps": steps })
    }

    fn mappings(&self) -> Value {
        if self.states.is_empty() {
            return json!([]);
        }
        let words = self
            .states
            .iter()
            .enumerate()
            .map(|(index, (value, text, colour))| {
                let word = json!({ "text": text, "color": colour.name(), "index": index });
                ((*value).to_owned(), word)
            });
        json!([{ "type": "value", "options": words.collect::<Map<_, _>>() }])
    }
}

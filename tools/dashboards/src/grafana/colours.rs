//! Colours by meaning, so that a thing has the same one wherever it is drawn: status classes from green to red, quantiles
//! in blues, the pool's states. What is not listed takes the colour that Grafana derives from its name, which is the same
//! everywhere too.

use serde_json::{Value, json};

/// A colour of Grafana's palette, which has a variant of each for light and dark themes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour(&'static str);

impl Colour {
    pub(crate) const GREEN: Self = Self("green");
    pub(crate) const LIGHT_GREEN: Self = Self("light-green");
    pub(crate) const YELLOW: Self = Self("yellow");
    pub(crate) const ORANGE: Self = Self("orange");
    pub(crate) const DARK_ORANGE: Self = Self("dark-orange");
    pub(crate) const RED: Self = Self("red");
    pub(crate) const PURPLE: Self = Self("purple");
    pub(crate) const LIGHT_BLUE: Self = Self("light-blue");
    pub(crate) const BLUE: Self = Self("blue");
    pub(crate) const DARK_BLUE: Self = Self("dark-blue");

    /// Grafana's name.
    pub(crate) const fn name(self) -> &'static str {
        self.0
    }
}

/// A limit: a dashed line over what is below it, never a part of the sum.
const MOST: &str = "most";

/// Legends that say what they are wherever they stand.
const BY_NAME: &[(&str, Colour)] = &[
    ("2xx", Colour::GREEN),
    ("3xx", Colour::LIGHT_GREEN),
    ("4xx", Colour::YELLOW),
    ("499", Colour::ORANGE),
    ("5xx", Colour::RED),
    ("p50", Colour::LIGHT_BLUE),
    ("p95", Colour::BLUE),
    ("p99", Colour::DARK_BLUE),
    ("max", Colour::PURPLE),
    ("used", Colour::ORANGE),
    ("idle", Colour::GREEN),
    (MOST, Colour::RED),
    ("waiting", Colour::PURPLE),
    ("request", Colour::BLUE),
    ("database", Colour::ORANGE),
    ("pool wait", Colour::PURPLE),
    ("client", Colour::PURPLE),
    ("server", Colour::BLUE),
];

/// Values of labels, where a legend is `{{label}}`.
const BY_VALUE: &[(&str, &[(&str, Colour)])] = &[
    (
        "outcome",
        &[
            ("ok", Colour::GREEN),
            ("created", Colour::GREEN),
            ("success", Colour::GREEN),
            ("refreshed", Colour::GREEN),
            ("exported", Colour::GREEN),
            ("new", Colour::GREEN),
            ("replayed", Colour::BLUE),
            ("rejected", Colour::YELLOW),
            ("invalid_credentials", Colour::YELLOW),
            ("email_taken", Colour::YELLOW),
            ("in_progress", Colour::YELLOW),
            ("throttled", Colour::DARK_ORANGE),
            ("overloaded", Colour::PURPLE),
            ("abandoned", Colour::ORANGE),
            ("reused", Colour::DARK_ORANGE),
            ("dropped", Colour::DARK_ORANGE),
            ("failed", Colour::RED),
        ],
    ),
    // A mistake, and something that could not be done: never two reds side by side.
    ("status", &[("500", Colour::RED), ("503", Colour::ORANGE)]),
    (
        "product_type",
        &[
            ("physical", Colour::BLUE),
            ("digital", Colour::LIGHT_BLUE),
            ("service", Colour::GREEN),
            ("subscription", Colour::PURPLE),
            ("mixed", Colour::YELLOW),
        ],
    ),
    (
        "state",
        &[("used", Colour::ORANGE), ("idle", Colour::GREEN)],
    ),
    (
        "level",
        &[
            ("error", Colour::RED),
            ("warn", Colour::ORANGE),
            ("info", Colour::GREEN),
            ("debug", Colour::BLUE),
            ("trace", Colour::LIGHT_BLUE),
        ],
    ),
];

/// The overrides that give these legends their colours.
pub(super) fn overrides<'a>(legends: impl Iterator<Item = &'a str>) -> Vec<Value> {
    let mut found: Vec<(&str, Colour)> = Vec::new();
    for legend in legends {
        let label = legend
            .strip_prefix("{{")
            .and_then(|rest| rest.strip_suffix("}}"));
        let known = match label {
            Some(label) => BY_VALUE.iter().find(|(known, _)| *known == label),
            None => None,
        };
        match known {
            Some((_, values)) => found.extend(*values),
            None => found.extend(BY_NAME.iter().filter(|(name, _)| *name == legend)),
        }
    }
    let mut unique: Vec<(&str, Colour)> = Vec::new();
    for (name, colour) in found {
        if !unique.iter().any(|(known, _)| *known == name) {
            unique.push((name, colour));
        }
    }
    unique.into_iter().map(override_of).collect()
}

/// What is drawn otherwise than the rest of its graph.
fn override_of((name, colour): (&str, Colour)) -> Value {
    let mut properties =
        vec![json!({ "id": "color", "value": { "mode": "fixed", "fixedColor": colour.name() } })];
    if name == MOST {
        properties.extend([
            json!({ "id": "custom.stacking", "value": { "mode": "none", "group": "A" } }),
            json!({ "id": "custom.fillOpacity", "value": 0 }),
            json!({ "id": "custom.lineStyle", "value": { "fill": "dash", "dash": [10, 10] } }),
        ]);
    }
    json!({ "matcher": { "id": "byName", "options": name }, "properties": properties })
}

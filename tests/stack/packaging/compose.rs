//! The compose file as a value: merged, and with its variables either listed or filled in with their defaults.

use serde_json::Value;

/// `${NAME:-default}`, `${NAME-default}` or `${NAME:?message}` in a compose file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    /// What stands for it when it is not set; `None` when that is refused.
    pub(super) default: Option<String>,
}

/// The compose file of this repository.
pub(super) fn read() -> Value {
    parse(&super::text("docker-compose.yml"))
}

pub(super) fn parse(text: &str) -> Value {
    let mut value: serde_norway::Value = serde_norway::from_str(text).expect("YAML");
    // What is merged in may have something to merge in itself, which is then there to be merged in next.
    while texts_of_keys(&value).any(|key| key == "<<") {
        value.apply_merge().expect("merge keys that name mappings");
    }
    serde_json::to_value(value).expect("keys that are text")
}

/// Every key that is a text, at every depth.
fn texts_of_keys(value: &serde_norway::Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        serde_norway::Value::Mapping(map) => Box::new(
            map.iter()
                .flat_map(|(key, value)| key.as_str().into_iter().chain(texts_of_keys(value))),
        ),
        serde_norway::Value::Sequence(list) => Box::new(list.iter().flat_map(texts_of_keys)),
        _ => Box::new(std::iter::empty()),
    }
}

/// The services by name.
pub(super) fn services(compose: &Value) -> impl Iterator<Item = (&String, &Value)> {
    compose["services"].as_object().expect("services").iter()
}

/// The items of a list as text; nothing when there is no list.
pub(super) fn items(value: &Value) -> Vec<&str> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).collect()
}

/// Every text in it, keys left out.
pub(super) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(map) => map.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// The variables in a text, and the text with their defaults. `given` stands for one that has none.
pub(super) fn interpolated(text: &str, given: &str) -> (String, Vec<Variable>) {
    let (mut filled, mut variables) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled += before;
        if let Some(after) = after.strip_prefix('$') {
            filled.push('$');
            rest = after;
            continue;
        }
        let braced = after
            .strip_prefix('{')
            .and_then(|in_it| in_it.split_once('}'));
        let (inside, after) = braced.unwrap_or_else(|| panic!("a lone $ in {text:?}"));
        let end = inside.find([':', '-', '?']).unwrap_or(inside.len());
        let (name, how) = inside.split_at(end);
        let default = match how.trim_start_matches(':') {
            "" => Some(String::new()),
            how if how.starts_with('-') => Some(how[1..].to_owned()),
            _ => None,
        };
        filled += default.as_deref().unwrap_or(given);
        variables.push(Variable {
            name: name.to_owned(),
            default,
        });
        rest = after;
    }
    (filled + rest, variables)
}

/// All variables of the compose file, in the order of the file, each as often as it is there.
pub(super) fn variables(compose: &Value) -> Vec<Variable> {
    let texts = texts(compose).into_iter();
    texts.flat_map(|text| interpolated(text, "").1).collect()
}

#[test]
fn variables_are_told_from_their_defaults() {
    let text = "a ${A:-1} b ${B-} c ${C:?run it} $${D} ${E}";
    let (filled, variables) = interpolated(text, "given");
    assert_eq!(filled, "a 1 b  c given ${D} ");
    let variable = |name: &str, default: Option<&str>| Variable {
        name: name.to_owned(),
        default: default.map(str::to_owned),
    };
    let expected = [
        variable("A", Some("1")),
        variable("B", Some("")),
        variable("C", None),
        variable("E", Some("")),
    ];
    assert_eq!(variables, expected);
}

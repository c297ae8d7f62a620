//! Grafana's variables in a query: `$name`, `${name}` and `${name:format}`.

use std::collections::BTreeMap;

/// The text with its variables replaced, and the names of those that have no value.
pub(crate) fn substitute(text: &str, values: &BTreeMap<String, String>) -> (String, Vec<String>) {
    let (mut done, mut left, mut rest) = (String::new(), Vec::new(), text);
    while let Some(at) = rest.find('$') {
        done.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = name(after);
        match values.get(name) {
            _ if name.is_empty() => done.push('$'),
            Some(value) => done.push_str(value),
            None => {
                left.push(name.to_owned());
                done.push_str(&rest[at..at + 1 + length]);
            }
        }
        rest = &after[length..];
    }
    done.push_str(rest);
    (done, left)
}

/// The name that stands after a `$`, and how much of the text it takes.
fn name(after: &str) -> (&str, usize) {
    let word = |text: &str| {
        text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(text.len())
    };
    let Some(inside) = after.strip_prefix('{') else {
        return (&after[..word(after)], word(after));
    };
    let (name, rest) = inside.split_at(word(inside));
    let format = rest.strip_prefix(':').map_or(0, |format| 1 + word(format));
    if rest[format..].starts_with('}') {
        (name, 1 + name.len() + format + 1)
    } else {
        ("", 0)
    }
}

#[test]
fn variables_are_replaced_in_each_spelling() {
    let values = [("job", "a|b"), ("__range", "60s")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let (done, left) = substitute(
        r#"x{job=~"$job", y="${job:regex}"}[$__range] $ ${open $no ${no:csv}"#,
        &values.into(),
    );
    assert_eq!(
        done,
        r#"x{job=~"a|b", y="a|b"}[60s] $ ${open $no ${no:csv}"#
    );
    assert_eq!(left, ["no", "no"]);
}

//! Finds the series and the labels that a PromQL expression names. It is no parser: promtool has read the expression before and
//! found it right. The parser there is for Rust brings forty packages along.

use std::collections::BTreeSet;

/// What an expression names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Each metric with the labels that its matchers name.
    pub(super) selectors: Vec<(String, BTreeSet<String>)>,
    /// The labels after `by`, `on` and their like.
    pub(super) grouping: BTreeSet<String>,
}

/// Words before a list of labels.
const BEFORE_LABELS: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];

/// Words that stand alone.
const ALONE: [&str; 8] = [
    "and", "or", "unless", "bool", "offset", "inf", "nan", "atan2",
];

/// Everything that the expression names.
pub(super) fn named(expression: &str) -> Named {
    let tokens = tokens(expression);
    let mut found = Named::default();
    let mut at = 0;
    while at < tokens.len() {
        let word = tokens[at].as_str();
        let next = tokens.get(at + 1).map(String::as_str);
        if !is_name(word) || ALONE.contains(&word.to_lowercase().as_str()) {
            at += 1;
        } else if BEFORE_LABELS.contains(&word) {
            let (labels, end) = list(&tokens, at + 1, "(", ")");
            found.grouping.extend(labels);
            at = end;
        } else if next == Some("{") {
            let (labels, end) = list(&tokens, at + 1, "{", "}");
            found.selectors.push((word.to_owned(), labels));
            at = end;
        } else {
            // A function, or an aggregation before its list of labels, is no series.
            let is_function = next.is_some_and(|next| next == "(" || BEFORE_LABELS.contains(&next));
            if !is_function {
                found.selectors.push((word.to_owned(), BTreeSet::new()));
            }
            at += 1;
        }
    }
    found
}

/// The names between two brackets, and where the rest begins; none where there is no bracket.
fn list(tokens: &[String], from: usize, open: &str, close: &str) -> (BTreeSet<String>, usize) {
    if tokens.get(from).is_none_or(|token| token != open) {
        return (BTreeSet::new(), from);
    }
    let length = tokens[from..].iter().position(|token| token == close);
    let end = from + length.expect("promtool refuses an open bracket");
    let names = tokens[from..end].iter().filter(|token| is_name(token));
    (names.cloned().collect(), end + 1)
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == ':')
}

/// Names and single signs. Texts, windows, comments and numbers with their units are left out.
fn tokens(expression: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
            '"' | '\'' | '`' => text(rest, first),
            _ if is_name(rest) => name(rest),
            _ if first.is_ascii_digit() => number(rest),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        let is_sign = !token.starts_with(['#', '[', '"', '\'', '`']) && length == first.len_utf8();
        if is_name(token) || (is_sign && !first.is_whitespace() && !first.is_ascii_digit()) {
            found.push(token.to_owned());
        }
        rest = after;
    }
    found
}

/// The length of a text with its quotes.
fn text(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, sign) in rest.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            _ if sign == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn name(rest: &str) -> usize {
    rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .unwrap_or(rest.len())
}

/// `14.4`, `1e5`, `5m`: the unit belongs to it.
fn number(rest: &str) -> usize {
    rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
        .unwrap_or(rest.len())
}

#[test]
fn names_are_found_wherever_they_hide() {
    let labels = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let expression = r#"
        histogram_quantile(0.99, sum by (job, le) (rate(wait_seconds_bucket{pool!="a}b\"c",phase=~"x|y"}[5m])))
          / on (instance) group_left (version) (1e3 * job:errors:ratio_rate5m offset 5m) > bool 14.4  # not_me{at="all"}
          and sum(up) without (path) or count_values("value", build_info) == -inf unless vector(1)
    "#;
    let found = named(expression);
    let expected = [
        ("wait_seconds_bucket", labels(&["pool", "phase"])),
        ("job:errors:ratio_rate5m", labels(&[])),
        ("up", labels(&[])),
        ("build_info", labels(&[])),
    ];
    let expected = expected.map(|(name, labels)| (name.to_owned(), labels));
    assert_eq!(found.selectors, expected);
    assert_eq!(
        found.grouping,
        labels(&["job", "le", "instance", "version", "path"])
    );
}

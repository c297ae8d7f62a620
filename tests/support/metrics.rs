//! A scrape of `/metrics`, read as Prometheus would: tests assert on what an operator sees, never on the program's insides.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// One series at the moment of the scrape.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// Name with its suffix: `db_pool_wait_seconds_count`.
    pub(crate) name: String,
    /// Labels by name.
    pub(crate) labels: BTreeMap<String, String>,
    /// The number.
    pub(crate) value: f64,
}

/// A count that came as a float.
#[track_caller]
pub(crate) fn whole(value: f64) -> u64 {
    format!("{value}").parse().expect("a whole number")
}

/// Everything that a scrape showed.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    /// As it came.
    pub(crate) text: String,
    samples: Vec<Sample>,
}

impl Metrics {
    /// Reads the text format; panics on what is not that.
    pub(crate) fn parse(text: &str) -> Self {
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let samples = lines
            .map(|line| sample(line).unwrap_or_else(|| panic!("not a sample: {line}")))
            .collect();
        Self {
            text: text.to_owned(),
            samples,
        }
    }

    /// The series of this name that have all these labels, and maybe more.
    pub(crate) fn all<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [(&str, &str)],
    ) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| {
            sample.name == name
                && labels
                    .iter()
                    .all(|(label, value)| sample.labels.get(*label).is_some_and(|has| has == value))
        })
    }

    /// The one series that matches. A missing one is a failure, not a 0: it is invisible to `rate`.
    #[track_caller]
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let found: Vec<_> = self.all(name, labels).collect();
        assert_eq!(
            found.len(),
            1,
            "series of {name} with {labels:?}, of {:#?}",
            self.all(name, &[]).collect::<Vec<_>>()
        );
        found[0].value
    }

    /// The sum over the series that match; 0 when there are none.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.all(name, labels).map(|sample| sample.value).sum()
    }

    /// How many series there are; those of one name when it is given.
    pub(crate) fn series_count(&self, name: Option<&str>) -> usize {
        self.samples
            .iter()
            .filter(|sample| name.is_none_or(|name| sample.name == name))
            .count()
    }

    /// The families, as their `TYPE` lines name them.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
            .collect()
    }

    /// What `promtool check metrics` says; empty when it is content.
    pub(crate) fn complaints(&self) -> String {
        let mut command = Command::new("promtool");
        command
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut promtool = command
            .spawn()
            .expect("promtool is installed: `make setup`");
        promtool
            .stdin
            .take()
            .expect("a pipe")
            .write_all(self.text.as_bytes())
            .expect("promtool reads");
        let output = promtool.wait_with_output().expect("promtool ends");
        let said = [output.stdout, output.stderr].concat();
        format!(
            "{}{}",
            String::from_utf8_lossy(&said),
            if output.status.success() {
                ""
            } else {
                "(it failed)"
            }
        )
    }
}

/// `name{label="value",…} number`, without a timestamp, which the service never sends.
fn sample(line: &str) -> Option<Sample> {
    let name_ends = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(name_ends);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.trim_start_matches(',').split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.insert(label.to_owned(), value);
            rest = after;
        }
        rest = &rest[1..];
    }
    let value = match rest.trim() {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        number => number.parse().ok()?,
    };
    Some(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// A label's value up to its closing quote, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match signs.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

//! The panels that may be empty in the proof, `grafana/may-be-empty.txt`, and with them, what of all findings is a fault.

use super::{Finding, Findings, Outcome, Place};

/// The list.
#[derive(Debug, Clone)]
pub(crate) struct MayBeEmpty(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    line: String,
    dashboard: String,
    place: Place,
}

impl MayBeEmpty {
    /// The one that is committed.
    pub(crate) fn committed() -> Self {
        let path = crate::dashboards::root().join("grafana/may-be-empty.txt");
        Self::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// A line for each panel: `uid | row | title | reason`; a line that begins with `#` says something to its reader.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let entries = lines.map(|line| match line.split(" | ").collect::<Vec<_>>()[..] {
            [dashboard, row, title, reason] if reason.len() > 10 => Ok(Entry {
                line: line.to_owned(),
                dashboard: dashboard.to_owned(),
                place: Place::Panel(row.to_owned(), title.to_owned()),
            }),
            _ => Err(format!("not `uid | row | title | reason`: {line}")),
        });
        entries.collect::<Result<_, _>>().map(Self)
    }

    /// Everything that is wrong: what Prometheus refused, what nothing fills, what is empty and may not be, what was divided
    /// by nothing, and entries of this list that name no panel or one that is not empty. An annotation marks events, so none
    /// is no fault.
    pub(crate) fn faults(&self, findings: &Findings) -> Vec<String> {
        let mut faults: Vec<String> = findings
            .0
            .iter()
            .filter(|finding| self.is_fault(finding))
            .map(Finding::to_string)
            .collect();
        for entry in &self.0 {
            let mut of_it = findings
                .0
                .iter()
                .filter(|finding| entry.names(finding))
                .peekable();
            if of_it.peek().is_none() {
                faults.push(format!("may-be-empty.txt names no panel: {}", entry.line));
            } else if of_it.all(|finding| finding.outcome != Outcome::Empty) {
                faults.push(format!(
                    "may-be-empty.txt names a panel that is not empty: {}",
                    entry.line
                ));
            }
        }
        faults
    }

    fn is_fault(&self, finding: &Finding) -> bool {
        match finding.outcome {
            Outcome::Found(_) => finding.outcome.numbers().any(f64::is_infinite),
            Outcome::Refused(_) | Outcome::Leftover(_) => true,
            Outcome::Empty => {
                let event = matches!(finding.place, Place::Annotation(_));
                !event && !self.0.iter().any(|entry| entry.names(finding))
            }
        }
    }
}

impl Entry {
    fn names(&self, finding: &Finding) -> bool {
        self.dashboard == finding.dashboard && self.place == finding.place
    }
}

//! What is wrong with a configuration, all of it at once. Not fault injection: that is `fault_injection` and the
//! `faults` room. The one rule: no text in here repeats a secret.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The setting's dotted key; the unknown name as given; or `configuration file`.
    pub key: String,
    /// Where the value comes from, as in [`Effective`](super::Effective).
    pub origin: String,
    /// What is wrong with it.
    pub wrong: String,
    /// What would be right.
    pub right: String,
}

impl Fault {
    pub(super) fn new(
        key: impl Into<String>,
        origin: impl Into<String>,
        wrong: impl Into<String>,
        right: impl Into<String>,
    ) -> Self {
        Self {
            key: key.into(),
            origin: origin.into(),
            wrong: wrong.into(),
            right: right.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "  {}", self.key)?;
        writeln!(out, "    from   {}", self.origin)?;
        writeln!(out, "    wrong  {}", self.wrong)?;
        write!(out, "    right  {}", self.right)
    }
}

/// Everything that is wrong; at least one thing. `Display` is the report for people, in several lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// The faults in the order of the settings.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// `Ok` when there is no fault.
    pub(super) fn none_in(faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Self(faults))
        }
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(out, "The configuration has 1 fault:")?,
            count => write!(out, "The configuration has {count} faults:")?,
        }
        self.0
            .iter()
            .try_for_each(|fault| write!(out, "\n\n{fault}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_every_fault_with_key_origin_wrong_and_right() {
        assert_eq!(Faults::none_in(Vec::new()), Ok(()));
        let port = Fault::new(
            "server.port",
            "environment PORT",
            "`x` is not a whole number",
            "a port",
        );
        let faults = Faults::none_in(vec![
            port.clone(),
            Fault {
                key: "log.filter".into(),
                ..port
            },
        ])
        .unwrap_err();
        let expected = "\
The configuration has 2 faults:

  server.port
    from   environment PORT
    wrong  `x` is not a whole number
    right  a port

  log.filter
    from   environment PORT
    wrong  `x` is not a whole number
    right  a port";
        assert_eq!(faults.to_string(), expected);
        assert_eq!((faults.count(), (&faults).into_iter().count()), (2, 2));
    }
}

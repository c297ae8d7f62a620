//! The folder of the dashboards: what should be in it, what is in it, and making it so.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::grafana::Dashboard;

/// Where they are committed.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grafana/dashboards")
}

/// What every file should hold, by name; or all that is wrong with any dashboard.
pub(crate) fn generate(dashboards: &[Dashboard]) -> Result<BTreeMap<String, String>, Vec<String>> {
    let mut files = BTreeMap::new();
    let mut faults = Vec::new();
    for dashboard in dashboards {
        match dashboard.render() {
            Ok(rendered) => {
                let name = format!("{}.json", dashboard.uid());
                if files
                    .insert(name, format!("{:#}\n", sorted(rendered)))
                    .is_some()
                {
                    faults.push(format!("{}: two dashboards have this uid", dashboard.uid()));
                }
            }
            Err(mut found) => faults.append(&mut found),
        }
    }
    if faults.is_empty() {
        Ok(files)
    } else {
        Err(faults)
    }
}

/// With the keys of every object in the order of the alphabet, whatever order `serde_json` is compiled to keep: a
/// difference between two versions is then a difference in meaning.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        Value::Object(object) => {
            let by_key: BTreeMap<String, Value> = object.into_iter().collect();
            let entries = by_key.into_iter().map(|(key, value)| (key, sorted(value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// A file that is not as it should be.
#[derive(Debug)]
pub(crate) struct Difference {
    path: PathBuf,
    /// What it should hold; nothing when it should not be there.
    wanted: Option<String>,
    exists: bool,
}

/// What differs from what was generated: also a dashboard that nothing generates.
pub(crate) fn differences(
    folder: &Path,
    generated: &BTreeMap<String, String>,
) -> io::Result<Vec<Difference>> {
    let mut found = Vec::new();
    for (name, wanted) in generated {
        let path = folder.join(name);
        let committed = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if committed.as_ref() != Some(wanted) {
            found.push(Difference {
                path,
                wanted: Some(wanted.clone()),
                exists: committed.is_some(),
            });
        }
    }
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    for entry in entries {
        if !generated.contains_key(entry.file_name().to_string_lossy().as_ref()) {
            found.push(Difference {
                path: entry.path(),
                wanted: None,
                exists: true,
            });
        }
    }
    Ok(found)
}

impl Difference {
    /// Makes the file what it should be.
    pub(crate) fn settle(&self) -> io::Result<()> {
        match &self.wanted {
            Some(text) => {
                if let Some(folder) = self.path.parent() {
                    fs::create_dir_all(folder)?;
                }
                fs::write(&self.path, text)
            }
            None => fs::remove_file(&self.path),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let what = match (&self.wanted, self.exists) {
            (Some(_), true) => "differs from what the code makes",
            (Some(_), false) => "is missing",
            (None, _) => "is made by nothing",
        };
        write!(f, "grafana/dashboards/{name} {what}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `make docs` asks for.
    #[expect(
        clippy::disallowed_methods,
        reason = "it chooses what this test does, not what the service does"
    )]
    fn to_be_written() -> bool {
        std::env::var_os("UPDATE_DOCS").is_some()
    }

    #[test]
    fn the_dashboards_are_up_to_date() {
        let generated = generate(&crate::boards::all()).unwrap();
        if to_be_written() {
            let differences = differences(&folder(), &generated).unwrap();
            differences.iter().try_for_each(Difference::settle).unwrap();
        }
        let differences = differences(&folder(), &generated).unwrap();
        let told: Vec<_> = differences.iter().map(Difference::to_string).collect();
        assert!(told.is_empty(), "{told:#?}: run `make dashboards`");
    }

    #[test]
    fn what_is_stale_missing_or_too_much_is_told_and_settled() {
        let folder =
            std::env::temp_dir().join(format!("glasshouse-dashboards-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.json"), "old").unwrap();
        fs::write(folder.join("c.json"), "nobody's").unwrap();
        fs::write(folder.join("d.json"), "right").unwrap();
        let wanted = [("a.json", "new"), ("b.json", "new"), ("d.json", "right")];
        let generated = wanted
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into();

        let found = differences(&folder, &generated).unwrap();
        let told: Vec<_> = found.iter().map(Difference::to_string).collect();
        found.iter().try_for_each(Difference::settle).unwrap();
        let left = differences(&folder, &generated).unwrap();
        fs::remove_dir_all(&folder).unwrap();

        assert_eq!(
            told,
            [
                "grafana/dashboards/a.json differs from what the code makes",
                "grafana/dashboards/b.json is missing",
                "grafana/dashboards/c.json is made by nothing",
            ]
        );
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn keys_are_in_the_order_of_the_alphabet() {
        let object: Map<_, _> = ["b", "a"]
            .map(|key| (key.to_owned(), Value::Null))
            .into_iter()
            .collect();
        let text = sorted(Value::Array(vec![object.into()])).to_string();
        assert_eq!(text, r#"[{"a":null,"b":null}]"#);
    }
}

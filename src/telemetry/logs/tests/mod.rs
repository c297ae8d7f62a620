//! What comes out of the log, line by line, through a subscriber that is not installed.

mod control;
mod events;
mod json;

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};
use tracing::{Dispatch, dispatcher};

use super::*;

/// What was written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Log {
    dispatch: Dispatch,
    logs: Logs,
    written: Written,
}

impl Log {
    fn new(filter: &str, format: LogFormat) -> Self {
        let written = Written::default();
        let settings = LogSettings {
            filter: filter.to_owned(),
            format,
        };
        let identity = Identity {
            service: "house \"of\" glass".to_owned(),
            version: "1.2.3".to_owned(),
            revision: "abcdef".to_owned(),
            environment: "test".to_owned(),
        };
        let (dispatch, logs) = writing_to(written.clone(), &settings, &identity, false).unwrap();
        Self {
            dispatch,
            logs,
            written,
        }
    }

    fn json() -> Self {
        Self::new("trace", LogFormat::Json)
    }

    fn run(&self, log: impl FnOnce()) -> &Self {
        dispatcher::with_default(&self.dispatch, log);
        self
    }

    fn text(&self) -> String {
        assert!(self.logs.flush());
        String::from_utf8(self.written.0.lock().unwrap().clone()).unwrap()
    }

    fn lines(&self) -> Vec<Map<String, Value>> {
        self.text().lines().map(object).collect()
    }

    fn line(&self) -> Map<String, Value> {
        let mut lines = self.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0)
    }
}

/// Reads one line, and refuses a name that occurs twice.
fn object(line: &str) -> Map<String, Value> {
    struct Unique(Map<String, Value>);

    impl<'de> serde::Deserialize<'de> for Unique {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;

            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Unique;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut pairs: A,
                ) -> Result<Unique, A::Error> {
                    let mut map = Map::new();
                    while let Some((name, value)) = pairs.next_entry::<String, Value>()? {
                        assert!(map.insert(name.clone(), value).is_none(), "{name} twice");
                    }
                    Ok(Unique(map))
                }
            }

            deserializer.deserialize_map(Visitor)
        }
    }

    serde_json::from_str::<Unique>(line)
        .unwrap_or_else(|error| panic!("{error} in {line}"))
        .0
}

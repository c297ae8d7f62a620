//! One layer of configuration for figment: values and the words for where they come from.

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider, util};

use super::faults::Fault;

/// Values with one origin.
pub(super) struct Layer {
    /// Where they come from, as `config show` says it.
    pub(super) origin: String,
    /// The values, nested.
    pub(super) values: Dict,
}

/// What has been read so far, and what was wrong with it.
#[derive(Default)]
pub(super) struct Findings {
    /// Later layers win.
    pub(super) layers: Vec<Layer>,
    /// In the order of discovery.
    pub(super) faults: Vec<Fault>,
}

impl Findings {
    /// Adds a layer of one value.
    pub(super) fn set(&mut self, key: &str, value: &str, origin: String) {
        if let Value::Dict(_, values) = util::nest(key, Value::from(value)) {
            self.layers.push(Layer { origin, values });
        }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

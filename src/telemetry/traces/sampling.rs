//! Which requests are traced: decided once, before anything is known but the caller's `traceparent`.

use crate::settings::TracesSettings;
use crate::telemetry::TraceParent;

/// The rule. The caller's decision holds where there is one, so that a trace is whole or not there at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Share of the requests without a `traceparent`; `None` when traces are off.
    ratio: Option<f64>,
}

impl Sampling {
    /// As set.
    pub fn of(settings: &TracesSettings) -> Self {
        Self {
            ratio: settings.endpoint.as_ref().map(|_| settings.sample_ratio),
        }
    }

    /// Whether this request is traced.
    pub fn decide(self, parent: Option<&TraceParent>) -> bool {
        let Some(ratio) = self.ratio else {
            return false;
        };
        // The random number is below 1, so a ratio of 1 is all and 0 is none.
        parent.map_or_else(|| fastrand::f64() < ratio, TraceParent::sampled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(endpoint: Option<&str>, sample_ratio: f64) -> Sampling {
        Sampling::of(&TracesSettings {
            endpoint: endpoint.map(str::to_owned),
            sample_ratio,
            ..TracesSettings::default()
        })
    }

    fn parent(flags: &str) -> TraceParent {
        let header = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        TraceParent::parse(&header).unwrap()
    }

    #[test]
    fn the_caller_decides_where_there_is_one() {
        for ratio in [0.0, 0.5, 1.0] {
            let sampling = sampling(Some("http://localhost:4318"), ratio);
            assert!(sampling.decide(Some(&parent("01"))));
            assert!(!sampling.decide(Some(&parent("00"))));
        }
    }

    #[test]
    fn all_is_all_and_none_is_none() {
        let decide = |ratio| {
            let sampling = sampling(Some("http://localhost:4318"), ratio);
            (0..10_000).filter(|_| sampling.decide(None)).count()
        };
        assert_eq!(decide(0.0), 0);
        assert_eq!(decide(1.0), 10_000);
        // Eight standard deviations.
        assert!((760..=1_240).contains(&decide(0.1)));
    }

    #[test]
    fn nothing_is_traced_without_an_endpoint() {
        assert!(!sampling(None, 1.0).decide(None));
        assert!(!sampling(None, 1.0).decide(Some(&parent("01"))));
    }
}

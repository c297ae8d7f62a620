//! `metrics!` and `label_set!`: a declaration is written once, as a struct or an enum.

/// Declares the metrics of one area as a struct.
///
/// The doc comment of a field is the metric's HELP text; its type is a [`Family`] and fixes kind and
/// labels. Histograms name their `buckets`, the dynamic and scraped families their `labels`. What is
/// declared is found again under the field's name, as a function: whoever writes a query about a metric
/// asks for its name there, so that it cannot outlive a renaming.
///
/// ```
/// use glasshouse::telemetry::metrics::{Counter, DynamicCounter, HTTP_BUCKETS, Histogram, Registry};
///
/// glasshouse::metrics! {
///     /// What the door tells.
///     pub struct DoorMetrics {
///         /// Guests let in.
///         pub guests: Counter<()> = "door_guests_total",
///         /// Guests let in, by street and town.
///         pub origins: DynamicCounter<2> = "door_origins_total", labels = ["street", "town"],
///         /// How long a guest stood at the door.
///         pub wait: Histogram<()> = "door_wait_seconds", buckets = HTTP_BUCKETS,
///     }
/// }
///
/// let registry = Registry::new();
/// let door = DoorMetrics::register(&registry)?;
/// door.guests.inc();
/// assert!(registry.encode()?.contains("door_guests_total 1"));
/// assert_eq!(DoorMetrics::DECLARATIONS[0].help, "Guests let in.");
/// assert_eq!(DoorMetrics::wait().name, "door_wait_seconds");
/// # Ok::<(), glasshouse::telemetry::metrics::MetricsError>(())
/// ```
///
/// [`Family`]: crate::telemetry::metrics::Family
#[macro_export]
macro_rules! metrics {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $area:ident {
            $(
                $(#[doc = $help:literal])+
                $field_visibility:vis $field:ident: $family:ty = $name:literal
                    $(, labels = [$($label:literal),+ $(,)?])?
                    $(, buckets = $buckets:expr)?
            ),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone)]
        $visibility struct $area {
            $(
                $(#[doc = $help])+
                $field_visibility $field: $family,
            )+
        }

        impl $area {
            /// The metrics of this area, as declared.
            $visibility const DECLARATIONS: &'static [$crate::telemetry::metrics::Declaration] =
                &[$(Self::$field()),+];

            $(
                #[doc = concat!("What is declared of `", $name, "`.")]
                $visibility const fn $field() -> $crate::telemetry::metrics::Declaration {
                    const {
                        $crate::telemetry::metrics::Declaration {
                            name: $name,
                            kind: <$family as $crate::telemetry::metrics::Family>::KIND,
                            help: concat!($($help),+).trim_ascii(),
                            labels: $crate::metrics!(@labels $family $(, $($label),+)?),
                            buckets: $crate::metrics!(@buckets $($buckets)?),
                        }
                        .checked(<$family as $crate::telemetry::metrics::Family>::ARITY)
                    }
                }
            )+

            /// Registers every metric of this area.
            $visibility fn register(
                registry: &$crate::telemetry::metrics::Registry,
            ) -> ::std::result::Result<Self, $crate::telemetry::metrics::MetricsError> {
                Ok(Self {
                    $(
                        $field: <$family as $crate::telemetry::metrics::Family>::register(
                            registry,
                            Self::$field(),
                        )?,
                    )+
                })
            }
        }
    };
    (@labels $family:ty) => {
        <$family as $crate::telemetry::metrics::Family>::LABELS
    };
    (@labels $family:ty $(, $label:literal)+) => {
        &[$($label),+]
    };
    (@buckets) => {
        &[]
    };
    (@buckets $buckets:expr) => {
        $buckets
    };
}

/// Declares one label with its closed set of values.
///
/// ```
/// use glasshouse::telemetry::metrics::{Label, LabelSet};
///
/// glasshouse::label_set! {
///     /// How a knock at the door ended.
///     pub enum Knock("outcome") {
///         /// The door was opened.
///         Opened = "opened",
///         /// Nobody was in.
///         Unheard = "unheard",
///     }
/// }
///
/// assert_eq!(Knock::Unheard.as_str(), "unheard");
/// assert_eq!(<Knock as LabelSet>::NAMES, ["outcome"]);
/// ```
#[macro_export]
macro_rules! label_set {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $set:ident($label:literal) {
            $(
                $(#[$value_attribute:meta])*
                $variant:ident = $value:literal
            ),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $visibility enum $set {
            $(
                $(#[$value_attribute])*
                $variant,
            )+
        }

        impl $set {
            /// The value as exposed.
            $visibility const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $value,)+
                }
            }
        }

        impl $crate::telemetry::metrics::Label for $set {
            const NAME: &'static str = $label;
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn position(self) -> usize {
                self as usize
            }

            fn as_str(self) -> &'static str {
                self.as_str()
            }
        }
    };
}

//! The statuses of an order and the steps between them: the one table that says which are allowed.
//!
//! Pure; the database repeats the names in a CHECK, nothing repeats the steps. A [`Transition`] can only be had from
//! the table, so whoever holds one need not check again.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OrderStatus)]
pub enum Status {
    /// Accepted; its stock is taken.
    Placed,
    /// Paid for.
    Paid,
    /// On its way.
    Shipped,
    /// With its buyer. Nothing comes after.
    Delivered,
    /// Given up; its stock was put back. Nothing comes after.
    Cancelled,
}

impl Status {
    /// Every status, in the order of an order's life.
    pub const ALL: [Self; 5] = [
        Self::Placed,
        Self::Paid,
        Self::Shipped,
        Self::Delivered,
        Self::Cancelled,
    ];

    /// The name, as it is stored, answered and used as a label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of this name; `None` for any other text.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// The step from here to there, when it is allowed.
    pub fn to(self, to: Self) -> Result<Transition, InvalidTransition> {
        let wanted = Transition { from: self, to };
        if Transition::ALL.contains(&wanted) {
            Ok(wanted)
        } else {
            Err(InvalidTransition { from: self, to })
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An allowed step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    from: Status,
    to: Status,
}

impl Transition {
    /// The table: whatever is not here is refused.
    pub const ALL: [Self; 5] = [
        Self {
            from: Status::Placed,
            to: Status::Paid,
        },
        Self {
            from: Status::Paid,
            to: Status::Shipped,
        },
        Self {
            from: Status::Shipped,
            to: Status::Delivered,
        },
        Self {
            from: Status::Placed,
            to: Status::Cancelled,
        },
        Self {
            from: Status::Paid,
            to: Status::Cancelled,
        },
    ];

    /// Where the order stood.
    pub const fn from(self) -> Status {
        self.from
    }

    /// Where it stands now.
    pub const fn to(self) -> Status {
        self.to
    }
}

/// A step that the table does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from} cannot become {to}")]
pub struct InvalidTransition {
    /// Where the order stands.
    pub from: Status,
    /// Where it was to go.
    pub to: Status,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_all_25_pairs_five_are_allowed() {
        // Rows: from. Columns: to. Both in the order of `Status::ALL`.
        let allowed = [
            [false, true, false, false, true],
            [false, false, true, false, true],
            [false, false, false, true, false],
            [false, false, false, false, false],
            [false, false, false, false, false],
        ];
        for (from, row) in Status::ALL.into_iter().zip(allowed) {
            for (to, is_allowed) in Status::ALL.into_iter().zip(row) {
                match from.to(to) {
                    Ok(step) => assert!(
                        is_allowed && step.from() == from && step.to() == to,
                        "{from} to {to}"
                    ),
                    Err(error) => assert!(
                        !is_allowed && error == InvalidTransition { from, to },
                        "{from} to {to}"
                    ),
                }
            }
        }
    }

    #[test]
    fn a_refusal_names_both_states() {
        let refusal = Status::Shipped.to(Status::Cancelled).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "an order that is shipped cannot become cancelled"
        );
    }

    #[test]
    fn every_status_has_one_name_everywhere() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert_eq!(Status::parse("Placed"), None);
        assert_eq!(Status::parse(""), None);
    }

    proptest! {
        /// Whoever asks for whatever, in whatever order, by name as over HTTP.
        #[test]
        fn an_order_goes_forward_alone_and_gives_its_stock_back_once_and_never_when_it_is_on_its_way(
            names in prop::collection::vec(
                prop_oneof![9 => prop::sample::select(Status::ALL.map(Status::as_str).to_vec()), 1 => Just("lost")],
                0..30,
            ),
        ) {
            let (mut status, mut taken, mut path) = (Status::Placed, 1, vec!["placed"]);
            for to in names.into_iter().filter_map(Status::parse) {
                let Ok(step) = status.to(to) else {
                    continue;
                };
                prop_assert_eq!((step.from(), step.to()), (status, to));
                status = step.to();
                taken -= i32::from(status == Status::Cancelled);
                path.push(status.as_str());
            }
            prop_assert_eq!(taken, i32::from(status != Status::Cancelled));
            // The lives that the design knows; each may end early, none goes on.
            let lives = [
                "placed paid shipped delivered",
                "placed paid cancelled",
                "placed cancelled",
            ];
            let path = path.join(" ");
            prop_assert!(lives.iter().any(|life| life.starts_with(&path)), "{}", path);
        }
    }
}

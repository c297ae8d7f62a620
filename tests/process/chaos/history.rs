//! What each client of the chaos writes down of itself: what it sent, what it was told, and when. Nothing here knows what
//! would have been right: that is the checker's.

use std::time::Duration;

/// From when something was asked to when its answer was there, counted from the beginning of the chaos.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) asked: Duration,
    pub(crate) answered: Duration,
}

/// Where an order stands, and where it may go from there: a table of the test's own, beside the service's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    Placed,
    Paid,
    Shipped,
    Delivered,
    Cancelled,
}

impl Status {
    const ALL: [Self; 5] = [
        Self::Placed,
        Self::Paid,
        Self::Shipped,
        Self::Delivered,
        Self::Cancelled,
    ];

    /// Its name in the API and in the database.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether one step leads from here to there.
    pub(crate) const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Placed, Self::Paid | Self::Cancelled)
                | (Self::Paid, Self::Shipped | Self::Cancelled)
                | (Self::Shipped, Self::Delivered)
        )
    }

    /// Whether any number of steps does, none included.
    pub(crate) fn leads_to(self, later: Self) -> bool {
        let onwards = |next: &Self| self.may_become(*next) && next.leads_to(later);
        self == later || Self::ALL.iter().any(onwards)
    }
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) product: String,
    pub(crate) quantity: i64,
    pub(crate) price_cents: i64,
    pub(crate) total_cents: i64,
}

/// An order as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) lines: Vec<Line>,
    pub(crate) total_cents: i64,
}

/// What came of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply<T> {
    /// It is decided, and this is how.
    Told(T),
    /// The first request with this key still runs.
    InProgress,
    /// A status that leaves open what has been done.
    Failed(u16),
    /// It was sent, and no answer came, or not soon enough.
    Lost,
    /// Nobody was there to send it to.
    NotSent,
    /// An answer that the API does not have; the text is among the oddities.
    Unexpected,
}

impl<T> Reply<T> {
    /// How it was decided, if it was.
    pub(crate) fn told(&self) -> Option<&T> {
        match self {
            Self::Told(end) => Some(end),
            _ => None,
        }
    }

    /// Whether it may have been done or not.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Lost)
    }
}

/// A request and everything that came of it, once for each time that it was sent.
pub(crate) type Replies<T> = Vec<(Span, Reply<T>)>;

/// How the wish for an order was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// There is an order. `body` is the answer to the byte.
    Placed {
        order: Order,
        body: String,
        replayed: bool,
    },
    /// There was too little of something.
    OutOfStock,
}

/// The wish for an order, under a key.
#[derive(Debug, Clone)]
pub(crate) struct Purchase {
    pub(crate) key: String,
    /// Products and how many of each.
    pub(crate) wanted: Vec<(String, i64)>,
    pub(crate) replies: Replies<Decision>,
}

impl Purchase {
    /// How it was decided, if it was.
    pub(crate) fn decision(&self) -> Option<&Decision> {
        self.replies.iter().find_map(|(_, reply)| reply.told())
    }

    /// Whether at some time nobody could know what had been done.
    pub(crate) fn was_unknown(&self) -> bool {
        self.replies.iter().any(|(_, reply)| reply.is_unknown())
    }

    /// The order that was acknowledged, and when that was known for the first time.
    pub(crate) fn acknowledged(&self) -> Option<(Duration, &Order)> {
        self.replies
            .iter()
            .filter_map(|(span, reply)| match reply.told()? {
                Decision::Placed { order, .. } => Some((span.answered, order)),
                Decision::OutOfStock => None,
            })
            .min_by_key(|(answered, _)| *answered)
    }
}

/// What was said to the wish that an order make a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Moved {
    /// It did.
    Made,
    /// It stands where it cannot.
    Refused,
}

/// The wish that an order make a step.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) order: String,
    pub(crate) to: Status,
    pub(crate) replies: Replies<Moved>,
}

impl Step {
    /// Whether it was said to be made.
    pub(crate) fn was_made(&self) -> bool {
        let made = |(_, reply): &(Span, Reply<Moved>)| reply.told() == Some(&Moved::Made);
        self.replies.iter().any(made)
    }
}

/// Pieces that came in. Nothing makes this safe to repeat, so the product's name is changed with its stock and tells, as
/// long as nothing else is delivered to it, whether it was done.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) product: String,
    pub(crate) pieces: i64,
    pub(crate) name: String,
    pub(crate) reply: Reply<()>,
}

/// An order as somebody saw it: where it stood, or that it was not there.
#[derive(Debug, Clone)]
pub(crate) struct Sighting {
    pub(crate) order: String,
    pub(crate) status: Option<Status>,
    pub(crate) span: Span,
}

/// A list of the client's own orders.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) span: Span,
    /// The newest first.
    pub(crate) orders: Vec<String>,
    /// Whether it goes down to the oldest.
    pub(crate) whole: bool,
}

/// All that one client wrote down.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    /// What it is called here.
    pub(crate) client: String,
    /// Its account.
    pub(crate) account: String,
    pub(crate) purchases: Vec<Purchase>,
    pub(crate) steps: Vec<Step>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) sightings: Vec<Sighting>,
    pub(crate) listings: Vec<Listing>,
    /// What was asked for, and an answer to it that the API does not have.
    pub(crate) oddities: Vec<String>,
}

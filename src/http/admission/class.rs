//! What a request counts as when not all can be served. Probes count as nothing: they are never refused.

use crate::label_set;

label_set! {
    /// What a request is, from the one that is refused last to the one that is refused first.
    pub enum Class("class") {
        /// It changes nothing.
        Read = "read",
        /// It changes something.
        Write = "write",
        /// It has a password hashed, which costs a thousand times as much as anything else.
        Login = "login",
    }
}

/// Tells the class of a request from its method and its path, before it is routed. Given by the composition root, because
/// this room knows no subject's routes.
pub type Classify = fn(method: &str, path: &str) -> Class;

impl Class {
    /// How many there are.
    pub(super) const COUNT: usize = 3;

    /// In the order of importance.
    pub(super) const BY_IMPORTANCE: [Self; Self::COUNT] = [Self::Read, Self::Write, Self::Login];

    /// How far, in percent of the limit, requests of all classes may fill it before this one is refused. What is less
    /// important leaves room for what is more.
    const fn share(self) -> u32 {
        match self {
            Self::Read => 100,
            Self::Write => 85,
            Self::Login => 50,
        }
    }

    /// Below so many requests in work, of all classes, this one may come in.
    pub(super) const fn ceiling(self, limit: u32) -> u32 {
        let ceiling = limit.saturating_mul(self.share()) / 100;
        if ceiling == 0 { 1 } else { ceiling }
    }

    /// So many of its own may be in work however many others are: nobody starves for the sake of what is more important.
    pub(super) const fn own(limit: u32) -> u32 {
        limit / 8
    }
}

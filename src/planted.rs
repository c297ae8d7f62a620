//! Bugs for the chaos of `tests/process/chaos` to find, each a mistake that somebody could make: they prove that its checker
//! sees what it is there to see. `make chaos-bugs` builds with them.
//!
//! Only the feature `planted-bugs` compiles this file and the few lines that ask it, and without debug assertions it refuses
//! to be compiled: no release can have it. `PLANTED_BUG` names the bug that is in force; without it there is none.

use std::sync::LazyLock;
use std::time::Duration;

#[cfg(not(debug_assertions))]
compile_error!("`planted-bugs` is for tests and belongs in no release");

/// A bug. Those above the line need something else to go wrong, or to happen at the same moment, to show themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The answer goes out before the commit, which may then never come.
    AnsweredBeforeCommit,
    /// That the commit failed is not told: PostgreSQL alone can fail there.
    CommitUnheeded,
    /// Nobody began a transaction: each statement commits by itself.
    NoTransaction,
    /// Stock is taken in a transaction of its own, before that of the order.
    StockApart,
    /// The key is remembered in a transaction of its own, after that of the order.
    KeyApart,
    /// The event is written in a transaction of its own, after that of the step.
    EventApart,

    // The line: what follows is wrong on the best of days.
    /// Keys are remembered for seconds instead of hours.
    ShortMemory,
    /// An order that was paid gives its pieces back twice.
    PutBackTwice,
    /// Four pieces are charged like three, in the total alone.
    WrongTotal,
    /// That an order was shipped is told to everybody but its own row.
    StatusForgotten,
    /// Who reads an order gets it as this process saw it first.
    StaleRead,
}

impl Bug {
    const NAMED: [(&'static str, Self); 11] = [
        ("answered-before-commit", Self::AnsweredBeforeCommit),
        ("commit-unheeded", Self::CommitUnheeded),
        ("no-transaction", Self::NoTransaction),
        ("stock-apart", Self::StockApart),
        ("key-apart", Self::KeyApart),
        ("event-apart", Self::EventApart),
        ("short-memory", Self::ShortMemory),
        ("put-back-twice", Self::PutBackTwice),
        ("wrong-total", Self::WrongTotal),
        ("status-forgotten", Self::StatusForgotten),
        ("stale-read", Self::StaleRead),
    ];

    /// Whether it is in force.
    pub fn is_planted(self) -> bool {
        *PLANTED == Some(self)
    }
}

static PLANTED: LazyLock<Option<Bug>> = LazyLock::new(|| {
    #[expect(
        clippy::disallowed_methods,
        reason = "no setting: whoever runs the service has nothing to set here"
    )]
    let name = std::env::var("PLANTED_BUG").ok()?;
    let named = Bug::NAMED.iter().find(|(its, _)| *its == name);
    named.map(|(_, bug)| *bug)
});

/// Makes the moment longer in which something may come in between, as a slow disk would.
pub fn linger() {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is to be slow, and is called on blocking threads"
    )]
    std::thread::sleep(Duration::from_millis(25));
}

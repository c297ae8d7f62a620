//! Who is in work, by class, and whether another one may be. In one word, so that a request in ordinary times costs two
//! atomic operations and no lock.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::class::Class;

/// Bits for the count of one class: two million, where `server.max_in_flight` ends at one.
const BITS: u32 = 21;
const MASK: u64 = (1 << BITS) - 1;

/// How many of each class are in work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts(u64);

impl Counts {
    const fn shift(class: Class) -> u32 {
        class as u32 * BITS
    }

    pub(super) const fn of(self, class: Class) -> u32 {
        (self.0 >> Self::shift(class) & MASK) as u32
    }

    pub(super) const fn all(self) -> u32 {
        self.of(Class::Read) + self.of(Class::Write) + self.of(Class::Login)
    }

    const fn and_one(self, class: Class) -> Self {
        Self(self.0 + (1 << Self::shift(class)))
    }
}

/// What may be in work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Of all classes; each fills it up to its share.
    pub(super) all: u32,
    /// Of requests that write.
    pub(super) writes: u32,
    /// The setting, which is never passed.
    pub(super) most: u32,
}

/// Which limit keeps a request out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    All,
    Writes,
}

impl Limits {
    /// Whether one more of this class may come in, and if not, what keeps it out.
    pub(super) const fn admit(self, counts: Counts, class: Class) -> Result<(), Full> {
        let all = counts.all();
        if all >= self.most {
            return Err(Full::All);
        }
        if matches!(class, Class::Write) && counts.of(class) >= self.writes {
            return Err(Full::Writes);
        }
        if all < class.ceiling(self.all) || counts.of(class) < Class::own(self.all) {
            return Ok(());
        }
        Err(Full::All)
    }

    /// The most of one class that can be in work when no other is.
    pub(super) fn of(self, class: Class) -> u32 {
        let ceiling = class.ceiling(self.all).min(self.most);
        match class {
            Class::Write => ceiling.min(self.writes),
            Class::Read | Class::Login => ceiling,
        }
    }
}

/// The slots.
#[derive(Debug)]
pub(super) struct Slots {
    counts: AtomicU64,
    all: AtomicU32,
    writes: AtomicU32,
    most: u32,
    peak: AtomicU32,
    peak_of_writes: AtomicU32,
    kept_out: AtomicBool,
    kept_out_writes: AtomicBool,
}

/// What happened since the last time that it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) peak: u32,
    pub(super) kept_out: bool,
}

impl Slots {
    pub(super) fn new(most: u32) -> Self {
        Self {
            counts: AtomicU64::new(0),
            all: AtomicU32::new(most),
            writes: AtomicU32::new(most),
            most,
            peak: AtomicU32::new(0),
            peak_of_writes: AtomicU32::new(0),
            kept_out: AtomicBool::new(false),
            kept_out_writes: AtomicBool::new(false),
        }
    }

    /// Takes a slot, if there is one for this class.
    pub(super) fn take(&self, class: Class) -> bool {
        let limits = self.limits();
        // The order is that of all atomics, here and where it is given back: who joins the queue after this has failed is
        // either seen by whoever gives back, or sees what was given back.
        let taken = self
            .counts
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |counts| {
                let counts = Counts(counts);
                limits.admit(counts, class).ok()?;
                Some(counts.and_one(class).0)
            });
        match taken {
            Ok(before) => {
                self.note_one_more(Counts(before), class);
                true
            }
            Err(counts) => {
                self.note_kept_out(limits.admit(Counts(counts), class));
                false
            }
        }
    }

    /// Whether there is a slot for this class; if not, that counts as one that was kept out.
    pub(super) fn has_room(&self, class: Class) -> bool {
        let outcome = self.limits().admit(self.counts(), class);
        self.note_kept_out(outcome);
        outcome.is_ok()
    }

    /// Whether there is a slot for whoever may come.
    pub(super) fn has_room_for_any(&self) -> bool {
        let (limits, counts) = (self.limits(), self.counts());
        let mut classes = Class::BY_IMPORTANCE.into_iter();
        classes.all(|class| limits.admit(counts, class).is_ok())
    }

    fn note_kept_out(&self, outcome: Result<(), Full>) {
        match outcome {
            Ok(()) => {}
            Err(Full::Writes) => self.kept_out_writes.store(true, Ordering::Relaxed),
            Err(Full::All) => self.kept_out.store(true, Ordering::Relaxed),
        }
    }

    /// Takes a slot, whatever the limit.
    pub(super) fn take_anyway(&self, class: Class) {
        let before = self
            .counts
            .fetch_add(1 << Counts::shift(class), Ordering::SeqCst);
        self.note_one_more(Counts(before), class);
    }

    fn note_one_more(&self, before: Counts, class: Class) {
        let counts = before.and_one(class);
        note(&self.peak, counts.all());
        if class == Class::Write {
            note(&self.peak_of_writes, counts.of(class));
        }
    }

    /// Gives a slot back.
    pub(super) fn give_back(&self, class: Class) {
        self.counts
            .fetch_sub(1 << Counts::shift(class), Ordering::SeqCst);
    }

    pub(super) fn counts(&self) -> Counts {
        Counts(self.counts.load(Ordering::Relaxed))
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            all: self.all.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            most: self.most,
        }
    }

    pub(super) fn set_limits(&self, all: u32, writes: u32) {
        self.all.store(all, Ordering::Relaxed);
        self.writes.store(writes, Ordering::Relaxed);
    }

    /// What happened to all classes together since the last call.
    pub(super) fn seen(&self) -> Seen {
        Seen {
            peak: self.peak.swap(self.counts().all(), Ordering::Relaxed),
            kept_out: self.kept_out.swap(false, Ordering::Relaxed),
        }
    }

    /// What happened to writes since the last call.
    pub(super) fn seen_of_writes(&self) -> Seen {
        let now = self.counts().of(Class::Write);
        Seen {
            peak: self.peak_of_writes.swap(now, Ordering::Relaxed),
            kept_out: self.kept_out_writes.swap(false, Ordering::Relaxed),
        }
    }
}

/// Writes only what is news: it is read by every request.
fn note(peak: &AtomicU32, count: u32) {
    if count > peak.load(Ordering::Relaxed) {
        peak.fetch_max(count, Ordering::Relaxed);
    }
}

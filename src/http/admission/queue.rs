//! Who waits for a slot, and who gets the next one. Short and impatient: waiting smooths a burst, and helps nobody when
//! there is simply too much.
//!
//! The important first; among equals the one who came first. In overload (the queue has stood for a while, or there is one
//! behind the gate) the one who came last, whose client is the least likely to have given up; and patience is cut to
//! next to nothing, so that a refusal comes soon.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::class::Class;

/// How long one waits who finds the queue in order. Longer than most bursts, shorter than any client's patience.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);
/// How long one waits in overload: until the next slot comes free, which is soon where many are in work.
pub(super) const PATIENCE_IN_OVERLOAD: Duration = Duration::from_millis(3);
/// Places for each class in overload. Slots come free all the time then, and each is taken by who happens to come; whoever
/// waits costs a timer, and is refused all the same, only later.
const PLACES_IN_OVERLOAD: usize = 1;
/// For how long after it has stood it is still overload: the queue is empty for a moment whenever several slots come free.
pub(super) const AFTERMATH: Duration = Duration::from_secs(1);

/// What waits; `W` is how it is told.
#[derive(Debug)]
pub(super) struct Queue<W> {
    waiting: [BTreeMap<u64, W>; Class::COUNT],
    next: u64,
    /// Since when it has not been empty.
    since: Option<Instant>,
    /// When it was last seen to stand.
    stood: Option<Instant>,
    /// Since when one after the other is refused for overload, and the last one.
    refusing: Option<(Instant, Instant)>,
    /// Classes that have a queue behind the gate as well.
    strained: [bool; Class::COUNT],
}

/// What became of one who wanted to join.
#[derive(Debug)]
pub(super) enum Joined<W> {
    /// Joined, under this number, for so long at most.
    Waits(u64, Duration),
    /// The same, in the place of somebody less important.
    Displaces(u64, Duration, W),
    /// No room.
    Full,
}

impl<W> Queue<W> {
    pub(super) fn new() -> Self {
        Self {
            waiting: Default::default(),
            next: 0,
            since: None,
            stood: None,
            refusing: None,
            strained: [false; Class::COUNT],
        }
    }

    /// Says which classes have a queue behind the gate as well.
    pub(super) fn set_strained(&mut self, strained: [bool; Class::COUNT]) {
        self.strained = strained;
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.iter().map(BTreeMap::len).sum()
    }

    /// How many of this class wait.
    pub(super) fn len_of(&self, class: Class) -> usize {
        self.waiting[class as usize].len()
    }

    /// Whether it is overload, and next to nobody of this class may wait any more; who comes now is refused.
    pub(super) fn is_closed(&mut self, class: Class, now: Instant) -> bool {
        let is_closed = self.is_overload(class, now) && self.len_of(class) >= PLACES_IN_OVERLOAD;
        // A class that is strained by what is behind the gate is no reason for the others.
        if is_closed && !self.strained[class as usize] {
            self.note_refusal(now);
        }
        is_closed
    }

    /// Lets one join a queue with room for so many.
    pub(super) fn join(&mut self, class: Class, waiter: W, room: usize, now: Instant) -> Joined<W> {
        if self.is_closed(class, now) {
            return Joined::Full;
        }
        let patience = if self.is_overload(class, now) {
            PATIENCE_IN_OVERLOAD
        } else {
            PATIENCE
        };
        let displaced = if self.len() < room {
            None
        } else {
            match self.least_important_below(class) {
                Some(displaced) => Some(displaced),
                None => return Joined::Full,
            }
        };
        self.since.get_or_insert(now);
        let number = self.next;
        self.next += 1;
        self.waiting[class as usize].insert(number, waiter);
        match displaced {
            Some(displaced) => Joined::Displaces(number, patience, displaced),
            None => Joined::Waits(number, patience),
        }
    }

    /// Takes out the one who has waited longest of the least important class, if that is below this one.
    fn least_important_below(&mut self, class: Class) -> Option<W> {
        let below = Class::BY_IMPORTANCE
            .into_iter()
            .skip(class as usize + 1)
            .rev();
        for class in below {
            if let Some((_, waiter)) = self.waiting[class as usize].pop_first() {
                return Some(waiter);
            }
        }
        None
    }

    /// Takes out the one whose turn it is in this class.
    pub(super) fn next_of(&mut self, class: Class, now: Instant) -> Option<W> {
        let newest_first = self.is_overload(class, now);
        let waiting = &mut self.waiting[class as usize];
        let next = if newest_first {
            waiting.pop_last()
        } else {
            waiting.pop_first()
        };
        self.note_if_empty();
        next.map(|(_, waiter)| waiter)
    }

    /// Takes one out that does not wait any more.
    pub(super) fn leave(&mut self, class: Class, number: u64) {
        self.waiting[class as usize].remove(&number);
        self.note_if_empty();
    }

    fn note_if_empty(&mut self) {
        if self.len() == 0 {
            self.since = None;
        }
    }

    /// Somebody was refused for overload. Where that goes on it is not over, though so short a queue is empty all the time.
    fn note_refusal(&mut self, now: Instant) {
        let since = match self.refusing {
            Some((since, last)) if now.saturating_duration_since(last) <= PATIENCE => since,
            _ => now,
        };
        self.refusing = Some((since, now));
        if now.saturating_duration_since(since) > PATIENCE {
            self.stood = Some(now);
        }
    }

    /// Whether waiting helps this class: not where there is a queue behind the gate, nor where this one has not been empty
    /// for as long as anybody waits in it, nor soon after that.
    fn is_overload(&mut self, class: Class, now: Instant) -> bool {
        let longer_than = |since: Option<Instant>, time| {
            since.is_some_and(|since| now.saturating_duration_since(since) > time)
        };
        if longer_than(self.since, PATIENCE) {
            self.stood = Some(now);
        }
        let lately = self.stood.is_some() && !longer_than(self.stood, AFTERMATH);
        lately || self.strained[class as usize]
    }
}

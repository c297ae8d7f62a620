//! The gate: takes a request on, has it wait for a moment, or refuses it.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::database::Pressure;
use crate::settings::Settings;
use crate::telemetry::metrics::{ScrapedGauge, to_value};

use super::class::Class;
use super::metrics::{AdmissionMetrics, Reason};
use super::queue::{Joined, Queue};
use super::slots::Slots;

/// Between which numbers the gate moves, and how long a wait for a connection may be.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Bounds {
    /// `server.min_in_flight`.
    pub(in crate::http) least: u32,
    /// `server.max_in_flight`.
    pub(in crate::http) most: u32,
    /// `database.wait_timeout`.
    pub(in crate::http) longest_wait: Duration,
}

impl Bounds {
    pub(in crate::http) fn of(settings: &Settings) -> Self {
        // A million at most.
        let count = |setting: usize| u32::try_from(setting).unwrap_or(u32::MAX);
        Self {
            least: count(settings.server.min_in_flight),
            most: count(settings.server.max_in_flight),
            longest_wait: settings.database.wait_timeout,
        }
    }
}

/// Clones share it.
#[derive(Debug, Clone)]
pub(in crate::http) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    slots: Slots,
    queue: Mutex<Queue<oneshot::Sender<Permit>>>,
    /// As many as are in the queue: to see that there are none without its lock.
    queued: AtomicUsize,
    pressure: Pressure,
    bounds: Bounds,
    metrics: AdmissionMetrics,
}

impl Gate {
    pub(in crate::http) fn new(
        bounds: Bounds,
        pressure: Pressure,
        metrics: &AdmissionMetrics,
    ) -> Self {
        let gate = Self(Arc::new(Inner {
            slots: Slots::new(bounds.most),
            queue: Mutex::new(Queue::new()),
            queued: AtomicUsize::new(0),
            pressure,
            bounds,
            metrics: metrics.clone(),
        }));
        gate.shown_as(&metrics.limit, |inner, class| {
            inner.slots.limits().of(class)
        });
        gate.shown_as(&metrics.in_use, |inner, class| {
            inner.slots.counts().of(class)
        });
        gate.shown_as(&metrics.queued, |inner, class| {
            u32::try_from(inner.queue().len_of(class)).unwrap_or(u32::MAX)
        });
        gate
    }

    fn shown_as(&self, gauge: &ScrapedGauge<1>, read: fn(&Inner, Class) -> u32) {
        let inner = Arc::downgrade(&self.0);
        gauge.read_by(move || {
            let Some(inner) = inner.upgrade() else {
                return Vec::new();
            };
            Class::BY_IMPORTANCE
                .map(|class| {
                    let value = to_value(u64::from(read(&inner, class)));
                    ([Cow::Borrowed(class.as_str())], value)
                })
                .into()
        });
    }

    pub(super) fn slots(&self) -> &Slots {
        &self.0.slots
    }

    pub(super) fn pressure(&self) -> &Pressure {
        &self.0.pressure
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.0.bounds
    }

    /// Takes a request on for as long as the permit is kept, or says why not; counts it then.
    pub(in crate::http) async fn admit(&self, class: Class) -> Result<Permit, Reason> {
        // To be refused now is better than to be refused after the wait.
        if self.expected_wait(class) > self.0.bounds.longest_wait {
            return Err(self.refused(class, Reason::Pool));
        }
        self.admit_without_database(class).await
    }

    /// The same for one that needs no connection, however many wait for one.
    pub(in crate::http) async fn admit_without_database(
        &self,
        class: Class,
    ) -> Result<Permit, Reason> {
        if self.0.slots.take(class) {
            return Ok(Permit::of(&self.0, class));
        }
        let outcome = self.wait(class).await;
        outcome.map_err(|reason| self.refused(class, reason))
    }

    /// Whether every class may come in, and finds a connection in time.
    pub(in crate::http) fn is_open(&self) -> bool {
        self.0.slots.has_room_for_any()
            && self.expected_wait(Class::Write) <= self.0.bounds.longest_wait
    }

    /// Refuses one that [`Self::admit`] would refuse at once; none where it may be taken on, or may wait.
    pub(in crate::http) fn refuse_at_once(&self, class: Class) -> Option<Reason> {
        if self.expected_wait(class) > self.0.bounds.longest_wait {
            return Some(self.refused(class, Reason::Pool));
        }
        if self.0.slots.has_room(class) {
            return None;
        }
        let is_closed = self.0.queue().is_closed(class, Instant::now().into());
        is_closed.then(|| self.refused(class, Reason::Full))
    }

    fn refused(&self, class: Class, reason: Reason) -> Reason {
        self.0.metrics.refused.with((class, reason)).inc();
        reason
    }

    /// How long it would wait for a connection: a write reads first.
    fn expected_wait(&self, class: Class) -> Duration {
        let pressure = &self.0.pressure;
        let reading = pressure.expected_wait_of_reads();
        match class {
            Class::Read => reading,
            Class::Write | Class::Login => reading.max(pressure.expected_wait_of_writes()),
        }
    }

    async fn wait(&self, class: Class) -> Result<Permit, Reason> {
        let started = Instant::now();
        let (tell, told) = oneshot::channel();
        let (place, patience) = {
            let mut queue = self.0.queue();
            let limits = self.0.slots.limits();
            // No class fills the queue further than it could fill the slots.
            if queue.len_of(class) >= limits.of(class) as usize {
                return Err(Reason::Full);
            }
            let room = limits.all as usize;
            let (number, patience, displaced) = match queue.join(class, tell, room, started.into())
            {
                Joined::Waits(number, patience) => (number, patience, None),
                Joined::Displaces(number, patience, who) => (number, patience, Some(who)),
                Joined::Full => return Err(Reason::Full),
            };
            self.0.note_length(&queue);
            drop(queue);
            // Told by this that it waits in vain.
            drop(displaced);
            let place = Place {
                inner: &self.0,
                class,
                number,
            };
            (place, patience)
        };
        // What was given back between the look at the slots and now was given to nobody.
        self.0.hand_on();
        let outcome = timeout(patience, told).await;
        drop(place);
        self.0.metrics.wait.with(class).observe(started.elapsed());
        match outcome {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_displaced)) => Err(Reason::Displaced),
            Err(_elapsed) => Err(Reason::Late),
        }
    }

    /// Sets the limits, says which classes have a queue behind the gate, and lets in whoever may come in by that.
    pub(super) fn set_limits(&self, all: u32, writes: u32, strained: [bool; Class::COUNT]) {
        self.0.slots.set_limits(all, writes);
        self.0.queue().set_strained(strained);
        self.0.hand_on();
    }
}

impl Inner {
    fn queue(&self) -> MutexGuard<'_, Queue<oneshot::Sender<Permit>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_length<W>(&self, queue: &Queue<W>) {
        self.queued.store(queue.len(), Ordering::SeqCst);
    }

    /// Gives free slots to those who wait.
    fn hand_on(self: &Arc<Self>) {
        while self.queued.load(Ordering::SeqCst) > 0 {
            let Some((class, waiter)) = self.next_in_turn() else {
                return;
            };
            // Outside of the lock: who is gone by now has its slot given back here.
            if let Err(permit) = waiter.send(Permit::of(self, class)) {
                permit.void();
            }
        }
    }

    /// Who gets a slot now; the slot is taken.
    fn next_in_turn(&self) -> Option<(Class, oneshot::Sender<Permit>)> {
        let mut queue = self.queue();
        let class = Class::BY_IMPORTANCE
            .into_iter()
            .find(|&class| queue.len_of(class) > 0 && self.slots.take(class))?;
        let waiter = queue.next_of(class, Instant::now().into());
        self.note_length(&queue);
        drop(queue);
        if waiter.is_none() {
            self.slots.give_back(class);
        }
        waiter.map(|waiter| (class, waiter))
    }
}

/// A place in the queue. Dropping it leaves the queue, also when the client has gone away.
struct Place<'a> {
    inner: &'a Inner,
    class: Class,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queue = self.inner.queue();
        queue.leave(self.class, self.number);
        self.inner.note_length(&queue);
    }
}

/// A request that was taken on. Dropping it gives its slot to the next.
#[derive(Debug)]
pub(in crate::http) struct Permit {
    inner: Option<Arc<Inner>>,
    class: Class,
    /// Its slot is lent to others.
    is_lent: Cell<bool>,
}

impl Permit {
    /// For a slot that is taken already.
    fn of(inner: &Arc<Inner>, class: Class) -> Self {
        Self {
            inner: Some(Arc::clone(inner)),
            class,
            is_lent: Cell::new(false),
        }
    }

    /// Lends the slot to others while the request waits for its client, who may take his time.
    pub(in crate::http) fn lend(&self) {
        if let Some(inner) = &self.inner
            && !self.is_lent.replace(true)
        {
            inner.slots.give_back(self.class);
            inner.hand_on();
        }
    }

    /// Takes it back, also where that makes one too many: what was taken on is finished.
    pub(in crate::http) fn take_back(&self) {
        if let Some(inner) = &self.inner
            && self.is_lent.replace(false)
        {
            inner.slots.take_anyway(self.class);
        }
    }

    /// Gives the slot back and leaves it to the caller to hand it on.
    fn void(mut self) {
        if let Some(inner) = self.inner.take() {
            inner.slots.give_back(self.class);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take()
            && !self.is_lent.get()
        {
            inner.slots.give_back(self.class);
            inner.hand_on();
        }
    }
}

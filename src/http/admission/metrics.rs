//! What is told of admission: the limits, who is in, who waits, who is refused.

use crate::telemetry::metrics::{Counter, Histogram, POOL_WAIT_BUCKETS, ScrapedGauge};
use crate::{label_set, metrics};

use super::class::Class;

label_set! {
    /// Why a request was not taken on.
    pub enum Reason("reason") {
        /// The limit was reached, and the queue was full.
        Full = "full",
        /// It waited in the queue, and its turn did not come in time.
        Late = "late",
        /// It waited in the queue, and had to make room for something more important.
        Displaced = "displaced",
        /// It would have to wait for a connection to the database for more than database.wait_timeout.
        Pool = "pool",
    }
}

metrics! {
    /// What the gate in front of all work tells. Probes never come to it.
    pub struct AdmissionMetrics {
        /// Requests of each class that may be in work at once if no other class is. It is lowered while a queue stands and
        /// raised when it is in use and none does.
        pub limit: ScrapedGauge<1> = "http_admission_limit", labels = ["class"],
        /// Requests in work now, by class. One whose body is being waited for is not.
        pub in_use: ScrapedGauge<1> = "http_admission_in_use", labels = ["class"],
        /// Requests waiting to be taken on now, by class.
        pub queued: ScrapedGauge<1> = "http_admission_queued", labels = ["class"],
        /// Time in that queue of those that had to join it and stayed, whether they were taken on or not.
        pub wait: Histogram<Class> = "http_admission_wait_seconds", buckets = POOL_WAIT_BUCKETS,
        /// Requests not taken on, with nothing done for them; each is in http_requests_rejected_total too.
        pub refused: Counter<(Class, Reason)> = "http_admission_refused_total",
    }
}

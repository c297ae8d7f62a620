// What the client measures beside k6's own metrics. In Prometheus each has `k6_` in front; labels are closed sets.

import { Counter, Rate, Trend } from 'k6/metrics';

// The load alone, without preparing, reading back and settling accounts, by phase of the scenario: time of the answers
// other than 5xx, and the share of requests that got a 5xx or none at all. What the objectives are about.
export const loadDuration = new Trend('load_duration', true);
export const loadFailed = new Rate('load_failed');

// Arrivals, by phase: how many there were is told apart from how many requests they made.
export const arrivals = new Counter('arrivals');

// How much later than planned an iteration began. High when the generator is short of CPU: then its latencies are not
// to be believed.
export const arrivalLag = new Trend('arrival_lag', true);

// Visits that ended because the script threw: a defect of the load test, which has measured less than it says.
export const scriptErrors = new Counter('script_errors');

// Orders that got their 201, answers that were replayed, orders that were refused for want of stock, and orders whose
// fate was unknown at first: 5xx, or no answer.
export const ordersAcknowledged = new Counter('orders_acknowledged');
export const ordersReplayed = new Counter('orders_replayed');
export const ordersRefused = new Counter('orders_refused');
export const ordersUnknown = new Counter('orders_unknown');

// Orders of this run that the service has in the end, and their pieces.
export const ordersFound = new Counter('orders_found');
export const piecesFound = new Counter('pieces_found');

// How often an invariant was looked at, and how often it did not hold, by `invariant`.
export const invariantChecked = new Counter('invariant_checked');
export const invariantViolated = new Counter('invariant_violated');

// What a soak watches, from the server's own metrics, by `part` of the run: early or late.
export const watched = {
  memory: new Trend('watched_resident_mib'),
  files: new Trend('watched_open_fds'),
  threads: new Trend('watched_threads'),
};

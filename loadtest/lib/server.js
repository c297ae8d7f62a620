// The service's own view: what its /metrics say, summed over all instances, in a form that two moments can be compared in.

import http from 'k6/http';
import { sleep } from 'k6';

import { ADMIN } from './environment.js';
import { parse } from './prometheus.js';

// Requests to the admin listener are no load: under this label they are left out of every count.
export const ADMIN_LABEL = 'admin';

// Counters that are summed over all their labels but the one named, or over all.
const COUNTERS = {
  db_pool_timeouts_total: 'phase',
  db_errors_total: 'kind',
  http_handler_panics_total: null,
  http_requests_rejected_total: 'reason',
  idempotent_requests_total: 'outcome',
  log_lines_dropped_total: null,
  orders_created_total: null,
  orders_rejected_total: 'reason',
  process_cpu_seconds_total: null,
  trace_spans_total: 'outcome',
};
const GAUGES = [
  'db_pool_connections_max',
  'http_requests_in_flight',
  'process_open_fds',
  'process_resident_memory_bytes',
  'process_threads',
];
const HISTOGRAMS = {
  http_requests_duration_seconds_bucket: ({ method, path }) => `${method} ${path}`,
  db_pool_wait_seconds_bucket: ({ pool }) => `pool ${pool}`,
  runtime_lag_seconds_bucket: ({ runtime }) => `runtime ${runtime}`,
};
const WANTED = new Set([
  ...Object.keys(COUNTERS),
  ...GAUGES,
  ...Object.keys(HISTOGRAMS),
  'http_requests_total',
  'process_start_time_seconds',
  'build_info',
]);

// Everything that is wanted from all instances, or what is wrong with the first that gives nothing.
export function scrape() {
  const seen = { instances: [], requests: {}, counters: {}, gauges: {}, histograms: {} };
  for (const address of ADMIN) {
    const response = http.get(`${address}/metrics`, { tags: { name: ADMIN_LABEL }, responseType: 'text', timeout: 5000 });
    if (response.status !== 200) {
      return { fault: `${address}/metrics: ${response.status === 0 ? response.error : `status ${response.status}`}` };
    }
    read(response.body, seen);
  }
  return { seen };
}

// Fills in what one instance says. Apart from `scrape` so that it can be tested without one.
export function read(text, seen) {
  const instance = { start: null, build: {} };
  parse(text, WANTED, (name, labels, value) => {
    if (name === 'process_start_time_seconds') instance.start = value;
    else if (name === 'build_info') instance.build = labels;
    else if (name === 'http_requests_total') add(seen.requests, `${labels.method} ${labels.path} ${labels.status}`, value);
    else if (name in HISTOGRAMS) {
      // With its zeros: the bounds are needed.
      const key = HISTOGRAMS[name](labels);
      const buckets = seen.histograms[key] || (seen.histograms[key] = {});
      buckets[labels.le] = (buckets[labels.le] || 0) + value;
    } else if (GAUGES.includes(name)) add(seen.gauges, name, value);
    else add(seen.counters, COUNTERS[name] ? `${name} ${labels[COUNTERS[name]]}` : name, value);
  });
  seen.instances.push(instance);
}

function add(sums, key, value) {
  // What is 0 is left out: it says nothing, and each virtual user has a copy of the first look.
  if (value !== 0) sums[key] = (sums[key] || 0) + value;
}

// Waits until nothing is being answered any more, so that what was asked for is also counted.
export function scrapeAtRest() {
  let last = scrape();
  for (let look = 0; look < 50 && last.seen && (last.seen.gauges.http_requests_in_flight || 0) > 0; look += 1) {
    sleep(0.1);
    last = scrape();
  }
  return last;
}

// What happened between two looks.
export function difference(before, after) {
  const minus = (one, other) => {
    const left = {};
    for (const [key, value] of Object.entries(one)) {
      const rest = value - (other[key] || 0);
      if (rest !== 0) left[key] = rest;
    }
    return left;
  };
  const histograms = {};
  for (const [key, buckets] of Object.entries(after.histograms)) {
    const old = before.histograms[key] || {};
    histograms[key] = Object.fromEntries(Object.entries(buckets).map(([le, count]) => [le, count - (old[le] || 0)]));
  }
  const starts = ({ instances }) => instances.map(({ start }) => start).join();
  return {
    restarted: starts(before) !== starts(after),
    instances: after.instances,
    requests: minus(after.requests, before.requests),
    counters: minus(after.counters, before.counters),
    histograms,
    gauges: { before: before.gauges, after: after.gauges },
  };
}

// The sum over all values of the label that a counter is kept by.
export function total(counters, name) {
  return Object.entries(counters)
    .filter(([key]) => key === name || key.startsWith(`${name} `))
    .reduce((sum, [, value]) => sum + value, 0);
}

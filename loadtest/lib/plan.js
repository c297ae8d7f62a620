// Makes k6's options for a scenario: who arrives when, what is measured apart, and what makes the run fail.

import exec from 'k6/execution';

import { ERRORS, GRACE, LATE, P99, text } from './environment.js';
import { thresholdsOf } from './invariants.js';
import { arrivalLag } from './metrics.js';
import { SHOP } from './routes.js';
import { ADMIN_LABEL } from './server.js';

// In whole milliseconds, as k6 takes a duration.
const time = (seconds) => `${Math.round(seconds * 1000)}ms`;

// Enough virtual users that an arrival finds a free one even while every answer takes half a second. All are there from
// the start: one that is made under load costs CPU just then, and would not be there to read its orders back.
export const usersFor = (rate) => Math.min(1000, Math.max(20, Math.ceil(rate / 2)));

// Arrivals that do not wait for the answers of others: with a fixed number of users in a loop a slow service is asked
// less, and looks fast. docs/load-testing.md says more.
export function constant(rate, seconds, users) {
  return {
    executor: 'constant-arrival-rate', exec: 'load', rate, timeUnit: '1s', duration: time(seconds),
    preAllocatedVUs: users, maxVUs: users, gracefulStop: time(GRACE),
  };
}

// `stages`: pairs of a rate and the seconds in which it is reached.
export function ramping(startRate, stages, users) {
  return {
    executor: 'ramping-arrival-rate', exec: 'load', startRate, timeUnit: '1s',
    stages: stages.map(([target, seconds]) => ({ target, duration: time(seconds) })),
    preAllocatedVUs: users, maxVUs: users, gracefulStop: time(GRACE),
  };
}

// Once the load and what it left in flight are over, each virtual user reads back what was acknowledged to it. It has to
// be the same users: what they remember is theirs alone. So their number is that of all there are.
export function readingBack(after, users) {
  return {
    executor: 'per-vu-iterations', exec: 'readBack', vus: users, iterations: 1,
    startTime: time(after + GRACE + 1), maxDuration: '5m', gracefulStop: '0s',
  };
}

// Records how late this iteration began, for arrivals at a constant rate.
export function recordLag(rate) {
  const { startTime, iterationInTest } = exec.scenario;
  arrivalLag.add(Math.max(0, Date.now() - (startTime + (iterationInTest / rate) * 1000)));
}

// The objectives for one phase of the load: the time of the 99th percentile, and the share that fails.
export const objectives = (phase, p99 = P99, errors = ERRORS) => ({
  [`arrivals{phase:${phase}}`]: ['count>=0'],
  [`load_duration{phase:${phase}}`]: [`p(99)<${p99}`],
  [`load_failed{phase:${phase}}`]: [`rate<=${errors}`],
});

// What says that the generator did what it was asked to: nearly every arrival happened, and on time.
export const keptUp = (arrivals) => ({
  dropped_iterations: [`count<=${Math.floor(arrivals * ERRORS)}`],
  arrival_lag: [`p(99)<${LATE}`],
});

// k6 keeps apart what a threshold names, and nothing else. These cannot fail; they make it count by route and status.
function countersOf(routes, scenarios) {
  const thresholds = { [`http_reqs{name:${ADMIN_LABEL}}`]: ['count>=0'] };
  for (const scenario of scenarios) thresholds[`iterations{scenario:${scenario}}`] = ['count>=0'];
  for (const route of routes) {
    const tags = `name:${route.path},method:${route.method}`;
    thresholds[`http_req_duration{${tags}}`] = ['max>=0'];
    for (const status of route.statuses) thresholds[`http_reqs{${tags},status:${status}}`] = ['count>=0'];
  }
  return thresholds;
}

// Whether a threshold is there only to have something counted.
export const isCounter = (expression) => expression.endsWith('>=0');

// `looked`: the invariants that this scenario is about. `thresholds` of its own.
export function plan({ name, scenarios, looked, thresholds, routes = SHOP }) {
  return {
    scenarios,
    thresholds: {
      ...countersOf(routes, Object.keys(scenarios)),
      ...thresholdsOf(looked),
      checks: [`rate>=${1 - ERRORS}`],
      // Overload and outages are 503; a 500 is a defect, whatever the load.
      'http_reqs{status:500}': ['count==0'],
      ...thresholds,
    },
    tags: { testid: runId(name) },
    // No `url`, `error` or `group`: what is unbounded, or says nothing, makes no label.
    systemTags: ['check', 'error_code', 'expected_response', 'method', 'name', 'scenario', 'status'],
    summaryTrendStats: ['avg', 'p(50)', 'p(95)', 'p(99)', 'max', 'count'],
    discardResponseBodies: true,
    setupTimeout: '5m',
    teardownTimeout: '15m',
    userAgent: 'glasshouse-loadtest',
  };
}

// It stands in request ids, which are at most 64 characters of these.
function runId(name) {
  const id = text('TESTID', `${name}-${new Date().toISOString().slice(0, 19).replace(/[-:]/g, '')}`);
  if (!/^[A-Za-z0-9._-]{1,36}$/.test(id)) {
    throw new Error(`TESTID is ${id}: 1 to 36 letters, digits, dots, dashes and underscores are expected`);
  }
  return id;
}

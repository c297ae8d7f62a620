// Makes k6's options for a scenario: who arrives when, what is measured apart, and what makes the run fail.

import exec from 'k6/execution';

import { ERRORS, GRACE, LATE, P99, text } from './environment.js';
import { thresholdsOf } from './invariants.js';
import { arrivalLag } from './metrics.js';
import { SHOP } from './routes.js';
import { ADMIN_LABEL } from './server.js';

// In whole milliseconds, as k6 takes a duration.
const time = (seconds) => `${Math.round(seconds * 1000)}ms`;

// Enough virtual users that an arrival finds a free one while visits take a quarter of a second on average, which is where
// the objective ends. All are there from the start: one that is made under load costs CPU just then, and would not be
// there to read its orders back.
export const usersFor = (rate) => Math.min(300, Math.max(20, Math.ceil(rate / 4)));

// Arrivals that do not wait for the answers of others: with a fixed number of users in a loop a slow service is asked
// less, and looks fast. docs/load-testing.md says more.
export const constant = (rate, seconds) => ({
  executor: 'constant-arrival-rate',
  rate,
  timeUnit: '1s',
  duration: time(seconds),
});

// `stages`: pairs of a rate and the seconds in which it is reached.
export const ramping = (startRate, stages) => ({
  executor: 'ramping-arrival-rate',
  startRate,
  timeUnit: '1s',
  stages: stages.map(([target, seconds]) => ({ target, duration: time(seconds) })),
});

// How long the users take to get ready. Their first steps cost ten times as much as any later ones.
const warmUp = (users) => 1 + Math.ceil(users / 100);

// The three acts of a run. Each user gets ready, once. Then they are the ones who arrive. And once the load and what it
// left in flight are over, each reads back what was acknowledged to it: what a user remembers is its own, so it has to be
// the same users, all that there are, and k6 hands out the same ones as long as no two acts overlap.
//
// `arrivals` from `constant` or `ramping`; `watchers`: scenarios beside the load, with one user each.
export function acts({ arrivals, seconds, users, watchers = {} }) {
  const begin = warmUp(users);
  const all = users + Object.keys(watchers).length;
  const each = { executor: 'per-vu-iterations', vus: all, iterations: 1, gracefulStop: '0s' };
  const beside = Object.entries(watchers).map(([name, watcher]) => [name, { ...watcher, startTime: time(begin) }]);
  return {
    warm_up: { ...each, exec: 'warmUp', maxDuration: time(begin) },
    load: {
      ...arrivals,
      exec: 'load',
      startTime: time(begin),
      preAllocatedVUs: users,
      maxVUs: users,
      gracefulStop: time(GRACE),
    },
    ...Object.fromEntries(beside),
    read_back: { ...each, exec: 'readBack', startTime: time(begin + seconds + GRACE + 1), maxDuration: '5m' },
  };
}

// When, counted from the start of k6, a moment of the load has surely come: k6 counts setup(), which takes as long as
// logging the accounts in takes, 0.1 s each on a slow machine.
export const surely = (seconds, { users, accounts }) => time(2 + accounts * 0.1 + warmUp(users) + seconds);

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
      script_errors: ['count==0'],
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

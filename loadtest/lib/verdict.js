// Puts the client's and the service's view of a run together, and says whether it passed. Pure: takes what k6 and two
// looks at /metrics hold, gives the document that summary.json is.

import { compareCounts, compareRequests } from './compare.js';
import { INVARIANTS } from './invariants.js';
import { isCounter } from './plan.js';
import { quantile } from './prometheus.js';
import { isProbe, label } from './routes.js';
import { ADMIN_LABEL, difference, total } from './server.js';

// `data`: what k6 gives to handleSummary. `before`, `after`: the first and the last look at the service, or `null`.
export function judge({ name, data, before, after, routes, users, alone }) {
  const prepared = data.setup_data;
  const result = { scenario: name, passed: false, failures: [] };
  if (!prepared) {
    result.failures.push('the run did not get past its preparation');
    return result;
  }
  result.testid = prepared.testid;
  const happened = after ? difference(before, after) : null;
  result.stopped_early = users > 0 && valueOf(data, 'iterations{scenario:read_back}') < users;
  result.load = loadOf(data);
  result.phases = phasesOf(data);
  result.routes = routesOf(data, routes);
  result.thresholds = thresholdsOf(data);
  result.invariants = invariantsOf(data);
  result.checks = checksOf(data.root_group);
  if (happened) join(result, happened, data, { cut: result.stopped_early ? users : 0 });
  result.failures = failuresOf(result, happened, alone);
  result.passed = result.failures.length === 0;
  return result;
}

export function valueOf(data, metric, stat = 'count') {
  const found = data.metrics[metric];
  return (found && found.values[stat]) || 0;
}

function loadOf(data) {
  const seconds = data.state.testRunDurationMs / 1000;
  return {
    seconds,
    iterations: valueOf(data, 'iterations{scenario:load}'),
    dropped_iterations: valueOf(data, 'dropped_iterations'),
    arrival_lag_p99_ms: valueOf(data, 'arrival_lag', 'p(99)'),
    requests: valueOf(data, 'http_reqs') - valueOf(data, `http_reqs{name:${ADMIN_LABEL}}`),
    most_users: valueOf(data, 'vus_max', 'max'),
  };
}

// What a tag of a submetric is: `load_duration{phase:steady}` has `steady`.
const tagged = (metric, stem) => (metric.startsWith(`${stem}:`) ? metric.slice(stem.length + 1, -1) : null);

// In the order of time: the parts of a spike are told by their names, steps by their rates.
const PARTS = ['before', 'peak', 'after'];
const inTime = (one, other) => PARTS.indexOf(one) - PARTS.indexOf(other) || (one < other ? -1 : 1);

function phasesOf(data) {
  const phases = {};
  const found = Object.keys(data.metrics)
    .map((metric) => tagged(metric, 'load_duration{phase'))
    .filter((phase) => phase !== null);
  for (const phase of found.sort(inTime)) {
    const metric = `load_duration{phase:${phase}}`;
    phases[phase] = {
      arrivals: valueOf(data, `arrivals{phase:${phase}}`),
      answers: valueOf(data, metric),
      ...timesOf(data, metric),
      failed: valueOf(data, `load_failed{phase:${phase}}`, 'rate'),
    };
  }
  return phases;
}

const timesOf = (data, metric) => ({
  p50_ms: valueOf(data, metric, 'p(50)'),
  p95_ms: valueOf(data, metric, 'p(95)'),
  p99_ms: valueOf(data, metric, 'p(99)'),
  max_ms: valueOf(data, metric, 'max'),
});

function routesOf(data, routes) {
  const rows = {};
  for (const route of routes) {
    const tags = `name:${route.path},method:${route.method}`;
    const statuses = {};
    for (const status of route.statuses) {
      const count = valueOf(data, `http_reqs{${tags},status:${status}}`);
      if (count > 0) statuses[status] = count;
    }
    if (Object.keys(statuses).length === 0) continue;
    rows[label(route)] = { client: { statuses, ...timesOf(data, `http_req_duration{${tags}}`) } };
  }
  return rows;
}

function thresholdsOf(data) {
  const found = [];
  for (const [metric, { thresholds, values }] of Object.entries(data.metrics)) {
    for (const [expression, { ok }] of Object.entries(thresholds || {})) {
      if (isCounter(expression) || metric.startsWith('invariant_')) continue;
      const stat = expression.match(/^(p\(\d+\)|\w+)/)[0];
      found.push({ metric, expression, value: values[stat] === undefined ? null : values[stat], passed: ok });
    }
  }
  return found.sort((one, other) => (one.metric < other.metric ? -1 : 1));
}

function invariantsOf(data) {
  return Object.values(INVARIANTS)
    .map((invariant) => {
      const { thresholds = {} } = data.metrics[`invariant_checked{invariant:${invariant}}`] || {};
      return {
        invariant,
        checked: valueOf(data, `invariant_checked{invariant:${invariant}}`),
        violated: valueOf(data, `invariant_violated{invariant:${invariant}}`),
        required: 'count>0' in thresholds,
      };
    })
    .filter(({ checked, required }) => checked > 0 || required);
}

const checksOf = (group) => group.checks.map(({ name, passes, fails }) => ({ name, passes, fails }));

function join(result, happened, data, { cut }) {
  const client = Object.fromEntries(Object.entries(result.routes).map(([key, row]) => [key, row.client.statuses]));
  const { rows, differences } = compareRequests(client, happened.requests, cut);
  for (const [key, { server }] of Object.entries(rows)) {
    const row = result.routes[key] || (result.routes[key] = {});
    const p99 = quantile(0.99, happened.histograms[key] || {});
    row.server = {
      statuses: server,
      p99_ms: p99 && p99.value * 1000,
      p99_bucket_ms: p99 && [p99.from * 1000, p99.to && p99.to * 1000],
    };
  }
  const counted = Object.values(result.routes).reduce((all, { client: ours }) => all + (ours ? sum(ours.statuses) : 0), 0);
  if (counted !== result.load.requests) {
    differences.push({ route: 'some route', status: 'not documented for it', client: result.load.requests - counted, server: 0 });
  }
  result.differences = differences;
  const unknown = valueOf(data, 'orders_unknown') + cut;
  const server = (name, outcome) => happened.counters[`${name} ${outcome}`] || 0;
  result.counts = compareCounts([
    ['orders created', valueOf(data, 'orders_acknowledged'), total(happened.counters, 'orders_created_total'), unknown],
    ['answers replayed', valueOf(data, 'orders_replayed'), server('idempotent_requests_total', 'replayed'), unknown],
    ['orders out of stock', valueOf(data, 'orders_refused'), server('orders_rejected_total', 'out_of_stock'), unknown],
  ]);
  result.service = { ...happened.instances[0].build, instances: happened.instances.length };
  result.server = serverOf(happened, result.load.seconds);
}

function serverOf({ counters, gauges, histograms, requests }, seconds) {
  const p99 = (key) => {
    const found = quantile(0.99, histograms[key] || {});
    return found && found.value * 1000;
  };
  const named = (prefix) =>
    Object.fromEntries(
      Object.keys(histograms)
        .filter((key) => key.startsWith(prefix))
        .map((key) => [key.slice(prefix.length), p99(key)]),
    );
  const errors = Object.entries(requests).filter(([key]) => key.split(' ')[2] >= '500' && !isProbe(key.split(' ')[1]));
  const cpu = counters.process_cpu_seconds_total || 0;
  const gauge = (name) => [gauges.before[name] || 0, gauges.after[name] || 0];
  return {
    cpu_seconds: cpu,
    cpu_cores: cpu / seconds,
    resident_bytes: gauge('process_resident_memory_bytes'),
    open_fds: gauge('process_open_fds'),
    threads: gauge('process_threads'),
    pool_wait_p99_ms: named('pool '),
    runtime_lag_p99_ms: named('runtime '),
    pool_timeouts: total(counters, 'db_pool_timeouts_total'),
    database_errors: total(counters, 'db_errors_total'),
    responses_5xx: errors.reduce((all, [, count]) => all + count, 0),
    clients_gone: Object.entries(requests)
      .filter(([key]) => key.endsWith(' 499'))
      .reduce((all, [, count]) => all + count, 0),
    requests_rejected: total(counters, 'http_requests_rejected_total'),
    panics: total(counters, 'http_handler_panics_total'),
    log_lines_dropped: total(counters, 'log_lines_dropped_total'),
    spans_lost: (counters['trace_spans_total dropped'] || 0) + (counters['trace_spans_total failed'] || 0),
  };
}

const sum = (statuses) => Object.values(statuses).reduce((all, count) => all + count, 0);

// In sentences, for people. Whoever uses the service at the same time makes counts differ: that is told, but is no
// failure when the run is not alone.
function failuresOf(result, happened, alone) {
  const failures = [];
  for (const { metric, expression, value, passed } of result.thresholds) {
    if (!passed) failures.push(`${metric} is ${Number(value).toPrecision(4)}, not ${expression}`);
  }
  for (const { invariant, checked, violated } of result.invariants) {
    if (violated > 0) failures.push(`${invariant}: violated ${violated} of ${checked} times`);
    else if (checked === 0) failures.push(`${invariant}: never looked at`);
  }
  if (result.stopped_early) failures.push('the run was stopped before its end');
  if (!happened) return failures;
  if (happened.restarted) failures.push('the service was restarted meanwhile: its counters began anew');
  if (result.server.panics > 0) failures.push(`${result.server.panics} handlers panicked`);
  if (!alone) return failures;
  for (const { route, status, client, server } of result.differences) {
    failures.push(`${route}, status ${status}: the client counted ${client}, the service ${server}`);
  }
  for (const { name, client, server, agree } of result.counts) {
    if (!agree) failures.push(`${name}: the client counted ${client}, the service ${server}`);
  }
  return failures;
}

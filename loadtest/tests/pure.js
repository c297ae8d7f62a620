// Checks what the verdict of every run rests on: reading metrics, quantiles, comparing counts, finding the knee. Needs no
// service: `scripts/k6 run loadtest/tests/pure.js`; tests/stack/load.rs runs it.

import { check } from 'k6';

import { tracePrefix } from '../lib/api.js';
import { compareCounts, compareRequests } from '../lib/compare.js';
import { concludeKnee, steps } from '../lib/knee.js';
import { parse, quantile } from '../lib/prometheus.js';
import { difference, read, total } from '../lib/server.js';
import { count, render, table, time } from '../lib/text.js';
import { judge } from '../lib/verdict.js';

export const options = { iterations: 1, thresholds: { checks: ['rate==1'] } };

let failed = 0;

function equal(what, found, expected) {
  const same = JSON.stringify(found) === JSON.stringify(expected);
  check(same, { [what]: (holds) => holds });
  if (!same) {
    failed += 1;
    console.error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
  }
}

export default function pure() {
  metricsAreRead();
  quantilesAreThoseOfPromQl();
  momentsAreCompared();
  countsAreCompared();
  theKneeIsFound();
  aVerdictIsGiven();
  textIsWritten();
  if (failed > 0) console.error(`${failed} failed`);
}

const SCRAPE = `# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{method="GET",path="/api/v1/orders/{id}",status="200"} 7
http_requests_total{method="GET",path="/",status="200"} 0
http_requests_duration_seconds_bucket{method="GET",path="/",status="200",le="0.25"} 3
http_requests_duration_seconds_bucket{method="GET",path="/",status="404",le="0.25"} 0
http_requests_duration_seconds_bucket{method="GET",path="/",status="200",le="+Inf"} 4
db_pool_timeouts_total{pool="main",phase="wait"} 2
db_pool_timeouts_total{pool="main",phase="create"} 1
process_cpu_seconds_total 1.25
process_start_time_seconds 1700000000.5
http_requests_in_flight 3
build_info{version="0.1.0",revision="abc",rustc="1.95 \\"x\\"",profile="release",database="sqlite"} 1
log_lines_dropped_total_more 9
`;

const look = (text) => {
  const seen = { instances: [], requests: {}, counters: {}, gauges: {}, histograms: {} };
  read(text, seen);
  return seen;
};

function metricsAreRead() {
  const samples = [];
  parse('a{x="1",y="b\\"c\\nd"} 2\na 3\nb 4\nc{} +Inf\n', new Set(['a', 'c']), (...sample) => samples.push(sample));
  equal('labels are unquoted, others left out', samples.slice(0, 2), [
    ['a', { x: '1', y: 'b"c\nd' }, 2],
    ['a', {}, 3],
  ]);
  equal('infinity is a number', samples[2][2] === Infinity, true);

  const seen = look(SCRAPE);
  equal('requests by route and status', seen.requests, { 'GET /api/v1/orders/{id} 200': 7 });
  equal('buckets over all statuses', seen.histograms['GET /'], { 0.25: 3, '+Inf': 4 });
  equal('counters by the label that matters', seen.counters['db_pool_timeouts_total wait'], 2);
  equal('counters in all', total(seen.counters, 'db_pool_timeouts_total'), 3);
  equal('a longer name is another metric', total({ 'a x': 1, 'a y': 2, 'a_b x': 4, a_c: 8 }, 'a'), 3);
  equal(
    'what is not wanted is left out',
    Object.keys(seen.counters).some((key) => key.startsWith('log_')),
    false,
  );
  equal('gauges', seen.gauges.http_requests_in_flight, 3);
  equal('the build', [seen.instances[0].build.database, seen.instances[0].build.rustc], ['sqlite', '1.95 "x"']);
}

function quantilesAreThoseOfPromQl() {
  const buckets = { '+Inf': 10, 0.5: 10, 0.25: 8, 0.1: 0 };
  // histogram_quantile(0.5): rank 5 of the 8 between 0.1 and 0.25.
  equal('interpolated in its bucket', quantile(0.5, buckets).value.toFixed(5), (0.1 + 0.15 * (5 / 8)).toFixed(5));
  equal('among those above the bucket before', quantile(0.9, buckets).value, 0.375);
  equal('a bound belongs to the bucket below it', quantile(0.8, buckets), { value: 0.25, from: 0.1, to: 0.25 });
  equal('its bucket is known', [quantile(0.9, buckets).from, quantile(0.9, buckets).to], [0.25, 0.5]);
  equal('the first bucket begins at 0', quantile(0.5, { 0.1: 4, '+Inf': 4 }).value, 0.05);
  equal('beyond the last bound nothing is known', quantile(0.99, { 0.1: 4, '+Inf': 8 }), { value: 0.1, from: 0.1, to: null });
  equal('of nothing there is none', [quantile(0.99, {}), quantile(0.99, { 0.1: 0, '+Inf': 0 })], [null, null]);
}

function momentsAreCompared() {
  const before = look(SCRAPE);
  const after = look(SCRAPE.replace('status="200"} 7', 'status="200"} 9').replace('le="+Inf"} 4', 'le="+Inf"} 6'));
  const happened = difference(before, after);
  equal('only what moved', happened.requests, { 'GET /api/v1/orders/{id} 200': 2 });
  equal('buckets keep their bounds', happened.histograms['GET /'], { 0.25: 0, '+Inf': 2 });
  equal('no restart', happened.restarted, false);
  const anew = look(SCRAPE.replace('1700000000.5', '1700000099'));
  equal('a restart is noticed', difference(before, anew).restarted, true);
  const two = look(SCRAPE);
  read(SCRAPE, two);
  equal('instances are summed', [two.requests['GET /api/v1/orders/{id} 200'], two.instances.length], [14, 2]);
}

function countsAreCompared() {
  const lost = (client, server, cut) =>
    compareRequests(client, server, cut).differences.map(({ route, status }) => `${route} ${status}`);
  const client = { 'GET /a': { 200: 5, 404: 1 } };
  equal('the same is the same', lost(client, { 'GET /a 200': 5, 'GET /a 404': 1 }), []);
  equal('one less at the service', lost(client, { 'GET /a 200': 4, 'GET /a 404': 1 }), ['GET /a 200']);
  equal('one more at the service', lost(client, { 'GET /a 200': 6, 'GET /a 404': 1 }), ['GET /a 200']);
  equal('another status', lost(client, { 'GET /a 200': 5, 'GET /a 500': 1 }), ['GET /a 404', 'GET /a 500']);
  equal('a route that the client never asked for', lost(client, { 'GET /a 200': 5, 'GET /a 404': 1, 'GET /b 200': 1 }), [
    'GET /b 200',
  ]);
  equal('probes are left out', lost({ 'GET /health/ready': { 200: 1 } }, { 'GET /health 200': 9 }), []);
  const unanswered = { 'GET /a': { 0: 2, 200: 5 } };
  equal('without an answer anything may be counted', lost(unanswered, { 'GET /a 200': 6, 'GET /a 499': 1 }), []);
  equal('or nothing', lost(unanswered, { 'GET /a 200': 5 }), []);
  equal('but no more than that', lost(unanswered, { 'GET /a 200': 6, 'GET /a 499': 2 }), ['GET /a 200', 'GET /a 499']);
  equal(
    'what was cut is known to the service alone',
    lost({ 'GET /a': { 200: 5 } }, { 'GET /a 200': 6, 'GET /b 499': 1 }, 2),
    [],
  );
  equal('as much as there may be', lost({ 'GET /a': { 200: 5 } }, { 'GET /a 200': 6, 'GET /b 499': 2 }, 2).length > 0, true);
  equal('and never less than was answered', lost({ 'GET /a': { 200: 5 } }, { 'GET /a 200': 4 }, 9), ['GET /a 200']);

  const agree = (...counts) => compareCounts([['orders', ...counts]])[0].agree;
  equal('orders agree', [agree(5, 5, 0), agree(5, 6, 1), agree(5, 6, 0), agree(5, 4, 3)], [true, true, false, false]);
}

function theKneeIsFound() {
  equal(
    'steps grow by their factor',
    steps(100, 200, 1.25).map(({ rate }) => rate),
    [100, 125, 156, 195],
  );
  equal(
    'names sort like rates',
    steps(90, 1000, 4).map(({ phase }) => phase),
    ['rate-0090', 'rate-0360'],
  );
  let refused = false;
  try {
    steps(1, 1000, 1.01);
  } catch (error) {
    refused = true;
  }
  equal('too many steps are refused', refused, true);

  const all = steps(100, 200, 1.25);
  const kept = (rate) => ({ arrivals: rate * 10, answers: rate * 12, p99_ms: 20, failed: 0 });
  const phases = { 'rate-0100': kept(100), 'rate-0125': kept(125), 'rate-0156': { ...kept(156), p99_ms: 300 } };
  const conclude = (of, failures = [], floor = 100) => {
    const result = {
      phases: of,
      failures: [...failures],
      thresholds: [{ metric: 'load_duration{phase:rate-0156}' }, { metric: 'checks' }],
    };
    concludeKnee(result, { steps: all, hold: 10, floor, p99: 250, errors: 0.001 });
    return result;
  };
  const found = conclude(phases, ['load_duration{phase:rate-0156} is 300, not p(99)<250', 'the run was stopped before its end']);
  equal('the last rate that was kept', [found.knee.rate, found.knee.next, found.failures], [125, 156, []]);
  equal('thresholds past it are no failures', found.thresholds, [{ metric: 'checks' }]);
  equal('other failures stay', conclude(phases, ['stock and orders add up: violated 1 of 9 times']).failures.length, 1);
  equal('a knee below the floor is a failure', conclude(phases, [], 150).failures.length, 1);
  equal('no step kept is a failure', conclude({ 'rate-0100': { ...kept(100), failed: 0.5 } }).failures.length, 1);
  equal('arrivals that did not happen are not kept', conclude({ 'rate-0100': { ...kept(100), arrivals: 900 } }).knee.rate, 0);
  const never = conclude(Object.fromEntries(all.map(({ rate, phase }) => [phase, kept(rate)])));
  equal('a knee that was not reached', [never.knee.rate, never.knee.next], [195, null]);
}

// A run of one route, as k6 tells it.
function runOf({ answered = 5, unlisted = 0, lagging = false, violated = 0, looked = 1 } = {}) {
  const counter = (number, thresholds) => ({ type: 'counter', values: { count: number }, thresholds });
  return {
    state: { testRunDurationMs: 2000 },
    root_group: { checks: [{ name: 'fine', passes: 3, fails: 0 }] },
    setup_data: { testid: 'one' },
    metrics: {
      http_reqs: counter(answered + unlisted + 1),
      'http_reqs{name:admin}': counter(1),
      'http_reqs{name:/api/v1/orders/{id},method:GET,status:200}': counter(answered, { 'count>=0': { ok: true } }),
      'iterations{scenario:read_back}': counter(2),
      arrival_lag: { type: 'trend', values: { 'p(99)': 200 }, thresholds: { 'p(99)<100': { ok: !lagging } } },
      'invariant_checked{invariant:stock and orders add up}': counter(looked, { 'count>0': { ok: looked > 0 } }),
      'invariant_violated{invariant:stock and orders add up}': counter(violated, { 'count==0': { ok: violated === 0 } }),
    },
  };
}

function aVerdictIsGiven() {
  const routes = [{ method: 'GET', path: '/api/v1/orders/{id}', statuses: [0, 200] }];
  const after = look(SCRAPE.replace('status="200"} 7', 'status="200"} 12'));
  const verdict = (run, options = {}) =>
    judge({ name: 'one', data: runOf(run), before: look(SCRAPE), after, routes, users: 2, alone: true, ...options });
  equal('a run in which all agrees passes', verdict().failures, []);
  equal('a crossed threshold fails it', verdict({ lagging: true }).failures, ['arrival_lag is 200.0, not p(99)<100']);
  equal('a request that only one counted fails it', verdict({ answered: 4 }).failures, [
    'GET /api/v1/orders/{id}, status 200: the client counted 4, the service 5',
  ]);
  equal('a status that no route documents fails it', verdict({ unlisted: 1 }).failures, [
    'some route, status not documented for it: the client counted 1, the service 0',
  ]);
  equal('unless others use the service too', verdict({ answered: 4 }, { alone: false }).failures, []);
  equal('a violated invariant fails it', verdict({ violated: 1 }).failures, ['stock and orders add up: violated 1 of 1 times']);
  equal('an invariant that nobody looked at fails it', verdict({ looked: 0 }).failures, [
    'stock and orders add up: never looked at',
  ]);
  equal('a run that was stopped fails', verdict({}, { users: 3 }).failures, ['the run was stopped before its end']);
  const other = look(SCRAPE.replace('1700000000.5', '1'));
  equal('a restart fails it', verdict({}, { before: other }).failures.length, 1);
  equal('a run that did not begin fails', judge({ name: 'one', data: { metrics: {} }, after: null, routes }).passed, false);
  equal('without the service its client still counts', verdict({}, { after: null }).failures, []);
}

function textIsWritten() {
  equal('thousands are set apart', [count(999), count(1234567)], ['999', '1 234 567']);
  equal('times have three digits', [time(0.1234), time(12.345), time(1234), time(61000)], ['0.123ms', '12.3ms', '1.23s', '1m1s']);
  equal(
    'columns are as wide as they have to be',
    table([
      ['', 'n'],
      ['ab', '10'],
    ]),
    ['     n', 'ab  10'],
  );
  const routes = [{ method: 'GET', path: '/api/v1/orders/{id}', statuses: [0, 200] }];
  const result = judge({
    name: 'one',
    data: runOf({ violated: 1 }),
    before: look(SCRAPE),
    after: look(SCRAPE),
    routes,
    users: 2,
    alone: true,
  });
  const text = render(result);
  for (const part of ['one: FAILED', '✗ stock and orders add up', 'GET /api/v1/orders/{id}', 'The service meanwhile']) {
    equal(`the text says ${part}`, text.includes(part), true);
  }
  equal('a trace id begins with 16 hexadecimal digits', /^[0-9a-f]{16}$/.test(tracePrefix('average-20260101T000000')), true);
  equal("that are the run's own", tracePrefix('one') === tracePrefix('two'), false);
}

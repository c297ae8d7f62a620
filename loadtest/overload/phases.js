// Load in phases, one after the other, each at its own rate of arrivals, whatever becomes of them; for each phase: what was
// served in time, what was refused and how soon, what failed. scripts/overload puts the phases together and reads OUT.
//
//   PHASES    [{"name": "3x", "rate": 900, "seconds": 20}, …]
//   WORKLOAD  reads: pages of the catalog; orders: orders alone; mixed: three pages, then an order
//   API, EMAIL, PASSWORD, OUT

import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import exec from 'k6/execution';

const PHASES = JSON.parse(__ENV.PHASES);
const API = __ENV.API;
// Later than this an answer is of no use to anybody.
const IN_TIME_MS = 500;
// Between two phases: what is left of one must not be counted in the next.
const PAUSE_SECONDS = 2;

const ENDS = ['served', 'late', 'refused', 'failed'];
const metrics = PHASES.map((_, phase) =>
  Object.fromEntries(
    ENDS.map((end) => [end, { count: new Counter(`${end}_${phase}`), ms: new Trend(`${end}_ms_${phase}`, true) }]),
  ),
);

let start = 0;
const scenarios = {};
PHASES.forEach(({ name, rate, seconds, pause }, phase) => {
  scenarios[`${phase}_${name}`] = {
    executor: 'constant-arrival-rate',
    rate,
    duration: `${seconds}s`,
    startTime: `${start}s`,
    preAllocatedVUs: Math.min(1500, Math.ceil(rate / 4) + 20),
    maxVUs: 3000,
    gracefulStop: '1s',
    env: { PHASE: String(phase) },
  };
  start += seconds + (pause === undefined ? PAUSE_SECONDS : pause);
});

export const options = {
  scenarios,
  discardResponseBodies: true,
  summaryTrendStats: ['count', 'p(50)', 'p(99)', 'max'],
};

export function setup() {
  const json = { headers: { 'Content-Type': 'application/json' }, responseType: 'text' };
  const body = JSON.stringify({ email: __ENV.EMAIL, password: __ENV.PASSWORD });
  const tokens = http.post(`${API}/api/v1/sessions`, body, json).json();
  const page = http.get(`${API}/api/v1/products?limit=100`, { responseType: 'text' }).json();
  return { token: tokens.access_token, products: page.items.filter(({ stock }) => stock > 0).map(({ id }) => id) };
}

function read() {
  return http.get(`${API}/api/v1/products?limit=100`);
}

function order({ token, products }) {
  const product = products[Math.floor(Math.random() * products.length)];
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  const body = JSON.stringify({ items: [{ product_id: product, quantity: 1 }] });
  return http.post(`${API}/api/v1/orders`, body, { headers });
}

function send(data) {
  switch (__ENV.WORKLOAD) {
    case 'reads':
      return read();
    case 'orders':
      return order(data);
    default:
      return exec.scenario.iterationInTest % 4 === 3 ? order(data) : read();
  }
}

export default function (data) {
  const { status, timings } = send(data);
  const good = status === 200 || status === 201;
  let end = 'failed';
  if (good) end = timings.duration <= IN_TIME_MS ? 'served' : 'late';
  // Out of stock and the like is an answer, but none that this counts on.
  else if (status === 503) end = 'refused';
  const of = metrics[Number(__ENV.PHASE)][end];
  of.count.add(1);
  of.ms.add(timings.duration);
}

export function handleSummary({ metrics: seen }) {
  const phases = PHASES.map(({ name, rate, seconds }, phase) => {
    const result = { name, rate, seconds };
    for (const end of ENDS) {
      const count = seen[`${end}_${phase}`] ? seen[`${end}_${phase}`].values.count : 0;
      const ms = seen[`${end}_ms_${phase}`] ? seen[`${end}_ms_${phase}`].values : {};
      result[end] = { per_second: count / seconds, count, p50_ms: ms['p(50)'] || 0, p99_ms: ms['p(99)'] || 0 };
    }
    return result;
  });
  const dropped = seen.dropped_iterations ? seen.dropped_iterations.values.count : 0;
  return { [__ENV.OUT]: JSON.stringify({ phases, not_sent: dropped }, null, 2) };
}

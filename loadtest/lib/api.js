// Sends requests to the service the way every part of a run does: under the route's label, with a request id and now and
// then a trace context by which the run is found in logs and traces, and judged by the statuses that are expected.

import exec from 'k6/execution';
import http from 'k6/http';

import { API, TIMEOUT, TRACED } from './environment.js';
import { loadDuration, loadFailed } from './metrics.js';

const expectations = {};
let id;
let prefix;
let phase = null;
let sent = 0;
let complaints = 0;

// From here on this virtual user's requests are load of this phase; `null`: they are not part of the load.
export function enter(name) {
  phase = name;
}

// The run's id, the same for every virtual user: the tag of all its metrics.
export function testId() {
  if (!id) id = exec.test.options.tags.testid;
  return id;
}

// The first half of every trace id of the run, so that its traces have something in common: FNV-1a, twice.
export function tracePrefix(run) {
  const half = (seed) => {
    let hash = seed;
    for (let at = 0; at < run.length; at += 1) {
      hash = Math.imul(hash ^ run.charCodeAt(at), 0x01000193) >>> 0;
    }
    return hash.toString(16).padStart(8, '0');
  };
  return half(0x811c9dc5) + half(0x01234567);
}

// `options`: `id` for the placeholder of the path (or `path` itself), `query`, `token`, `body` (text), `headers`, `expected` statuses
// (others count as failed), `read` to keep the answer's body.
export function send(route, options = {}) {
  const { query, body, expected = [200], read = false } = options;
  const path = options.path || route.path.replace(/\{\w+\}/, options.id);
  const address = `${API}${path}${query ? `?${query}` : ''}`;
  const response = http.request(route.method, address, body === undefined ? null : body, {
    headers: headers(options),
    tags: { name: route.path },
    timeout: TIMEOUT * 1000,
    responseCallback: expecting(expected),
    responseType: read ? 'text' : 'none',
    redirects: 0,
  });
  const failed = hasFailed(response);
  if (phase !== null) {
    loadFailed.add(failed, { phase });
    if (!failed) loadDuration.add(response.timings.duration, { phase });
  }
  if (!expected.includes(response.status)) complain(route, response);
  return response;
}

// A 5xx, or no answer at all: what was asked for may have been done or not.
export const hasFailed = ({ status }) => status === 0 || status >= 500;

function headers({ token, body, headers: own }) {
  sent += 1;
  // Setup and teardown are nobody's: there the time tells their requests apart.
  const user = exec.vu.idInTest || Date.now().toString(36);
  const all = { 'X-Request-Id': `${testId()}-${user}-${sent}` };
  if (Math.random() < TRACED) {
    if (!prefix) prefix = tracePrefix(testId());
    all.traceparent = `00-${prefix}${hex(16)}-${hex(16)}-01`;
  }
  if (token) all.Authorization = `Bearer ${token}`;
  if (body !== undefined) all['Content-Type'] = 'application/json';
  return Object.assign(all, own);
}

function hex(digits) {
  let value = '';
  while (value.length < digits) {
    const four = Math.floor(Math.random() * 65536);
    value += four.toString(16).padStart(4, '0');
  }
  // All zeros are no valid id.
  return value.slice(0, digits - 1) + '1';
}

function expecting(statuses) {
  const key = statuses.join();
  if (!expectations[key]) expectations[key] = http.expectedStatuses(...statuses);
  return expectations[key];
}

// The first few of the first few users only: a service that is down would fill the screen. When k6 stops a run it cuts what
// is in flight, which is nobody's fault.
function complain(route, { status, error, headers: answered }) {
  complaints += 1;
  if (complaints > 2 || exec.vu.idInTest > 5 || error === 'context canceled') return;
  const what = status === 0 ? `no answer (${error})` : `status ${status}`;
  console.warn(`${route.method} ${route.path}: ${what}, request id ${answered['X-Request-Id'] || 'unknown'}`);
}

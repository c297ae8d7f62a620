// What a run is told from outside: the environment variables that docs/load-testing.md lists, read and checked here and
// nowhere else. A value that makes no sense ends the run before anything is sent.

const UNITS = { ms: 0.001, s: 1, m: 60, h: 3600 };

// The text of a variable; an empty one counts as unset.
export function text(name, fallback) {
  const value = __ENV[name];
  return value === undefined || value === '' ? fallback : value;
}

export function number(name, fallback, least = 0) {
  const value = Number(text(name, fallback));
  if (!Number.isFinite(value) || value < least) {
    throw new Error(`${name} is ${text(name)}: a number of at least ${least} is expected`);
  }
  return value;
}

export function whole(name, fallback, least = 1) {
  const value = number(name, fallback, least);
  if (!Number.isInteger(value)) {
    throw new Error(`${name} is ${value}: a whole number is expected`);
  }
  return value;
}

export function yes(name, fallback) {
  const value = text(name, fallback ? 'yes' : 'no');
  if (value !== 'yes' && value !== 'no') {
    throw new Error(`${name} is ${value}: yes or no is expected`);
  }
  return value === 'yes';
}

// `90s`, `1m30s` or `10m`, in seconds.
export function seconds(name, fallback) {
  const value = text(name, fallback);
  const parts = value.match(/[0-9.]+(ms|s|m|h)/g);
  if (!parts || parts.join('') !== value) {
    throw new Error(`${name} is ${value}: a duration such as 30s, 1m30s or 2h is expected`);
  }
  return parts.reduce((sum, part) => {
    const unit = part.match(/[a-z]+$/)[0];
    return sum + Number(part.slice(0, -unit.length)) * UNITS[unit];
  }, 0);
}

function addresses(name, fallback) {
  const found = text(name, fallback)
    .split(',')
    .map((address) => address.trim().replace(/\/+$/, ''));
  for (const address of found) {
    if (!/^https?:\/\/[^/\s]+$/.test(address)) {
      throw new Error(`${name} is ${address}: an address such as ${fallback} is expected`);
    }
  }
  return found;
}

// The public listener, or whatever balances over several of them.
export const API = addresses('API', 'http://127.0.0.1:8080')[0];

// The admin listener of every instance behind API: their counters are summed. `none` when they are out of reach.
export const ADMIN = text('ADMIN') === 'none' ? [] : addresses('ADMIN', 'http://127.0.0.1:9464');

// What the seeded accounts and the operator log in with.
export const PASSWORD = text('LOAD_PASSWORD', '');
export const OPERATOR = text('LOAD_OPERATOR', 'load-operator@example.com');

// The latency objective, in milliseconds, and the share of requests that may fail.
export const P99 = number('P99', 250);
export const ERRORS = number('ERRORS', 0.001);

// How late an arrival may begin, in milliseconds, at the 99th percentile, before the generator is not to be believed.
export const LATE = number('LATE', 100);

// The share of requests that ask for a trace by `traceparent`; the others leave it to the service's own sampling.
export const TRACED = number('TRACED', 0.01);

// Whether nobody else uses the service meanwhile. Only then can counts and stock be held against each other.
export const ALONE = yes('ALONE', true);

// Longest wait for an answer, and for what is in flight when the load ends.
export const TIMEOUT = seconds('TIMEOUT', '10s');
export const GRACE = seconds('GRACE', '12s');

// Most orders that are read back one by one in the end.
export const READ_BACK = whole('READ_BACK', 2000);

// Where the results are written to; without it they are only shown.
export const OUT = text('OUT', '').replace(/\/+$/, '');

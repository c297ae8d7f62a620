// Ever more, until it is too much: climbs from rate to rate, holds each for a while, and ends at the first at which the
// service does not keep its objectives. What it finds is the knee: the highest rate that was kept. Finding it is no
// failure; not keeping FLOOR is one, and so is any broken invariant.
//
//     make load SCENARIO=stress FROM=100 TO=3000 FACTOR=1.25 HOLD=10s

import exec from 'k6/execution';

import { settleAccounts } from './lib/accounting.js';
import { enter } from './lib/api.js';
import { visit } from './lib/customers.js';
import { ERRORS, number, P99, seconds, whole } from './lib/environment.js';
import { concludeKnee, steps } from './lib/knee.js';
import { arrivals } from './lib/metrics.js';
import { acts, plan, ramping, surely, usersFor } from './lib/plan.js';
import { prepare } from './lib/prepare.js';
import { summary } from './lib/summary.js';
import { readBackFor, warmUp } from './lib/users.js';

const FROM = whole('FROM', 100);
const TO = whole('TO', 3000);
const HOLD = seconds('HOLD', '10s');
const CLIMB = 1; // seconds from one rate to the next, which belong to neither
const STEPS = steps(FROM, TO, number('FACTOR', 1.25, 1.01));
const USERS = whole('USERS', usersFor(TO));
const ACCOUNTS = whole('ACCOUNTS', 50);
const TOTAL = STEPS.length * (CLIMB + HOLD);

const thresholds = {};
for (const [at, { phase }] of STEPS.entries()) {
  // A step may end the run when half of it is over: before that, a few slow answers would be its 99th percentile.
  const half = at * (CLIMB + HOLD) + CLIMB + HOLD / 2;
  const abort = { abortOnFail: true, delayAbortEval: surely(half, { users: USERS, accounts: ACCOUNTS }) };
  thresholds[`arrivals{phase:${phase}}`] = ['count>=0'];
  thresholds[`load_duration{phase:${phase}}`] = [{ threshold: `p(99)<${P99}`, ...abort }];
  thresholds[`load_failed{phase:${phase}}`] = [{ threshold: `rate<=${ERRORS}`, ...abort }];
}
// A generator that has no user left for an arrival is past its own knee, or the service is far past its.
thresholds.dropped_iterations = [{ threshold: `count<=${Math.ceil(FROM * HOLD * 0.1)}`, abortOnFail: true }];

export const options = plan({
  name: 'stress',
  scenarios: acts({
    arrivals: ramping(
      FROM,
      STEPS.flatMap(({ rate }) => [
        [rate, CLIMB],
        [rate, HOLD],
      ]),
    ),
    seconds: TOTAL,
    users: USERS,
  }),
  looked: ['stock'],
  thresholds: { ...thresholds, checks: ['rate>=0.5'] },
});

export const setup = () => prepare({ accounts: ACCOUNTS, products: whole('PRODUCTS', 200), users: USERS });

export function load(data) {
  const into = (Date.now() - exec.scenario.startTime) / 1000;
  const step = STEPS[Math.floor(into / (CLIMB + HOLD))];
  const phase = step && into % (CLIMB + HOLD) >= CLIMB ? step.phase : null;
  enter(phase);
  if (phase !== null) arrivals.add(1, { phase });
  visit(data);
}

export { warmUp };

export const readBack = readBackFor(USERS);

export const teardown = settleAccounts;

export const handleSummary = summary({
  name: 'stress',
  users: USERS,
  conclude: (result) =>
    concludeKnee(result, { steps: STEPS, hold: HOLD, floor: number('FLOOR', FROM), p99: P99, errors: ERRORS }),
});

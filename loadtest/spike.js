// A crowd all at once: an ordinary rate, then for a while many times as much, then the ordinary rate again. Asks whether
// the service stays honest while it is overrun (a quick 503 is an answer, a 500 is not), and whether it is itself again
// right afterwards.
//
//     make load SCENARIO=spike RATE=50 PEAK=600

import exec from 'k6/execution';

import { settleAccounts } from './lib/accounting.js';
import { enter } from './lib/api.js';
import { visit } from './lib/customers.js';
import { number, seconds, whole } from './lib/environment.js';
import { arrivals } from './lib/metrics.js';
import { acts, objectives, plan, ramping, usersFor } from './lib/plan.js';
import { prepare } from './lib/prepare.js';
import { summary } from './lib/summary.js';
import { readBackFor, warmUp } from './lib/users.js';

const RATE = whole('RATE', 50);
const PEAK = whole('PEAK', RATE * 10);
const DURATION = seconds('DURATION', '20s'); // of each of the three parts
const USERS = whole('USERS', usersFor(PEAK));

// The crowd comes within a second, and leaves within one. It may take the service this long to be itself again.
const RUSH = 1;
const SETTLE = seconds('SETTLE', '3s');
const PHASES = [
  ['before', 0, DURATION],
  ['peak', DURATION, DURATION + RUSH + DURATION],
  ['after', DURATION + RUSH + DURATION + RUSH + SETTLE, Infinity],
];
const STAGES = [
  [RATE, DURATION],
  [PEAK, RUSH],
  [PEAK, DURATION],
  [RATE, RUSH],
  [RATE, SETTLE + DURATION],
];
const TOTAL = STAGES.reduce((sum, [, length]) => sum + length, 0);

export const options = plan({
  name: 'spike',
  scenarios: acts({ arrivals: ramping(RATE, STAGES), seconds: TOTAL, users: USERS }),
  looked: ['acknowledged', 'replayed', 'stock'],
  thresholds: {
    ...objectives('before'),
    ...objectives('peak', number('PEAK_P99', 1000), number('PEAK_ERRORS', 0.05)),
    ...objectives('after'),
    // What is refused at the peak fails its check as well.
    checks: [`rate>=${1 - number('PEAK_ERRORS', 0.05)}`],
  },
});

export const setup = () => prepare({ accounts: whole('ACCOUNTS', 50), products: whole('PRODUCTS', 200), users: USERS });

export function load(data) {
  const into = (Date.now() - exec.scenario.startTime) / 1000;
  const [phase] = PHASES.find(([, from, to]) => into >= from && into < to) || [null];
  enter(phase);
  if (phase !== null) arrivals.add(1, { phase });
  visit(data);
}

export { warmUp };

export const readBack = readBackFor(USERS);

export const teardown = settleAccounts;

export const handleSummary = summary({ name: 'spike', users: USERS });

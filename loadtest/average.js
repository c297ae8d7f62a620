// An ordinary day: customers arrive at a constant rate, look around, buy, come back. Asks whether the service keeps its
// objectives at that rate, and whether all it acknowledged is there afterwards.
//
//     make load SCENARIO=average RATE=100 DURATION=1m

import { enter } from './lib/api.js';
import { settleAccounts } from './lib/accounting.js';
import { visit } from './lib/customers.js';
import { seconds, whole } from './lib/environment.js';
import { arrivals } from './lib/metrics.js';
import { settleAndReadBack } from './lib/orders.js';
import { constant, keptUp, objectives, plan, readingBack, recordLag, usersFor } from './lib/plan.js';
import { prepare } from './lib/prepare.js';
import { customer } from './lib/sessions.js';
import { summary } from './lib/summary.js';
import exec from 'k6/execution';

const RATE = whole('RATE', 100);
const DURATION = seconds('DURATION', '1m');
const USERS = whole('USERS', usersFor(RATE));

export const options = plan({
  name: 'average',
  scenarios: { load: constant(RATE, DURATION, USERS), read_back: readingBack(DURATION, USERS) },
  looked: ['acknowledged', 'replayed', 'stock'],
  thresholds: { ...objectives('steady'), ...keptUp(RATE * DURATION) },
});

export const setup = () => prepare({ accounts: whole('ACCOUNTS', 50), products: whole('PRODUCTS', 200), users: USERS });

export function load(data) {
  recordLag(RATE);
  enter('steady');
  arrivals.add(1, { phase: 'steady' });
  visit(data, exec.vu.idInTest, customer(data));
}

export function readBack(data) {
  enter(null);
  settleAndReadBack(customer(data), USERS);
}

export const teardown = settleAccounts;

export const handleSummary = summary({ name: 'average', users: USERS });

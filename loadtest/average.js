// An ordinary day: customers arrive at a constant rate, look around, buy, come back. Asks whether the service keeps its
// objectives at that rate, and whether all it acknowledged is there afterwards.
//
//     make load SCENARIO=average RATE=100 DURATION=1m

import { settleAccounts } from './lib/accounting.js';
import { enter } from './lib/api.js';
import { visit } from './lib/customers.js';
import { seconds, whole } from './lib/environment.js';
import { arrivals } from './lib/metrics.js';
import { acts, constant, keptUp, objectives, plan, recordLag, usersFor } from './lib/plan.js';
import { prepare } from './lib/prepare.js';
import { summary } from './lib/summary.js';
import { readBackFor, warmUp } from './lib/users.js';

const RATE = whole('RATE', 100);
const DURATION = seconds('DURATION', '1m');
const USERS = whole('USERS', usersFor(RATE));

export const options = plan({
  name: 'average',
  scenarios: acts({ arrivals: constant(RATE, DURATION), seconds: DURATION, users: USERS }),
  looked: ['acknowledged', 'replayed', 'stock'],
  thresholds: { ...objectives('steady'), ...keptUp(RATE * DURATION) },
});

export const setup = () => prepare({ accounts: whole('ACCOUNTS', 50), products: whole('PRODUCTS', 200), users: USERS });

export function load(data) {
  recordLag(RATE);
  enter('steady');
  arrivals.add(1, { phase: 'steady' });
  visit(data);
}

export { warmUp };

export const readBack = readBackFor(USERS);

export const teardown = settleAccounts;

export const handleSummary = summary({ name: 'average', users: USERS });

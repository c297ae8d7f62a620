// Hours of ordinary days: the visits of `average`, with an eye on what must not grow. Compares the service's memory, open
// files and threads in the first third with those in the last, after a tenth of warming up.
//
//     make load SCENARIO=soak RATE=50 DURATION=2h

import { settleAccounts } from './lib/accounting.js';
import { enter } from './lib/api.js';
import { visit } from './lib/customers.js';
import { number, seconds, whole } from './lib/environment.js';
import { arrivals } from './lib/metrics.js';
import { acts, constant, keptUp, objectives, plan, recordLag, usersFor } from './lib/plan.js';
import { prepare } from './lib/prepare.js';
import { summary } from './lib/summary.js';
import { readBackFor, warmUp } from './lib/users.js';
import { grown, watch as look, watching } from './lib/watch.js';

const RATE = whole('RATE', 50);
const DURATION = seconds('DURATION', '10m');
const USERS = whole('USERS', usersFor(RATE));
// The one that watches is a user too, and reads back what it did not buy.
const ALL = USERS + 1;

export const options = plan({
  name: 'soak',
  scenarios: acts({
    arrivals: constant(RATE, DURATION),
    seconds: DURATION,
    users: USERS,
    watchers: { watch: watching(DURATION) },
  }),
  looked: ['acknowledged', 'replayed', 'stock'],
  thresholds: { ...objectives('steady'), ...keptUp(RATE * DURATION), ...look.thresholds },
});

export const setup = () => prepare({ accounts: whole('ACCOUNTS', 50), products: whole('PRODUCTS', 200), users: ALL });

export function load(data) {
  recordLag(RATE);
  enter('steady');
  arrivals.add(1, { phase: 'steady' });
  visit(data);
}

export const watch = look;

export { warmUp };

export const readBack = readBackFor(ALL);

export const teardown = settleAccounts;

export const handleSummary = summary({
  name: 'soak',
  users: ALL,
  // Twice what a healthy service was seen to waver in ten minutes; a leak of a kilobyte a request is far above it.
  conclude: (result, data) => grown(result, data, { seconds: DURATION, limit: number('GROWTH', 60) }),
});

// Does it work at all? One pass over every route of the API, refusals included, with a look at each answer. Takes a second
// or two, and fits into the default limits on log-ins and registrations once a minute.
//
//     make load SCENARIO=smoke

import { settleAccounts } from './lib/accounting.js';
import { enter } from './lib/api.js';
import { number } from './lib/environment.js';
import { arrivals } from './lib/metrics.js';
import { objectives, plan } from './lib/plan.js';
import { prepare } from './lib/prepare.js';
import { summary } from './lib/summary.js';
import { tour, TOURED } from './lib/tour.js';

export const options = plan({
  name: 'smoke',
  scenarios: { load: { executor: 'shared-iterations', exec: 'load', vus: 1, iterations: 1, maxDuration: '1m' } },
  looked: ['acknowledged', 'replayed', 'stock'],
  // There is no load: every answer has to be right, and none may be absurdly slow.
  thresholds: { ...objectives('tour', number('P99', 2000), 0), checks: ['rate==1'] },
  routes: TOURED,
});

export const setup = () => prepare({ accounts: 1, products: 10, users: 1, operator: true });

export function load(data) {
  enter('tour');
  arrivals.add(1, { phase: 'tour' });
  tour(data);
}

export const teardown = settleAccounts;

export const handleSummary = summary({ name: 'smoke', users: 0, routes: TOURED });

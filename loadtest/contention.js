// Everybody wants the same thing: one product with little stock, and many times as many buyers as pieces. Exactly the
// stock has to be sold, whoever gets it; all others are told that it is out of stock.
//
//     make load SCENARIO=contention STOCK=100 RATE=200 DURATION=10s

import exec from 'k6/execution';

import { settleAccounts } from './lib/accounting.js';
import { enter } from './lib/api.js';
import { seconds, whole } from './lib/environment.js';
import { arrivals } from './lib/metrics.js';
import { place } from './lib/orders.js';
import { acts, constant, keptUp, objectives, plan, recordLag, usersFor } from './lib/plan.js';
import { addProduct, prepare } from './lib/prepare.js';
import { customer } from './lib/sessions.js';
import { summary } from './lib/summary.js';
import { readBackFor, warmUp } from './lib/users.js';

const RATE = whole('RATE', 200);
const DURATION = seconds('DURATION', '10s');
const STOCK = whole('STOCK', 100);
const USERS = whole('USERS', usersFor(RATE));

if (RATE * DURATION < 2 * STOCK) {
  throw new Error(`${RATE * DURATION} buyers for ${STOCK} pieces is no contention: raise RATE or DURATION, or lower STOCK`);
}

export const options = plan({
  name: 'contention',
  scenarios: acts({ arrivals: constant(RATE, DURATION), seconds: DURATION, users: USERS }),
  looked: ['acknowledged', 'replayed', 'soldOut'],
  thresholds: {
    ...objectives('rush'),
    ...keptUp(RATE * DURATION),
    orders_acknowledged: [`count==${STOCK}`],
    pieces_found: [`count==${STOCK}`],
  },
});

export function setup() {
  const data = prepare({ accounts: whole('ACCOUNTS', 50), products: 0, users: USERS, operator: true });
  data.hot = addProduct(data, 'The one that everybody wants', STOCK);
  return data;
}

export function load(data) {
  recordLag(RATE);
  enter('rush');
  arrivals.add(1, { phase: 'rush' });
  // One buyer in ten does not believe the answer and sends the order again.
  const again = Math.random() < 0.1;
  place(customer(data), exec.vu.idInTest, [{ product: data.hot, quantity: 1 }], { again, scarce: true });
}

export { warmUp };

export const readBack = readBackFor(USERS);

export const teardown = settleAccounts;

export const handleSummary = summary({ name: 'contention', users: USERS });

// setup(): finds out whether there is a service that a run makes sense on, logs the accounts in, and looks at everything
// that is compared in the end. What is missing ends the run with a sentence that says what to do about it.

import exec from 'k6/execution';

import { send, testId } from './api.js';
import { API, OPERATOR, PASSWORD } from './environment.js';
import { ROUTES } from './routes.js';
import { scrape } from './server.js';
import { emailOf, logIn } from './sessions.js';

// The most that the API gives in one page.
const PAGE = 100;

// `accounts`, `products`: how many to use; `users`: how many virtual users will share the accounts; `operator`: whether
// one is needed.
export function prepare({ accounts, products, users, operator = false }) {
  const data = { testid: testId(), users, started: Date.now() };
  expectReady();
  const before = lookAtServer();
  if (PASSWORD === '') {
    giveUp('LOAD_PASSWORD is not set: it is the password that the accounts were seeded with');
  }
  data.accounts = pack(accountsOf(accounts));
  data.products = pack(catalog(products));
  data.before = pack(before);
  if (operator) data.operator = operatorSession();
  return data;
}

// As text: k6 makes every virtual user a copy of what setup() returns, object by object, which took 1.6 MB each. Of a text
// each unpacks what it needs.
const pack = JSON.stringify;
export const unpack = JSON.parse;

// Ends the run with this sentence, and with k6's exit code 108.
export function giveUp(reason) {
  exec.test.abort(reason);
}

function expectReady() {
  const response = send(ROUTES.ready, { expected: [200, 503], read: true });
  if (response.status === 0) {
    giveUp(`no service answers at ${API} (${response.error}): start one, or say where it is with API=http://host:port`);
  }
  if (response.status !== 200) {
    giveUp(`${API}/health/ready answers ${response.status} instead of 200: ${response.body}`);
  }
}

function lookAtServer() {
  const { seen, fault } = scrape();
  if (fault) {
    giveUp(
      `${fault}. Say where the admin listener is with ADMIN=http://host:port (several with commas between them), ` +
        "or go without the service's own numbers with ADMIN=none",
    );
  }
  return seen;
}

function accountsOf(count) {
  const accounts = [];
  for (let number = 1; number <= count; number += 1) {
    const email = emailOf(number);
    const { status, session } = logIn(email);
    if (status === 401) {
      giveUp(
        `${email} cannot log in with LOAD_PASSWORD: seed the service (glasshouse seed --products N --accounts ${count}, ` +
          'password on standard input), or use fewer accounts with ACCOUNTS=N',
      );
    }
    if (status === 429) {
      giveUp(
        `log-ins are limited, and ${number - 1} of ${count} accounts are logged in: lift the limit of the service that is ` +
          'to be loaded with GLASSHOUSE_RATE_LIMIT__LOGIN__RATE="" (empty), or use fewer accounts with ACCOUNTS=N',
      );
    }
    if (session === null) giveUp(`${email} cannot log in: status ${status}`);
    const newest = send(ROUTES.orders, { query: 'limit=1', token: session.token, read: true }).json('items.0.id');
    accounts.push({ email, session, newest: newest || null });
  }
  return accounts;
}

// The first `most` seeded products of the catalog: id, price and stock. Others may be scarce, or somebody's own.
export function catalog(most) {
  const products = [];
  let cursor = '';
  while (products.length < most && cursor !== null) {
    const query = `limit=${PAGE}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const response = send(ROUTES.products, { query, read: true });
    if (response.status !== 200) giveUp(`the catalog cannot be read: status ${response.status}`);
    const { items, next_cursor: next } = response.json();
    const seeded = items.filter(({ sku }) => sku.startsWith('SKU-'));
    products.push(...seeded.map(({ id, unit_price_cents: price, stock }) => ({ id, price, stock })));
    cursor = next;
  }
  if (most > 0 && products.length === 0) giveUp('no product is seeded: glasshouse seed --products N');
  return products.slice(0, most);
}

function operatorSession() {
  const { status, session } = logIn(OPERATOR);
  if (session === null) {
    giveUp(
      `${OPERATOR} cannot log in with LOAD_PASSWORD (status ${status}): make that account ` +
        `(glasshouse account create --email ${OPERATOR} --role operator), or name another with LOAD_OPERATOR`,
    );
  }
  return session;
}

// A product that is nobody else's, with this stock.
export function addProduct({ operator }, name, stock) {
  const body = JSON.stringify({
    sku: `LOAD-${Date.now()}`,
    name,
    product_type: 'physical',
    unit_price_cents: 1999,
    stock,
  });
  const response = send(ROUTES.addProduct, { token: operator.token, body, expected: [201], read: true });
  if (response.status !== 201) giveUp(`no product can be added: ${response.status} ${response.body}`);
  const { id, unit_price_cents: price } = response.json();
  return { id, price, stock };
}

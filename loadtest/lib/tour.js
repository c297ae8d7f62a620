// The smoke test's way through the whole API: every route at least once, and every kind of refusal that a client can
// bring about, with a look at each answer. Steps follow each other as in a shop: register, look, buy, follow, log out.

import { check } from 'k6';

import { send, testId } from './api.js';
import { holds, INVARIANTS } from './invariants.js';
import { code, post } from './orders.js';
import { unpack } from './prepare.js';
import { EVERY_ROUTE, label, ROUTES, UNKNOWN_PATH, WRONG_METHOD } from './routes.js';

const NOBODY = '00000000-0000-7000-8000-000000000000';
const PASSWORD = 'only for this one smoke test';

const visited = new Set();

// Sends a request, and checks that it is answered by this status and in this way.
function step(sentence, route, status, options = {}, right = () => true) {
  visited.add(label(route));
  const response = send(route, { ...options, expected: [status], read: true });
  check(response, { [sentence]: () => response.status === status && right(response) });
  return response;
}

// A refusal is a problem document with this code, and with the request id that is in its head.
function refused(sentence, route, status, expectedCode, options = {}, right = () => true) {
  return step(
    sentence,
    route,
    status,
    options,
    (response) =>
      response.headers['Content-Type'] === 'application/problem+json' &&
      code(response) === expectedCode &&
      response.json('request_id') === response.headers['X-Request-Id'] &&
      right(response),
  );
}

const json = (value) => JSON.stringify(value);

export function tour(data) {
  documents();
  const ada = registration();
  const product = catalogue(data.operator.token, ada.token);
  orders(data, ada, product);
  sessions(ada);
  everyRouteWasVisited();
}

function documents() {
  step('the landing page names the service', ROUTES.landing, 200, {}, (page) => page.json('name') === 'glasshouse');
  step('the API reference is a page', ROUTES.docs, 200, {}, ({ body }) => body.includes('<html'));
  refused('a file that the reference has not is not found', ROUTES.docsFile, 404, 'not_found', { id: 'nothing.css' });
  step('a problem is explained', ROUTES.problem, 200, { id: 'out_of_stock' }, (page) => page.json('status') === 409);
  refused('a problem that does not exist is not found', ROUTES.problem, 404, 'not_found', { id: 'no_such_problem' });
  step('the service is healthy', ROUTES.health, 200, {}, (health) => health.json('status') === 'ok');
  step('the service is live', ROUTES.live, 200, {}, (health) => health.json('status') === 'live');
  step('the service is ready', ROUTES.ready, 200, {}, (health) => health.json('status') === 'ready');
  refused('an unknown path is not found', UNKNOWN_PATH, 404, 'not_found', { path: '/no/such/path' });
  refused('another method is refused', WRONG_METHOD, 405, 'method_not_allowed', { body: '{}' }, ({ headers }) =>
    headers.Allow.includes('POST'),
  );
}

function registration() {
  const email = `smoke-${Date.now().toString(36)}@example.com`;
  const body = json({ email, password: PASSWORD, display_name: 'Smoke' });
  step('an account is registered', ROUTES.register, 201, { body }, (account) => account.json('role') === 'customer');
  refused('an address that is taken is refused', ROUTES.register, 409, 'email_taken', { body });
  refused('a wrong password is refused', ROUTES.logIn, 401, 'invalid_credentials', {
    body: json({ email, password: 'not this one' }),
  });
  const session = step('the account logs in', ROUTES.logIn, 201, { body: json({ email, password: PASSWORD }) });
  const token = session.json('access_token');
  step('the account is shown', ROUTES.me, 200, { token }, (account) => account.json('email') === email);
  refused(
    'without a token nobody is shown',
    ROUTES.me,
    401,
    'unauthenticated',
    {},
    ({ headers }) => 'Www-Authenticate' in headers,
  );
  return { token, refresh: session.json('refresh_token') };
}

function catalogue(operator, customer) {
  const page = step('products are listed', ROUTES.products, 200, { query: 'limit=2' }, (list) => list.json('items').length === 2);
  const next = { query: `limit=2&cursor=${encodeURIComponent(page.json('next_cursor'))}` };
  step(
    'the next page has other products',
    ROUTES.products,
    200,
    next,
    (list) => list.json('items.0.id') !== page.json('items.1.id'),
  );
  refused('a limit of none is refused', ROUTES.products, 400, 'invalid_parameter', { query: 'limit=0' });

  const fields = { sku: `SMOKE-${Date.now()}`, name: 'Smoke test', product_type: 'physical', unit_price_cents: 250, stock: 10 };
  const body = json(fields);
  const added = step(
    'an operator adds a product',
    ROUTES.addProduct,
    201,
    { token: operator, body },
    (product) => product.json('stock') === 10,
  );
  const id = added.json('id');
  refused('a customer adds none', ROUTES.addProduct, 403, 'forbidden', { token: customer, body });
  refused('a SKU that is taken is refused', ROUTES.addProduct, 409, 'sku_taken', { token: operator, body });
  refused('an unknown field is refused', ROUTES.addProduct, 422, 'invalid_body', {
    token: operator,
    body: json({ ...fields, colour: 'blue' }),
  });
  refused('what is not JSON is refused', ROUTES.addProduct, 415, 'unsupported_media_type', {
    token: operator,
    body,
    headers: { 'Content-Type': 'text/plain' },
  });
  refused('a body that is too large is refused', ROUTES.addProduct, 413, 'body_too_large', {
    token: operator,
    body: json('x'.repeat(70000)),
  });

  const shown = step('a product is shown', ROUTES.product, 200, { id }, (product) => product.json('sku') === fields.sku);
  const tag = { 'If-None-Match': shown.headers.Etag };
  step('a product that is as before is not sent again', ROUTES.product, 304, { id, headers: tag });
  step(
    'an operator restocks it',
    ROUTES.changeProduct,
    200,
    { id, token: operator, body: json({ stock_delta: 5 }) },
    (product) => product.json('stock') === 15,
  );
  step(
    'a product that changed is sent again',
    ROUTES.product,
    200,
    { id, headers: tag },
    (product) => product.json('stock') === 15,
  );
  refused('stock does not fall below zero', ROUTES.changeProduct, 409, 'insufficient_stock', {
    id,
    token: operator,
    body: json({ stock_delta: -16 }),
  });
  refused('an unknown product is not found', ROUTES.product, 404, 'not_found', { id: NOBODY });
  refused('what is no id is refused', ROUTES.product, 400, 'invalid_parameter', { id: 'mug' });
  return { id, price: 250, stock: 15 };
}

function orders(data, ada, product) {
  const token = ada.token;
  const request = (key, quantity) => ({
    key: `${testId()}-${key}`,
    body: json({ items: [{ product_id: product.id, quantity }] }),
    scarce: true,
  });
  visited.add(label(ROUTES.place));
  const first = post(ada, request('first', 2));
  const again = post(ada, request('first', 2));
  check(first, { 'an order is placed': () => first.status === 201 && first.json('total_cents') === 500 });
  const id = first.json('id');
  holds(
    INVARIANTS.replayed,
    again.status === 201 && again.json('id') === id && again.headers['Idempotency-Replayed'] === 'true',
    () => again.body,
  );
  const large = post(ada, request('large', 1000));
  check(large, { 'more than there is cannot be ordered': () => large.status === 409 && code(large) === 'out_of_stock' });

  const { body } = request('first', 3);
  const key = { 'Idempotency-Key': `${testId()}-first` };
  refused('a key is good for one order', ROUTES.place, 422, 'idempotency_key_reuse', { token, body, headers: key });
  refused('what does not exist cannot be ordered', ROUTES.place, 422, 'unknown_product', {
    token,
    body: json({ items: [{ product_id: NOBODY, quantity: 1 }] }),
  });
  refused('half an order is refused', ROUTES.place, 400, 'malformed_request', { token, body: '{"items":[' });
  refused('nobody orders without a token', ROUTES.place, 401, 'unauthenticated', { body });

  step('the order is listed', ROUTES.orders, 200, { token, query: 'limit=1' }, (list) => list.json('items.0.id') === id);
  refused('a cursor that was not given is refused', ROUTES.orders, 400, 'invalid_parameter', { token, query: 'cursor=nonsense' });
  const read = step('the order is shown', ROUTES.order, 200, { id, token });
  holds(INVARIANTS.acknowledged, read.status === 200 && read.json('total_cents') === 500, () => `order ${id}: ${read.body}`);
  refused('another account does not see it', ROUTES.order, 404, 'not_found', {
    id,
    token: unpack(data.accounts)[0].session.token,
  });

  const operator = data.operator.token;
  refused('a customer does not take its own payment', ROUTES.pay, 403, 'forbidden', { id, token });
  step('the order is paid', ROUTES.pay, 200, { id, token: operator }, (order) => order.json('status') === 'paid');
  refused('an order is paid once', ROUTES.pay, 409, 'invalid_transition', { id, token: operator });
  step('the order is shipped', ROUTES.ship, 200, { id, token: operator }, (order) => order.json('status') === 'shipped');
  refused('a shipped order is not cancelled', ROUTES.cancel, 409, 'invalid_transition', { id, token });
  step('the order is delivered', ROUTES.deliver, 200, { id, token: operator }, (order) => order.json('status') === 'delivered');
  step('its steps are told', ROUTES.history, 200, { id, token }, (steps) => steps.json('items').length === 4);

  const second = post(ada, request('second', 1));
  step(
    'an order is cancelled',
    ROUTES.cancel,
    200,
    { id: second.json('id'), token },
    (order) => order.json('status') === 'cancelled',
  );
  // Two went with the order that was delivered; what was cancelled is back.
  const left = send(ROUTES.product, { id: product.id, read: true }).json('stock');
  holds(INVARIANTS.stock, left === product.stock - 2, () => `${left} are left of ${product.stock}, and 2 are sold`);
}

function sessions({ token, refresh }) {
  const renewed = step('a session is renewed', ROUTES.refresh, 200, { body: json({ refresh_token: refresh }) });
  refused('a refresh token is good once', ROUTES.refresh, 401, 'invalid_refresh_token', {
    body: json({ refresh_token: refresh }),
  });
  step('the account logs out', ROUTES.logOut, 204, { token });
  refused('a session that ended stays so', ROUTES.refresh, 401, 'invalid_refresh_token', {
    body: json({ refresh_token: renewed.json('refresh_token') }),
  });
}

// By the service's own API reference: a route that is added there has to be added here.
function everyRouteWasVisited() {
  const { paths } = step('the API reference is a document', ROUTES.openapi, 200).json();
  const known = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => label({ method: method.toUpperCase(), path })),
  );
  const missed = known.filter((route) => !route.startsWith('HEAD ') && !visited.has(route));
  check(missed, { 'every route of the API reference was visited': () => missed.length === 0 });
  if (missed.length > 0) console.error(`never asked for: ${missed.join(', ')}`);
}

// What is counted in this scenario: all there is.
export const TOURED = EVERY_ROUTE;

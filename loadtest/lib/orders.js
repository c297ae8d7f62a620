// Placing orders, and remembering them: each virtual user keeps what was acknowledged to it, and reads it back when the
// load is over. An order whose fate is unknown is sent again with its key, as a good client would.

import { check, sleep } from 'k6';

import { hasFailed, send, testId } from './api.js';
import { READ_BACK } from './environment.js';
import { holds, INVARIANTS } from './invariants.js';
import { ordersAcknowledged, ordersRefused, ordersReplayed, ordersUnknown } from './metrics.js';
import { ROUTES } from './routes.js';

// Times that what failed is tried again in the end.
const TRIES = 15;

const acknowledged = [];
const unsettled = [];
let keys = 0;

// An order that this user placed and may still be cancelled, or any that it placed.
export const someOrder = () => pick(acknowledged);
export const someOpenOrder = () => pick(acknowledged.filter((order) => order.status === 'placed'));

const pick = (list) => list[Math.floor(Math.random() * list.length)];

// Places an order of `lines`: `{product: {id, price}, quantity}`. With `again`, the same request is sent a second time
// under its key, and has to get the first answer. `scarce`: being out of stock is an answer like any other.
export function place(customer, user, lines, { again = false, scarce = false } = {}) {
  keys += 1;
  const request = {
    // With the time: a run may be repeated under its id, and is not to be answered by the answers of the last.
    key: `${testId()}-${Date.now().toString(36)}-${user}-${keys}`,
    body: JSON.stringify({ items: lines.map(({ product, quantity }) => ({ product_id: product.id, quantity })) }),
    total: lines.reduce((sum, { product, quantity }) => sum + product.price * quantity, 0),
    pieces: lines.reduce((sum, { quantity }) => sum + quantity, 0),
    scarce,
  };
  const first = post(customer, request);
  const order = conclude(request, first);
  if (hasFailed(first)) unsettled.push(request);
  if (again && !hasFailed(first)) repeat(customer, request, first);
  return order;
}

// Sends it, and counts what came of it: every request to place an order goes through here.
export function post(customer, request) {
  const response = send(ROUTES.place, {
    token: customer.token,
    body: request.body,
    headers: { 'Idempotency-Key': request.key },
    expected: request.scarce ? [201, 409] : [201],
    read: true,
  });
  if (response.headers['Idempotency-Replayed'] === 'true') ordersReplayed.add(1);
  else if (response.status === 201) ordersAcknowledged.add(1);
  else if (code(response) === 'out_of_stock') ordersRefused.add(1);
  else if (hasFailed(response)) ordersUnknown.add(1);
  return response;
}

export const code = (response) => (response.status >= 400 && response.body ? response.json('code') : undefined);

// Remembers what was acknowledged, and checks that it is what was ordered.
function conclude(request, response) {
  const soldOut = request.scarce && code(response) === 'out_of_stock';
  check(response, { 'an order is placed or refused for want of stock': () => response.status === 201 || soldOut });
  if (response.status !== 201) return null;
  const placed = response.json();
  check(placed, {
    'an order is of what was ordered': () => placed.total_cents === request.total && pieces(placed) === request.pieces,
  });
  const order = { id: placed.id, total: request.total, pieces: request.pieces, status: 'placed' };
  acknowledged.push(order);
  return order;
}

function repeat(customer, request, first) {
  const second = post(customer, request);
  if (hasFailed(second)) return;
  const same =
    second.status === first.status &&
    second.headers['Idempotency-Replayed'] === 'true' &&
    (first.status !== 201 || second.json('id') === first.json('id'));
  holds(INVARIANTS.replayed, same, () => `key ${request.key}: ${first.status} first, then ${second.status}`);
}

const pieces = (order) => order.items.reduce((sum, item) => sum + item.quantity, 0);

export function cancel(customer, order) {
  // Should the answer be lost, either is right from now on.
  order.status = 'placed or cancelled';
  const response = send(ROUTES.cancel, { id: order.id, token: customer.token });
  if (response.status === 200) order.status = 'cancelled';
  check(response, { 'an order is cancelled': () => response.status === 200 });
}

// Reads an order, and tells whether it is there as it was acknowledged.
export function readBack(customer, order) {
  const response = send(ROUTES.order, { id: order.id, token: customer.token, read: true });
  if (hasFailed(response)) return response;
  const there = response.status === 200 ? response.json() : null;
  const right =
    there !== null &&
    there.id === order.id &&
    there.total_cents === order.total &&
    pieces(there) === order.pieces &&
    order.status.includes(there.status);
  holds(INVARIANTS.acknowledged, right, () => `order ${order.id}: ${response.status} ${response.body}`);
  return response;
}

// Asks until there is an answer other than 5xx, with the pauses that the service asks for: like a good client it gives a
// service that was overrun a while to be itself again.
function insist(ask) {
  let response = ask();
  for (let more = TRIES; hasFailed(response) && more > 0; more -= 1) {
    sleep(Number(response.headers['Retry-After'] || 1) * (0.5 + Math.random()));
    response = ask();
  }
  return response;
}

// When the load is over: first what is unsettled is sent again, then what was acknowledged is read, or a fair sample of
// it where there is too much.
export function settleAndReadBack(customer, users) {
  for (const request of unsettled.splice(0)) {
    const response = insist(() => post(customer, request));
    const settled = response.status === 201 || (request.scarce && code(response) === 'out_of_stock');
    holds(INVARIANTS.settled, settled, () => `key ${request.key}: still ${response.status}`);
    if (settled) conclude(request, response);
  }
  const share = Math.max(1, Math.ceil(READ_BACK / users));
  const step = Math.max(1, acknowledged.length / share);
  for (let at = 0; at < acknowledged.length; at += step) {
    const order = acknowledged[Math.floor(at)];
    const response = insist(() => readBack(customer, order));
    // What cannot be read for so long is not there.
    if (hasFailed(response)) holds(INVARIANTS.acknowledged, false, () => `order ${order.id}: ${response.status}`);
  }
}

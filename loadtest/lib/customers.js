// What customers do, and how often: one arrival is one visit, drawn by these weights. They look far more often than they
// buy, come back to what they saw with its ETag, send an order twice now and then, and rarely log in.

import { check } from 'k6';
import exec from 'k6/execution';

import { send } from './api.js';
import { scriptErrors } from './metrics.js';
import { cancel, place, readBack, someOpenOrder, someOrder } from './orders.js';
import { unpack } from './prepare.js';
import { ROUTES } from './routes.js';
import { customer, logInAgain, renew } from './sessions.js';

const tags = {};
let products = null;

// In a thousand visits.
const VISITS = [
  [240, browse],
  [410, lookAtProduct],
  [150, buy],
  [90, lookAtOrder],
  [70, lookAtOrders],
  [15, followOrder],
  [15, changeMind],
  [5, lookAtAccount],
  [3, stayLoggedIn],
  [2, comeBack],
];
const TOTAL = VISITS.reduce((sum, [weight]) => sum + weight, 0);

// Once for each user. Before the load, where there is time for it; a user that missed that gets ready on arrival.
export function getReady(data) {
  products ??= unpack(data.products);
}

// k6 logs what a script throws, and calls the run passed all the same: it is counted, and a threshold says that there is
// none.
export function visit(data) {
  let point = Math.random() * TOTAL;
  const [, action] = VISITS.find(([weight]) => {
    point -= weight;
    return point < 0;
  });
  try {
    getReady(data);
    action(exec.vu.idInTest, customer(data));
  } catch (error) {
    scriptErrors.add(1);
    throw error;
  }
}

// A few products are wanted by most: a third of all looks go to the first 4 % of the catalog.
const popular = () => products[Math.floor(products.length * Math.random() ** 3)];

function browse() {
  const turnsThePage = Math.random() < 0.3;
  const response = send(ROUTES.products, { query: 'limit=20', read: turnsThePage });
  check(response, { 'products are listed': ({ status }) => status === 200 });
  if (!turnsThePage || response.status !== 200) return;
  const cursor = response.json('next_cursor');
  if (cursor === null) return;
  const next = send(ROUTES.products, { query: `limit=20&cursor=${encodeURIComponent(cursor)}` });
  check(next, { 'products are listed': ({ status }) => status === 200 });
}

function lookAtProduct() {
  const { id } = popular();
  const headers = tags[id] ? { 'If-None-Match': tags[id] } : {};
  const response = send(ROUTES.product, { id, headers, expected: [200, 304] });
  check(response, {
    'a product is shown, or told to be as before': ({ status }) => status === 200 || (status === 304 && tags[id] !== undefined),
    'a product has an ETag': (answer) => answer.status >= 400 || answer.headers.Etag !== undefined,
  });
  if (response.status === 200) tags[id] = response.headers.Etag;
}

// One to three products, one to three pieces of each. One order in ten is sent twice, and one in three is read at once.
function buy(user, customer) {
  const wanted = new Set([popular(), popular(), popular()].slice(Math.floor(Math.random() * 3)));
  const lines = [...wanted].map((product) => ({ product, quantity: 1 + Math.floor(Math.random() * 3) }));
  const order = place(customer, user, lines, { again: Math.random() < 0.1 });
  if (order !== null && Math.random() < 0.33) readBack(customer, order);
}

function lookAtOrder(user, customer) {
  const order = someOrder();
  if (order) readBack(customer, order);
  else lookAtOrders(user, customer);
}

function lookAtOrders(user, customer) {
  const response = send(ROUTES.orders, { query: 'limit=20', token: customer.token });
  check(response, { 'orders are listed': ({ status }) => status === 200 });
}

function followOrder(user, customer) {
  const order = someOrder();
  if (!order) return lookAtOrders(user, customer);
  const response = send(ROUTES.history, { id: order.id, token: customer.token });
  return check(response, { 'the steps of an order are told': ({ status }) => status === 200 });
}

function changeMind(user, customer) {
  const order = someOpenOrder();
  if (order) cancel(customer, order);
  else buy(user, customer);
}

function lookAtAccount(user, customer) {
  const response = send(ROUTES.me, { token: customer.token });
  check(response, { 'an account is shown': ({ status }) => status === 200 });
}

function stayLoggedIn() {
  check(renew(), { 'a session is renewed': (done) => done });
}

function comeBack() {
  check(logInAgain(), { 'a customer logs in': (done) => done });
}

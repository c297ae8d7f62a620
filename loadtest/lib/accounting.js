// teardown(): settles the accounts of a run. What the accounts ordered since its beginning, less what was cancelled, has
// to be what is missing in stock, product by product; nothing may be sold twice, and nothing for nothing.

import { send } from './api.js';
import { ALONE } from './environment.js';
import { holds, INVARIANTS } from './invariants.js';
import { ordersFound, piecesFound } from './metrics.js';
import { catalog, unpack } from './prepare.js';
import { ROUTES } from './routes.js';
import { scrapeAtRest } from './server.js';
import { stillGood } from './sessions.js';

// With `hot`, a product whose stock is to be sold to the last piece.
export function settleAccounts(data) {
  scrapeAtRest();
  const sold = {};
  for (const account of unpack(data.accounts)) {
    for (const order of ordersSince(account)) {
      ordersFound.add(1);
      if (order.status === 'cancelled') continue;
      for (const { product_id: product, quantity } of order.items) {
        sold[product] = (sold[product] || 0) + quantity;
        piecesFound.add(quantity);
      }
    }
  }
  if (data.hot) expectSoldOut(data.hot, sold[data.hot.id] || 0);
  if (!ALONE) return;
  const products = unpack(data.products);
  const left = Object.fromEntries(catalog(products.length).map(({ id, stock }) => [id, stock]));
  for (const { id, stock } of products) {
    const missing = stock - left[id];
    holds(
      INVARIANTS.stock,
      missing === (sold[id] || 0),
      () => `product ${id}: ${missing} pieces fewer in stock, ${sold[id] || 0} sold`,
    );
  }
}

// Newest first, until the one that was the newest when the run began.
function ordersSince(account) {
  const orders = [];
  let cursor = '';
  while (cursor !== null) {
    const query = `limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const response = send(ROUTES.orders, { query, token: stillGood(account), read: true });
    if (response.status !== 200) throw new Error(`the orders of ${account.email} cannot be read: status ${response.status}`);
    const page = response.json();
    const end = page.items.findIndex(({ id }) => id === account.newest);
    orders.push(...(end < 0 ? page.items : page.items.slice(0, end)));
    cursor = end < 0 ? page.next_cursor : null;
  }
  return orders;
}

function expectSoldOut(hot, sold) {
  const { stock } = send(ROUTES.product, { id: hot.id, read: true }).json();
  holds(
    INVARIANTS.soldOut,
    stock === 0 && sold === hot.stock,
    () => `${hot.stock} were there, ${sold} are sold, ${stock} are left`,
  );
}

// Where panels are, and which of them.

import assert from 'node:assert/strict';
import test from 'node:test';

import { place, shown } from '../page/grid.js';

test('a panel over the whole width is as wide as the grid', () => {
  assert.deepEqual(place({ x: 0, y: 1, w: 24, h: 4 }, 1568), { left: 0, top: 38, width: 1568, height: 144 });
});

test('two halves have a gap between them', () => {
  const [left, right] = [0, 12].map((x) => place({ x, y: 0, w: 12, h: 1 }, 1568));
  assert.equal(Math.round(right.left - (left.left + left.width)), 8);
});

test('the first rows are those before the next heading', () => {
  const ids = (panels, rows) => shown({ panels }, rows).map(({ id }) => id);
  const panels = ['row', 'stat', 'row', 'table'].map((type, id) => ({ type, id }));
  assert.deepEqual(ids(panels, 1), [0, 1]);
  assert.deepEqual(ids(panels), [0, 1, 2, 3]);
  assert.deepEqual(ids([{ type: 'stat', id: 0 }], 1), [0]);
});

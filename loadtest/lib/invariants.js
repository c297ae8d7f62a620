// What has to be true whatever the load. Each look at one is counted, each failure too; a failure fails the run, and so
// does an invariant that was to be looked at and was not.

import { invariantChecked, invariantViolated } from './metrics.js';

export const INVARIANTS = {
  acknowledged: 'acknowledged orders are there',
  replayed: 'a repeated key gets the first answer',
  settled: 'an unknown outcome settles on retry',
  stock: 'stock and orders add up',
  soldOut: 'exactly the stock is sold',
};

let told = 0;

export function holds(invariant, held, describe) {
  invariantChecked.add(1, { invariant });
  invariantViolated.add(held ? 0 : 1, { invariant });
  if (held) return;
  told += 1;
  if (told <= 5) console.error(`violated: ${invariant}: ${describe()}`);
}

// What `thresholds` of a run say about them: none may be violated, and those that the scenario is about are looked at.
export function thresholdsOf(looked) {
  const thresholds = {};
  for (const [name, invariant] of Object.entries(INVARIANTS)) {
    thresholds[`invariant_violated{invariant:${invariant}}`] = ['count==0'];
    thresholds[`invariant_checked{invariant:${invariant}}`] = [looked.includes(name) ? 'count>0' : 'count>=0'];
  }
  return thresholds;
}

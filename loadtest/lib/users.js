// What each virtual user does before the load and after it, once.

import http from 'k6/http';
import { sleep } from 'k6';

import { enter } from './api.js';
import { getReady } from './customers.js';
import { API } from './environment.js';
import { settleAndReadBack } from './orders.js';
import { ADMIN_LABEL } from './server.js';
import { customer } from './sessions.js';

// Gets ready: unpacks what setup() gave, and opens its connection with a probe, which is counted as no load. A few
// milliseconds each, which would be the slowest arrivals of the run.
export function warmUp(data) {
  customer(data);
  getReady(data);
  http.get(`${API}/health/live`, { tags: { name: ADMIN_LABEL } });
}

// Not all in the same moment: it is no part of the load, and should be none.
export function readBackFor(users) {
  return (data) => {
    enter(null);
    sleep(Math.random() * Math.min(5, users / 50));
    settleAndReadBack(customer(data), users);
  };
}

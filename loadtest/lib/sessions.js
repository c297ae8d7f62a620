// Sessions of the seeded accounts. Logging in is meant to be slow (a password hash of 19 MiB), so setup() does it once for
// each account; a virtual user goes on with the session of its account and renews it before it ends.

import exec from 'k6/execution';

import { send } from './api.js';
import { PASSWORD } from './environment.js';
import { ROUTES } from './routes.js';

// A token is renewed when this much of its life is over, and a little later for some users than for others, so that they
// do not all come at once.
const RENEW_AT = 0.7;
const RENEW_SPREAD = 0.2;

export const emailOf = (number) => `load-${number}@example.com`;

// The session, or `null` and the status that came instead.
export function logIn(email, password = PASSWORD) {
  const body = JSON.stringify({ email, password });
  const response = send(ROUTES.logIn, { body, expected: [201], read: true });
  return { status: response.status, session: response.status === 201 ? session(response) : null };
}

function session(response) {
  const { access_token: token, refresh_token: refresh, expires_in: lifetime } = response.json();
  return { token, refresh, until: Date.now() + lifetime * 1000, life: lifetime * 1000 };
}

let email;
let own = null;
let patience = 0;

// Who this virtual user is. Several share an account when there are more users than accounts; then nobody may use its
// refresh token, which is good once.
export function customer(data) {
  if (own === null) {
    const accounts = JSON.parse(data.accounts);
    ({ email, session: own } = accounts[(exec.vu.idInTest - 1) % accounts.length]);
    if (data.users > accounts.length) own.refresh = null;
    patience = RENEW_AT + Math.random() * RENEW_SPREAD;
  }
  if (Date.now() > own.until - own.life * (1 - patience)) renew();
  return { token: own.token };
}

// Goes on with the refresh token, or logs in where there is none or it was refused.
export function renew() {
  if (own.refresh !== null) {
    const body = JSON.stringify({ refresh_token: own.refresh });
    const response = send(ROUTES.refresh, { body, read: true });
    if (response.status === 200) {
      own = session(response);
      return true;
    }
  }
  return logInAgain();
}

export function logInAgain() {
  const { session: fresh } = logIn(email);
  if (fresh === null) return false;
  own = fresh;
  return true;
}

// A session that lives for the while that teardown needs, which may come long after setup.
export function stillGood(account) {
  if (Date.now() > account.session.until - 60000) {
    const { session: fresh } = logIn(account.email);
    if (fresh !== null) account.session = fresh;
  }
  return account.session.token;
}

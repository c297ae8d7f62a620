// Holds what the client counted against what the service counted. Pure: takes the two, gives rows and complaints.

import { isProbe, label } from './routes.js';

// `client`: requests by `METHOD path` and status; status 0 is a request without an answer. `server`: the difference of
// http_requests_total, by `METHOD path status`. `cut`: how many requests the client may have left in flight when it was
// stopped: of these only the service knows.
//
// What has an answer has to be counted by both, under the same status. Of what has none, the service may have counted any
// status, or nothing.
export function compareRequests(client, server, cut = 0) {
  const rows = {};
  const row = (key) => rows[key] || (rows[key] = { client: {}, server: {} });
  for (const [key, statuses] of Object.entries(client)) Object.assign(row(key).client, statuses);
  for (const [key, count] of Object.entries(server)) {
    const [method, path, status] = key.split(' ');
    row(label({ method, path })).server[status] = count;
  }
  const differences = [];
  let loose = cut;
  for (const [key, one] of Object.entries(rows)) {
    if (isProbe(key.split(' ')[1])) {
      delete rows[key];
      continue;
    }
    const unanswered = one.client[0] || 0;
    let surplus = 0;
    for (const status of Object.keys({ ...one.client, ...one.server })) {
      if (status === '0') continue;
      const ours = one.client[status] || 0;
      const theirs = one.server[status] || 0;
      if (theirs < ours) differences.push({ route: key, status, client: ours, server: theirs });
      else surplus += theirs - ours;
    }
    loose -= Math.max(0, surplus - unanswered);
    if (surplus > unanswered && loose < 0) {
      for (const [status, theirs] of Object.entries(one.server)) {
        const ours = one.client[status] || 0;
        if (theirs > ours) differences.push({ route: key, status, client: ours, server: theirs });
      }
    }
  }
  return { rows, differences };
}

// Numbers that have to be equal, where some outcomes may be unknown to the client: `[name, client, server, unknown]`.
export function compareCounts(counts) {
  return counts.map(([name, client, server, unknown]) => ({
    name,
    client,
    server,
    unknown,
    agree: server >= client && server <= client + unknown,
  }));
}

// Writes the verdict for people. Colours only where the terminal is one.

import { isProbe } from './routes.js';

const PLAIN = { good: (text) => text, bad: (text) => text, strong: (text) => text };
const colour = (code) => (text) => `\u001b[${code}m${text}\u001b[0m`;
const COLOURED = { good: colour(32), bad: colour(31), strong: colour(1) };

export function render(result, { coloured = false, notes = [] } = {}) {
  const paint = coloured ? COLOURED : PLAIN;
  const lines = ['', `${paint.strong(result.scenario)}: ${result.passed ? paint.good('passed') : paint.bad('FAILED')}`];
  for (const failure of result.failures) lines.push(`  ${paint.bad('✗')} ${failure}`);
  if (!result.load) return `${lines.join('\n')}\n\n`;
  lines.push('', ...heading(result), ...notes);
  section(lines, 'Load', phases(result.phases));
  section(lines, 'Requests', requests(result, paint));
  section(
    lines,
    'Thresholds',
    result.thresholds.map(
      ({ metric, expression, value, passed }) =>
        `${mark(passed, paint)} ${metric} ${expression}: ${value === null ? 'nothing measured' : short(value)}`,
    ),
  );
  section(
    lines,
    'Invariants',
    result.invariants.map(
      ({ invariant, checked, violated }) =>
        `${mark(violated === 0 && checked > 0, paint)} ${invariant}: ${count(checked)} checked, ${count(violated)} violated`,
    ),
  );
  section(
    lines,
    'Checks that failed',
    result.checks
      .filter(({ fails }) => fails > 0)
      .map(({ name, passes, fails }) => `${mark(false, paint)} ${name}: ${count(fails)} of ${count(passes + fails)}`),
  );
  if (result.counts) {
    section(
      lines,
      'Counted by both',
      result.counts.map(
        ({ name, client, server, unknown, agree }) =>
          `${mark(agree, paint)} ${name}: client ${count(client)}, service ${count(server)}${unknown > 0 ? `, up to ${count(unknown)} unknown to the client` : ''}`,
      ),
    );
  }
  if (result.server) section(lines, 'The service meanwhile', server(result.server));
  return `${lines.join('\n')}\n\n`;
}

function section(lines, title, rows) {
  if (rows.length > 0) lines.push('', title, ...rows.map((row) => `  ${row}`));
}

const mark = (good, paint) => (good ? paint.good('✓') : paint.bad('✗'));

function heading({ testid, trace_prefix: prefix, service, api, load }) {
  const built = service ? `, glasshouse ${service.version} (${service.revision}) on ${service.database}` : '';
  const several = service && service.instances > 1 ? `, ${service.instances} instances` : '';
  return [
    `  run      ${testid}: request ids begin with it, trace ids with ${prefix}`,
    `  service  ${api}${built}${several}`,
    `  load     ${count(load.iterations)} arrivals, ${count(load.dropped_iterations)} dropped` +
      `${load.arrival_lag_p99_ms > 0 ? `, p99 ${time(load.arrival_lag_p99_ms)} late` : ''};` +
      ` ${count(load.requests)} requests in ${time(load.seconds * 1000)}, all told`,
  ];
}

function phases(all) {
  const rows = Object.entries(all)
    .filter(([, { answers }]) => answers > 0)
    .map(([phase, of]) => [
      phase,
      count(of.answers),
      time(of.p50_ms),
      time(of.p95_ms),
      time(of.p99_ms),
      time(of.max_ms),
      percent(of.failed),
    ]);
  return table([['phase', 'answers', 'p50', 'p95', 'p99', 'max', 'failed'], ...rows]);
}

function requests({ routes, service }, paint) {
  const rows = Object.entries(routes).map(([route, { client, server: theirs }]) => [
    route,
    client ? statuses(client.statuses) : '-',
    ...(client ? [client.p50_ms, client.p95_ms, client.p99_ms].map(time) : ['-', '-', '-']),
    theirs ? bucket(theirs) : '-',
    service ? agreement(route, client, theirs, paint) : '-',
  ]);
  return table([['', 'answers', 'p50', 'p95', 'p99', 'p99 of the service', 'its count'], ...rows], [0, 1, 6]);
}

// Of probes others may be the askers, so they are not compared.
function agreement(route, client, theirs, paint) {
  if (client && !theirs && isProbe(route.split(' ')[1])) return '-';
  const [ours, its] = [client ? client.statuses : {}, theirs ? theirs.statuses : {}];
  const same = Object.keys({ ...ours, ...its }).every((status) => ours[status] === its[status]);
  return same ? paint.good('the same') : paint.bad(statuses(its));
}

const statuses = (counts) =>
  Object.entries(counts)
    .map(([status, of]) => `${status === '0' ? 'no answer' : status}: ${count(of)}`)
    .join(' ') || 'none';

// What a histogram knows is a bucket; the number in it is an interpolation.
const bucket = ({ p99_ms: value, p99_bucket_ms: bounds }) =>
  value === null
    ? '-'
    : `${time(value)} (${bounds[1] === null ? `> ${time(bounds[0])}` : `${short(bounds[0])}-${short(bounds[1])}`})`;

function server(of) {
  const mib = (bytes) => `${(bytes / 1048576).toFixed(1)} MiB`;
  const each = (all) =>
    Object.entries(all)
      .map(([name, value]) => `${name} ${value === null ? '-' : time(value)}`)
      .join(', ');
  return [
    `CPU ${of.cpu_seconds.toFixed(1)} s, ${of.cpu_cores.toFixed(2)} cores on average over all of the run; memory ${mib(of.resident_bytes[0])} at the start, ${mib(of.resident_bytes[1])} at the end`,
    `wait for a connection, p99: ${each(of.pool_wait_p99_ms)}; given up: ${count(of.pool_timeouts)}`,
    `lag of its runtimes, p99: ${each(of.runtime_lag_p99_ms)}`,
    `5xx: ${count(of.responses_5xx)}; clients gone (499): ${count(of.clients_gone)}; turned away: ${count(of.requests_rejected)}; ` +
      `database errors: ${count(of.database_errors)}`,
    `panics: ${count(of.panics)}; log lines dropped: ${count(of.log_lines_dropped)}; spans lost: ${count(of.spans_lost)}`,
  ];
}

// Columns as wide as their widest cell; numbers to the right, but for the columns in `left`. A colour takes no room, so
// only the last column may have one.
export function table(rows, left = [0]) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (left.includes(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd(),
  );
}

export function count(number) {
  return String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

export function time(ms) {
  if (ms >= 60000) return `${Math.floor(ms / 60000)}m${Math.round((ms % 60000) / 1000)}s`;
  if (ms >= 1000) return `${(ms / 1000).toPrecision(3)}s`;
  return `${short(ms)}ms`;
}

const short = (number) => (Number.isInteger(number) ? String(number) : String(Number(number.toPrecision(3))));

export const percent = (share) => `${short(share * 100)}%`;

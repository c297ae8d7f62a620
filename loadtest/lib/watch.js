// Watches a service for what must not grow with time: memory, open files, threads, from its own metrics.

import exec from 'k6/execution';

import { watched } from './metrics.js';
import { scrape } from './server.js';
import { valueOf } from './verdict.js';

const WARM_UP = 0.1;
const EVERY = 5;
const MIB = 1048576;

// Files and threads come and go with connections and bursts: so many more are no growth.
const SLACK = 10;

export const watching = (seconds) => ({
  executor: 'constant-arrival-rate',
  exec: 'watch',
  rate: 1,
  timeUnit: `${EVERY}s`,
  duration: `${Math.round(seconds)}s`,
  preAllocatedVUs: 1,
  maxVUs: 1,
});

// One look. What lies between the first third and the last is not kept.
export function watch() {
  const done = (exec.scenario.progress - WARM_UP) / (1 - WARM_UP);
  const part = done < 1 / 3 ? 'early' : 'late';
  if (done < 0 || (done > 1 / 3 && done < 2 / 3)) return;
  const { seen } = scrape();
  if (!seen) return;
  watched.memory.add(seen.gauges.process_resident_memory_bytes / MIB, { part });
  watched.files.add(seen.gauges.process_open_fds, { part });
  watched.threads.add(seen.gauges.process_threads, { part });
}

watch.thresholds = {};
for (const metric of ['watched_resident_mib', 'watched_open_fds', 'watched_threads']) {
  for (const part of ['early', 'late']) watch.thresholds[`${metric}{part:${part}}`] = ['max>=0'];
}

// Says how much grew, and fails what grew too much. `limit`: MiB of memory an hour.
export function grown(result, data, { seconds, limit }) {
  if (result.service === undefined) return ["  growth   unknown: the service's own numbers were not read"];
  const of = (metric, part, stat) => valueOf(data, `${metric}{part:${part}}`, stat);
  const early = of('watched_resident_mib', 'early', 'avg');
  const late = of('watched_resident_mib', 'late', 'avg');
  // From the middle of the first third to the middle of the last.
  const hours = (seconds * (1 - WARM_UP) * (2 / 3)) / 3600;
  const growth = { resident_mib_early: early, resident_mib_late: late, resident_mib_an_hour: (late - early) / hours };
  if (early === 0 || late === 0) result.failures.push('the service could not be watched: nothing is known about growth');
  if (growth.resident_mib_an_hour > limit) {
    result.failures.push(`memory grew by ${growth.resident_mib_an_hour.toFixed(0)} MiB an hour, more than ${limit}`);
  }
  for (const [metric, what] of [
    ['watched_open_fds', 'open files'],
    ['watched_threads', 'threads'],
  ]) {
    growth[metric] = [of(metric, 'early', 'max'), of(metric, 'late', 'max')];
    if (growth[metric][1] > growth[metric][0] + SLACK) {
      result.failures.push(`${what} grew from ${growth[metric].join(' to ')}`);
    }
  }
  result.growth = growth;
  return [
    `  growth   memory ${early.toFixed(1)} MiB early, ${late.toFixed(1)} MiB late (${growth.resident_mib_an_hour.toFixed(0)} MiB an hour); ` +
      `open files ${growth.watched_open_fds.join(' to ')}, threads ${growth.watched_threads.join(' to ')} at most`,
  ];
}

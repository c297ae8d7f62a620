// The steps of a stress test, and which of them was the last that was kept. Pure.

// So many at most: each is a set of time series.
const MOST_STEPS = 24;

export function steps(from, to, factor) {
  const found = [];
  for (let rate = from; rate <= to; rate = Math.max(rate + 1, Math.round(rate * factor))) {
    found.push({ rate, phase: `rate-${String(rate).padStart(4, '0')}` });
  }
  if (found.length === 0 || found.length > MOST_STEPS) {
    throw new Error(`FROM ${from} to TO ${to} by FACTOR ${factor} makes ${found.length} steps: 1 to ${MOST_STEPS} are expected`);
  }
  return found;
}

// Why a step was not kept, or `null` if it was.
export function broken({ rate }, of, { hold, p99, errors }) {
  if (of === undefined || of.answers === 0) return 'it was not reached';
  if (of.p99_ms >= p99) return `p99 was ${of.p99_ms.toPrecision(3)} ms`;
  if (of.failed > errors) return `${(of.failed * 100).toPrecision(2)} % failed`;
  // Some hundredths less is the edge of the window; more is arrivals that the generator did not bring about.
  if (of.arrivals < rate * hold * 0.97) return `only ${of.arrivals} of ${rate * hold} arrivals happened`;
  return null;
}

// Thresholds of steps past the knee are crossed by design, and the run is stopped there: both are taken out of the
// failures. What stays is everything else, and a knee below the floor.
export function concludeKnee(result, { steps: all, hold, floor, p99, errors }) {
  const judged = all.map((step) => ({
    rate: step.rate,
    phase: step.phase,
    broken: broken(step, result.phases[step.phase], { hold, p99, errors }),
  }));
  const end = judged.findIndex(({ broken: why }) => why !== null);
  const knee = end === 0 ? 0 : judged[(end < 0 ? judged.length : end) - 1].rate;
  result.knee = { rate: knee, next: end < 0 ? null : judged[end].rate, why: end < 0 ? null : judged[end].broken };
  const byDesign = (failure) =>
    /^(load_duration|load_failed)\{phase:rate-|^dropped_iterations |^the run was stopped before/.test(failure);
  result.failures = result.failures.filter((failure) => !byDesign(failure));
  for (const threshold of result.thresholds) {
    if (/\{phase:rate-|^dropped_iterations$/.test(threshold.metric)) threshold.by_design = true;
  }
  result.thresholds = result.thresholds.filter(({ by_design: designed }) => !designed);
  if (knee < floor)
    result.failures.push(`${floor} arrivals/s were to be kept, ${knee} were${knee === 0 ? ` not: ${result.knee.why}` : ''}`);
  const next = end < 0 ? 'the last one that was tried: go on with TO=' : `at ${result.knee.next} ${result.knee.why}`;
  return [`  knee     ${knee} arrivals/s kept the objectives; ${next}`];
}

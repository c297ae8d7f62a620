// What is made of samples that follow each other in time, with no library: marks of annotations, stretches of one state, and
// cells of a heatmap. Times are in milliseconds, `step` in seconds.

/// Samples that follow each other are one mark, from the first to the last: Grafana's rule. Of a query whose values are times,
/// each different value is one.
export function marksOf(points, { useValueForTime }, step) {
  if (useValueForTime) {
    return [...new Set(points.map(([, value]) => Math.floor(value)))].map((time) => ({ from: time, to: time }));
  }
  const marks = [];
  for (const [time] of points.filter(([, value]) => value > 0)) {
    const last = marks.at(-1);
    if (last && last.to + step * 1000 >= time) {
      last.to = time;
    } else {
      marks.push({ from: time, to: time });
    }
  }
  return marks;
}

/// Stretches in which a value does not change. One ends where the next point is, or would have been.
export function stretches(points, step) {
  const found = [];
  for (const [from, value] of points) {
    const to = from + step * 1000;
    const last = found.at(-1);
    if (last && last.value === value && last.to >= from) {
      last.to = to;
    } else {
      found.push({ from, to, value });
    }
  }
  return found;
}

/// How many fell into each bucket of a histogram, of `buckets` from the lowest to the highest. Prometheus counts in each all
/// that is below its bound: what fell into one is what it has more than the one below. What is not above `least` is left out.
export function cells(buckets, least) {
  const below = new Map();
  return buckets.flatMap((points, lane) =>
    points.flatMap(([time, counted]) => {
      const count = counted - (below.get(time) ?? 0);
      below.set(time, counted);
      return count > least ? [{ lane, time, count }] : [];
    }),
  );
}

// The marks on the time axis: what a dashboard's annotations find in the window, and how they are drawn onto a graph.
// Which samples make one mark is Grafana's rule; the drawing is this tool's, in the manner of Grafana's, which lives in its core.

import { frames } from './prometheus.js';
import { marksOf } from './samples.js';

/// All marks of a dashboard that are in the window.
export async function marks(dashboard, values, window) {
  const annotations = (dashboard.annotations?.list ?? []).filter(({ enable, target }) => enable && target?.expr);
  const found = annotations.map(async (annotation) => {
    const series = await frames({ targets: [annotation.target] }, values, window);
    return series.flatMap((frame) => {
      const [time, value] = frame.fields;
      const points = time.values.map((at, index) => [at, value.values[index]]);
      return marksOf(points, annotation, window.step).map((mark) => ({ ...mark, colour: annotation.iconColor }));
    });
  });
  const all = (await Promise.all(found)).flat();
  return all.filter(({ from, to }) => to >= window.start * 1000 && from <= window.end * 1000);
}

/// Draws them when the graph has been drawn: a dashed line where a mark begins and ends, a veil between, a wedge at the axis.
export function markedBy(found, theme) {
  return (plot) => {
    const { ctx, bbox } = plot;
    const across = (time) => Math.round(Math.min(Math.max(plot.valToPos(time, 'x', true), bbox.left), bbox.left + bbox.width));
    const bottom = bbox.top + bbox.height;
    const wedge = 5 * devicePixelRatio;
    ctx.save();
    for (const { from, to, colour } of found) {
      const [left, right] = [across(from), across(to)];
      ctx.strokeStyle = ctx.fillStyle = theme.visualization.getColorByName(colour);
      ctx.globalAlpha = 0.1;
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.globalAlpha = 1;
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash([5, 5]);
      for (const at of new Set([left, right])) {
        ctx.beginPath();
        ctx.moveTo(at, bbox.top);
        ctx.lineTo(at, bottom);
        ctx.stroke();
      }
      ctx.setLineDash([]);
      ctx.beginPath();
      if (right - left > wedge) {
        ctx.rect(left, bottom, right - left, wedge);
      } else {
        ctx.moveTo(left, bottom);
        ctx.lineTo(left - wedge, bottom + wedge);
        ctx.lineTo(left + wedge, bottom + wedge);
      }
      ctx.fill();
    }
    ctx.restore();
  };
}

// Grafana's grid: 24 columns, and rows of 30 pixels with 8 between, in which each panel says where it is.

const COLUMNS = 24;
const ROW = 30;
const GAP = 8;

/// Where a panel is in a grid of this width, in pixels.
export function place({ x, y, w, h }, width) {
  const column = (width - (COLUMNS - 1) * GAP) / COLUMNS;
  return {
    left: x * (column + GAP),
    top: y * (ROW + GAP),
    width: w * column + (w - 1) * GAP,
    height: h * ROW + (h - 1) * GAP,
  };
}

/// The panels of the first so many rows, as their headings part them. Those of a row that is folded are inside of it.
export function shown(dashboard, rows = Infinity) {
  const above = dashboard.panels.some((panel) => panel.type === 'row') ? 0 : 1;
  let seen = above;
  return dashboard.panels.filter((panel) => {
    seen += panel.type === 'row' ? 1 : 0;
    return seen <= rows;
  });
}

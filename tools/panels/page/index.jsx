// The page that is photographed: asks for the dashboard and the settings, lets Prometheus fill every panel, draws them, and
// says in `window.drawn` that it is done: each panel with its title, its number of series and its error, if there was one.

import { createRoot } from 'react-dom/client';

import { createTheme, dateTime, rangeUtil } from '@grafana/data';
import { GlobalStyles, Icon, ThemeContext } from '@grafana/ui';

import { marks } from './annotations.js';
import { dressed } from './fields.js';
import { place, shown } from './grid.js';
import './index.css';
import { isDrawn, Panel } from './panel.jsx';
import { frames, listLabel } from './prometheus.js';
import { chosen, grafanas } from './variables.js';

const MARGIN = 16;
const TIME_ZONE = 'utc';
/// Annotations have a hundred points, whatever the width.
const POINTS_OF_ANNOTATIONS = 100;

/// Longest time for drawing, in milliseconds.
const PATIENCE = 20_000;

const json = async (path) => (await fetch(path)).json();

/// The settings with nothing left open, in seconds.
function windowOf(dashboard, settings) {
  const end = settings.end ?? Math.floor(Date.now() / 1000);
  const ago = /^now-(.+)$/.exec(dashboard.time?.from ?? '')?.[1] ?? '1h';
  const range = settings.range ?? rangeUtil.intervalToSeconds(ago);
  return { start: end - range, end, range, scrape: settings.scrape };
}

function rangeOf({ start, end }) {
  const [from, to] = [dateTime(start * 1000), dateTime(end * 1000)];
  return { from, to, raw: { from, to } };
}

/// The distance of points that Grafana chooses for so many of them: never less than the scrape interval.
function stepOf(window, points) {
  return rangeUtil.calculateInterval(rangeOf(window), Math.floor(points), `${window.scrape}s`).intervalMs / 1000;
}

async function fill(panel, { dashboardValues, window, width, theme }) {
  const step = stepOf(window, width);
  try {
    const values = { ...dashboardValues, ...grafanas(window, step) };
    return { step, frames: await dressed(await frames(panel, values, { ...window, step }), panel, { theme, timeZone: TIME_ZONE }) };
  } catch (error) {
    return { step, frames: [], error };
  }
}

function Head({ dashboard, window, theme }) {
  const border = { borderColor: theme.colors.border.medium };
  const label = { background: theme.colors.background.secondary, color: theme.colors.text.primary };
  const variables = (dashboard.templating?.list ?? []).filter(({ hide }) => hide !== 2);
  const time = (at) => dateTime(at * 1000).utc().format('YYYY-MM-DD HH:mm:ss');
  return (
    <div className="head">
      <h1>{dashboard.title}</h1>
      {variables.map((variable) => (
        <span className="chip" style={border} key={variable.name}>
          <span style={label}>{variable.label ?? variable.name}</span>
          <span>{variable.includeAll ? 'All' : String(variable.current?.text ?? '')}</span>
        </span>
      ))}
      <span className="time">
        <Icon name="clock-nine" /> {time(window.start)} to {time(window.end)} UTC
      </span>
    </div>
  );
}

function Dashboard({ dashboard, filled, window, scene, settings, onError }) {
  const { theme } = scene;
  const width = settings.width - 2 * MARGIN;
  const panels = shown(dashboard, settings.rows);
  const height = Math.max(...panels.map(({ gridPos }) => place(gridPos, width)).map(({ top, height }) => top + height));
  return (
    <>
      <Head dashboard={dashboard} window={window} theme={theme} />
      <div className="grid" style={{ height }}>
        {panels.map((panel) => {
          const box = place(panel.gridPos, width);
          const data = filled.get(panel.id);
          return (
            <div key={panel.id} id={`panel-${panel.id}`} style={box}>
              {panel.type === 'row' ? (
                <div className="heading" style={{ height: box.height }}>
                  <Icon name={panel.collapsed ? 'angle-right' : 'angle-down'} /> {panel.title}
                </div>
              ) : (
                <Panel
                  panel={panel}
                  data={data}
                  scene={{ ...scene, step: data.step }}
                  width={box.width}
                  height={box.height}
                  onError={(error) => onError(panel, error)}
                />
              )}
            </div>
          );
        })}
      </div>
      <div className="foot" style={{ color: theme.colors.text.secondary }}>
        Drawn with Grafana’s chart components (@grafana/ui {settings.grafana}) from the dashboard’s JSON and a Prometheus; not a screenshot of
        Grafana.
      </div>
    </>
  );
}

/// The text of axes is measured before it is drawn: the fonts have to be there by then.
async function fonts(theme) {
  await Promise.all(['400', '500'].map((weight) => document.fonts.load(`${weight} 12px ${theme.typography.fontFamily}`)));
}

const painted = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

async function main() {
  const [dashboard, settings] = await Promise.all([json('/dashboard.json'), json('/settings.json')]);
  const theme = createTheme({ colors: { mode: settings.theme } });
  const window = windowOf(dashboard, settings);
  const width = settings.width - 2 * MARGIN;
  const panels = shown(dashboard, settings.rows).filter(({ type }) => type !== 'row');

  const dashboardValues = await chosen(dashboard, grafanas(window, window.scrape), listLabel(window));
  const step = stepOf(window, POINTS_OF_ANNOTATIONS);
  const found = await marks(dashboard, { ...dashboardValues, ...grafanas(window, step) }, { ...window, step });
  const filled = new Map();
  await Promise.all(
    panels.map(async (panel) => {
      const box = place(panel.gridPos, width);
      filled.set(panel.id, await fill(panel, { dashboardValues, window, width: box.width, theme }));
    }),
  );

  const root = createRoot(document.getElementById('root'));
  const themed = (children) => (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      {children}
    </ThemeContext.Provider>
  );
  root.render(themed(null));
  await painted();
  await fonts(theme);

  const failed = new Map();
  const scene = { theme, timeZone: TIME_ZONE, timeRange: rangeOf(window), marks: found };
  const onError = (panel, error) => failed.set(panel.id, error);
  root.render(themed(<Dashboard {...{ dashboard, filled, window, scene, settings, onError }} />));
  const outcome = (panel) => {
    const { frames, error } = filled.get(panel.id);
    const series = frames.filter((frame) => frame.length > 0).length;
    const failure = (error ?? failed.get(panel.id))?.message;
    const missing = series > 0 && !failure && !isDrawn(panel, document.getElementById(`panel-${panel.id}`));
    return { title: panel.title, series, missing, error: missing ? 'nothing was drawn' : failure };
  };
  // A graph is drawn when its legend has been measured, which takes as long as it takes.
  const deadline = performance.now() + PATIENCE;
  do {
    await painted();
  } while (panels.some((panel) => outcome(panel).missing) && performance.now() < deadline);
  return panels.map(outcome);
}

main().then(
  (panels) => {
    window.drawn = { panels };
  },
  (error) => {
    window.drawn = { fatal: String(error?.stack ?? error) };
  },
);

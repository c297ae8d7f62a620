// One panel in Grafana's frame, drawn by what draws its type. What goes wrong in it is reported, and shown in its place.

import { Component } from 'react';

import { LoadingState } from '@grafana/data';
import { Icon, PanelChrome } from '@grafana/ui';

import { Heatmap } from './panels/heatmap.jsx';
import { Placeholder } from './panels/placeholder.jsx';
import { Stat } from './panels/stat.jsx';
import { StateTimeline } from './panels/state-timeline.jsx';
import { Rows } from './panels/table.jsx';
import { Lines } from './panels/timeseries.jsx';

const PUBLISHED = { stat: Stat, table: Rows, timeseries: Lines };
const OURS = { heatmap: Heatmap, 'state-timeline': StateTimeline };

/// What there is in the page when such a panel was drawn: a component that is not content with its options may draw nothing
/// and say nothing.
const DRAWN_AS = { heatmap: 'canvas', 'state-timeline': 'canvas', table: '[role=grid]', timeseries: 'canvas' };

/// Whether a panel with data was drawn into this element.
export function isDrawn(panel, element) {
  return element.querySelector(DRAWN_AS[panel.type] ?? '*') !== null;
}

/// `stat` says itself what it shows without data.
const SAYS_SO_ITSELF = ['stat'];

class Guard extends Component {
  state = {};

  static getDerivedStateFromError(error) {
    return { error };
  }

  componentDidCatch(error) {
    this.props.onError(error);
  }

  render() {
    return this.state.error ? null : this.props.children;
  }
}

function Content({ panel, frames, ...rest }) {
  const Drawn = PUBLISHED[panel.type] ?? OURS[panel.type];
  if (!Drawn) {
    return <Placeholder panel={panel} {...rest} />;
  }
  const filled = frames.some((frame) => frame.length > 0);
  if (!filled && !SAYS_SO_ITSELF.includes(panel.type)) {
    return (
      <div className="notice" style={{ width: rest.width, height: rest.height }}>
        {panel.fieldConfig?.defaults.noValue ?? 'No data'}
      </div>
    );
  }
  return <Drawn panel={panel} frames={frames} {...rest} />;
}

/// `data` holds the panel's frames, or the error that there was instead.
export function Panel({ panel, data, width, height, scene, onError }) {
  const ours = OURS[panel.type] && <span style={{ color: scene.theme.colors.text.disabled, fontSize: 11 }}>not Grafana’s drawing</span>;
  const links = panel.links?.length > 0 && (
    <span style={{ color: scene.theme.colors.text.secondary }}>
      <Icon name="external-link-alt" size="sm" />
    </span>
  );
  return (
    <PanelChrome
      title={panel.title}
      description={panel.description}
      titleItems={links}
      actions={ours}
      statusMessage={data.error?.message}
      loadingState={data.error ? LoadingState.Error : LoadingState.Done}
      width={width}
      height={height}
    >
      {(width, height) => (
        <Guard onError={onError}>
          {!data.error && <Content panel={panel} frames={data.frames} scene={scene} width={width} height={height} />}
        </Guard>
      )}
    </PanelChrome>
  );
}

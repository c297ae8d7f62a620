// Whatever is drawn by a part of Grafana that is not published and not drawn here either: a frame that says so.

export function Placeholder({ panel, width, height }) {
  return (
    <div className="notice" style={{ width, height }}>
      a panel of the type “{panel.type}”, which only Grafana draws
    </div>
  );
}

"""Plots as SVG, by hand: a card of its own colours, which follow the reader's scheme, so that it is readable on any page."""

import html
import math

STYLE = """
  .card { fill: #ffffff; stroke: #d0d7de } .ink { fill: #1f2328 } .faint { fill: #59636e } .grid { stroke: #d8dee4 }
  .a { stroke: #0969da; fill: #0969da } .b { stroke: #bc4c00; fill: #bc4c00 } .c { stroke: #1a7f37; fill: #1a7f37 }
  polyline.line { fill: none; stroke-width: 2; stroke-linejoin: round } .range { stroke-width: 1.5; opacity: .55 }
  .goal { stroke: #59636e; stroke-dasharray: 4 3 }
  text { font: 12px system-ui, sans-serif } .title { font-weight: 600; font-size: 14px }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #3d444d } .ink { fill: #f0f6fc } .faint { fill: #9198a1 } .grid { stroke: #2a313c }
    .a { stroke: #4493f8; fill: #4493f8 } .b { stroke: #f0883e; fill: #f0883e } .c { stroke: #3fb950; fill: #3fb950 }
    .goal { stroke: #9198a1 }
  }
"""
COLOURS = ["a", "b", "c"]


def text(x, y, words, kind="faint", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(str(words))}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def document(width, height, title, parts):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        f"<title>{html.escape(title)}</title>", f"<style>{STYLE}</style>",
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" class="card"/>', *parts, "</svg>", ""])


def short(value):
    """1,500 as 1.5k."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def steps(top):
    """Round values from 0 to above `top`, four or five of them."""
    if top <= 0:
        return [0, 1]
    size = 10 ** math.floor(math.log10(top / 4))
    size = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor * 4 >= top)
    return [size * number for number in range(5) if size * (number - 1) < top]


def panel(left, top, width, height, title, ticks, series):
    """Lines over evenly spaced ticks. A series is a name and, for each tick, the median, the least and the most (or None)."""
    values = [point[2] for _, points in series for point in points if point]
    scale = steps(max(values, default=1))
    x = [left + width * (place + 0.5) / len(ticks) for place in range(len(ticks))]

    def y(value):
        return top + height * (1 - value / scale[-1])

    parts = [text(left, top - 14, title, "ink")]
    for value in scale:
        parts += [line(left, y(value), left + width, y(value), "grid"), text(left - 6, y(value) + 4, short(value), anchor="end")]
    parts += [text(at, top + height + 18, short(tick) if isinstance(tick, (int, float)) else tick, anchor="middle")
              for at, tick in zip(x, ticks)]
    for colour, (_, points) in zip(COLOURS, series):
        there = [(at, point) for at, point in zip(x, points) if point]
        path = " ".join(f"{at:.1f},{y(point[0]):.1f}" for at, point in there)
        parts += [line(at, y(point[1]), at, y(point[2]), f"{colour} range") for at, point in there]
        parts.append(f'<polyline points="{path}" class="{colour} line"/>')
        parts += [f'<circle cx="{at:.1f}" cy="{y(point[0]):.1f}" r="3.2" class="{colour}"/>' for at, point in there]
    return parts


def panels(title, below, plots):
    """Panels side by side with one legend; a plot is a title, ticks and series."""
    each, gap, top, height = 300, 56, 76, 190
    width = gap + len(plots) * (each + gap)
    parts = [text(20, 28, title, "ink title")]
    at = 20
    for colour, (name, _) in zip(COLOURS, plots[0][2]):
        parts += [f'<circle cx="{at + 4}" cy="43" r="4" class="{colour}"/>', text(at + 13, 47, name)]
        at += 30 + 7 * len(name)
    for place, (name, ticks, series) in enumerate(plots):
        left = gap + place * (each + gap)
        parts += panel(left, top + 10, each, height, name, ticks, series)
        parts.append(text(left + each / 2, top + height + 46, below, anchor="middle"))
    return document(width, top + height + 62, title, parts)


def bars(title, unit, rows, goal=None):
    """Horizontal bars with their range; a row is a name, the median, the least and the most."""
    left, width, step, top = 190, 430, 30, 56
    scale = steps(max([row[3] for row in rows] + [goal or 0]))
    height = top + step * len(rows)

    def x(value):
        return left + width * value / scale[-1]

    parts = [text(20, 28, title, "ink title")]
    for value in scale:
        parts += [line(x(value), top - 8, x(value), height, "grid"), text(x(value), height + 18, f"{value:g}", anchor="middle")]
    for place, (name, median, low, high) in enumerate(rows):
        y = top + step * place
        parts += [
            text(left - 10, y + 12, name, "ink", "end"),
            f'<rect x="{left}" y="{y}" width="{x(median) - left:.1f}" height="16" rx="2" class="a" fill-opacity=".75"/>',
            line(x(low), y + 8, x(high), y + 8, "b range"), line(x(low), y + 4, x(low), y + 12, "b range"),
            line(x(high), y + 4, x(high), y + 12, "b range"),
            text(x(max(high, median)) + 8, y + 12, f"{median:.2f}", "ink")]
    if goal:
        parts += [line(x(goal), top - 8, x(goal), height, "goal"), text(x(goal), top - 12, f"goal {goal:g}", anchor="middle")]
    parts.append(text(left + width / 2, height + 38, unit, anchor="middle"))
    return document(left + width + 70, height + 52, title, parts)

"""State diagrams of Mermaid (stateDiagram-v2, as GitHub draws them) as SVG: states from left to right, one edge for all the
events between two states."""

import html
import re

ARROW = re.compile(r"^\s*(\w+) --> (\w+): (.+)$", re.MULTILINE)
WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 110, 36, 220, 130, 20
LINE = 15  # between two events of an edge


def _columns(edges):
    """The column of each state: one behind the furthest that leads to it."""
    columns = {}
    for source, target in edges:
        columns.setdefault(source, 0)
        if source != target:
            columns[target] = max(columns.get(target, 0), columns[source] + 1)
    return columns


def svg(text):
    edges = {}
    for source, target, event in ARROW.findall(text):
        edges.setdefault((source, target), []).append(event)
    columns = _columns(edges)
    rows, places = {}, {}
    for state, column in columns.items():
        rows[column] = rows.get(column, -1) + 1
        places[state] = (MARGIN + column * ACROSS, rows[column])
    most = max(rows.values()) + 1
    above = 60 * most  # room for the bows
    for state, (x, row) in places.items():
        free = most - 1 - rows[columns[state]]
        places[state] = (x, above + round((row + free / 2) * DOWN))
    parts = []
    for (source, target), events in edges.items():
        (x1, y1), (x2, y2) = places[source], places[target]
        skipped = columns[target] - columns[source] - 1
        if source == target:
            x, y = x1 + WIDTH / 2, y1 + HEIGHT
            path = f"M{x - 20},{y} C{x - 40},{y + 50} {x + 40},{y + 50} {x + 20},{y}"
            label = (x, y + 56)
        elif skipped > 0:  # a bow above the states, or below them from one that lies below
            up = -1 if y1 <= y2 else 1
            edge1, edge2 = (y1, y2) if up < 0 else (y1 + HEIGHT, y2 + HEIGHT)
            between = [y for state, (_, y) in places.items() if columns[source] <= columns[state] <= columns[target]]
            top = min(between) - 15 - 40 * skipped if up < 0 else max(between) + HEIGHT + 20
            path = f"M{x1 + WIDTH / 2},{edge1} C{x1 + WIDTH},{top} {x2},{top} {x2 + WIDTH / 2},{edge2}"
            middle = (edge1 + 3 * top + 3 * top + edge2) / 8
            label = ((x1 + x2 + WIDTH) / 2, middle - LINE * (len(events) - 1) - 5 if up < 0 else middle + LINE)
        else:
            begin, end = (x1 + WIDTH, y1 + HEIGHT / 2), (x2, y2 + HEIGHT / 2)
            path = f"M{begin[0]},{begin[1]} L{end[0]},{end[1]}"
            label = ((begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2 - 6 - LINE * (len(events) - 1))
        parts.append(f'<path d="{path}" marker-end="url(#head)"/>')
        parts += [f'<text x="{label[0]}" y="{label[1] + LINE * i}">{html.escape(event)}</text>' for i, event in enumerate(events)]
    for state, (x, y) in places.items():
        parts.append(f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
                     f'<text class="state" x="{x + WIDTH / 2}" y="{y + HEIGHT / 2 + 5}">{html.escape(state)}</text>')
    width = max(x for x, _ in places.values()) + WIDTH + MARGIN
    height = max(y for _, y in places.values()) + HEIGHT + 90
    return (f'<svg viewBox="0 0 {width} {height}" role="img"><defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" '
            f'markerWidth="8" markerHeight="8" orient="auto"><path d="M0,0 L8,4 L0,8 Z"/></marker></defs>{"".join(parts)}</svg>')

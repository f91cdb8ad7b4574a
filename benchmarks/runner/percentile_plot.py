"""A picture of latency by percentile, in SVG: the further to the right, the rarer."""

import math
from html import escape

WIDTH, HEIGHT = 860, 460
LEFT, RIGHT, TOP, BOTTOM = 84, 24, 44, 96
COLOURS = ("#0b6bcb", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#be123c")
PERCENTS = (0, 50, 90, 99, 99.9, 99.99, 99.999)
NS_PER_MS = 1e6


def _rarity(percent):
    """0 at the minimum, 1 where a tenth of the values is larger, 2 at a hundredth, ..."""
    return -math.log10(1 - percent / 100)


class Plot:
    def __init__(self, curves):
        self.curves = curves
        self.most_rare = max(2.0, *(math.log10(max(curve.histogram.count, 1)) for curve in curves))
        values = [value for curve in curves for value in curve.histogram.counts] or [1]
        self.lowest = math.floor(math.log10(max(min(values), 1)))
        self.highest = max(math.ceil(math.log10(max(values))), self.lowest + 1)

    def x(self, rarity):
        return LEFT + rarity / self.most_rare * (WIDTH - LEFT - RIGHT)

    def y(self, ns):
        share = (math.log10(max(ns, 1)) - self.lowest) / (self.highest - self.lowest)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def grid(self):
        for percent in PERCENTS:
            rarity = _rarity(percent)
            if rarity <= self.most_rare:
                x = self.x(rarity)
                yield f'<path class="grid" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>'
                yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{"min" if percent == 0 else f"p{percent}"}</text>'
        for power in range(self.lowest, self.highest + 1):
            y = self.y(10**power)
            yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10**power / NS_PER_MS:g} ms</text>'

    def line(self, curve, colour):
        steps = [_rarity(100 - 100 * 10 ** (-self.most_rare * i / 400)) for i in range(400)]
        points = (
            (self.x(rarity), self.y(curve.histogram.percentile(100 * (1 - 10**-rarity))))
            for rarity in steps
            if rarity <= math.log10(max(curve.histogram.count, 1)) + 1e-9
        )
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        return f'<path class="curve" stroke="{colour}" d="M{path}"/>'

    def key(self):
        each = (WIDTH - LEFT - RIGHT) / 3
        for number, curve in enumerate(self.curves):
            x, y = LEFT + number % 3 * each, HEIGHT - BOTTOM + 50 + number // 3 * 20
            yield f'<path class="curve" stroke="{COLOURS[number % len(COLOURS)]}" d="M{x:.0f} {y - 4}h24"/>'
            yield f'<text x="{x + 32:.0f}" y="{y}">{escape(curve.name)}</text>'


def svg(curves, title):
    plot = Plot(curves)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
        "<style>text{font:13px sans-serif;fill:#333}.title{font-size:16px;font-weight:600}"
        ".grid{stroke:#ddd;fill:none}.curve{fill:none;stroke-width:2}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text class="title" x="{LEFT}" y="26">{escape(title)}</text>',
        *plot.grid(),
        *(plot.line(curve, COLOURS[number % len(COLOURS)]) for number, curve in enumerate(curves)),
        *plot.key(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"

"""Medians, spreads and ratios, and the tables that show them."""

from statistics import median


def number(value):
    """Three digits that matter."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(values):
    """Median (min..max)."""
    if len(values) == 1:
        return number(values[0])
    return f"{number(median(values))} ({number(min(values))}..{number(max(values))})"


def ratio(runs, floor_runs, key):
    """The median of the ratios of runs of the same round."""
    floors = {run["round"]: run[key] for run in floor_runs}
    pairs = [run[key] / floors[run["round"]] for run in runs if floors.get(run["round"])]
    return f"{median(pairs):.2f}" if pairs else "-"


def print_table(head, rows):
    """A table that is readable on a terminal and is Markdown, too."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        print("| " + " | ".join(cells) + " |")
    print()

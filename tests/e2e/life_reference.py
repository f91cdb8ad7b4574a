#!/usr/bin/python3
"""Checks a game of Life against Golly: plays it from the same start and compares the final grids cell by cell.

    life_reference.py START.rle --steps 200 --flat --final FINAL.rle    compare; exit 0 when equal, 1 when not
    life_reference.py START.rle --steps 200 --wrap                      print Golly's final grid as RLE
    life_reference.py --self-check                                      compare Golly with a plain implementation

START and FINAL are whole SIZE x SIZE grids, as `gameoflife --dump` writes them. Other checks import read_rle(),
reference() and differences(). A grid is a list of rows, a row a list of 0 (dead) and 1 (alive). Needs Debian's golly.
"""

import argparse
import itertools
import pathlib
import random
import re
import subprocess
import sys
import tempfile


def parse_rle(text):
    """The grid in an RLE text, as tall and wide as its header says."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    header = re.match(r"\s*x\s*=\s*(\d+)\s*,\s*y\s*=\s*(\d+)", lines[0]) if lines else None
    if header is None:
        raise ValueError("no RLE header")
    width, height = map(int, header.groups())
    body, end, _ = "".join(lines[1:]).partition("!")
    if not end:
        raise ValueError("no '!' at the end of the pattern")
    grid = [[0] * width for _ in range(height)]
    row = col = 0
    for count, tag in re.findall(r"(\d*)\s*(\S)", body):
        run = int(count or 1)
        if tag == "$":
            row, col = row + run, 0
            continue
        if tag not in "bo" or row >= height or col + run > width:
            raise ValueError(f"bad run {count}{tag} at row {row}, column {col}")
        grid[row][col : col + run] = [int(tag == "o")] * run
        col += run
    return grid


def read_rle(path):
    """The grid in an RLE file."""
    return parse_rle(pathlib.Path(path).read_text(encoding="ascii"))


def write_rle(grid, rule="B3/S23"):
    """The grid as an RLE text, every row in full on a line of its own."""

    def runs(row):
        for cell, group in itertools.groupby(row):
            yield f"{len(list(group))}{'bo'[cell]}"

    rows = "$\n".join("".join(runs(row)) for row in grid)
    return f"x = {len(grid[0])}, y = {len(grid)}, rule = {rule}\n{rows}!\n"


def parse_macrocell(text, size):
    """The grid in a macrocell text that Golly wrote for a bounded grid.

    The text is a quadtree, one node a line, children before parents and numbered from 1 (0 is an empty child): a leaf
    is 8 x 8 cells drawn with `.`, `*` and `$`, any other node `LEVEL NW NE SW SE`. The root comes last. Golly's cell
    (0, 0), the bounded grid's (size // 2, size // 2), is the one to the right of the root's middle and above it.
    """
    nodes = [line for line in text.splitlines()[1:] if line and not line.startswith("#")]
    grid = [[0] * size for _ in range(size)]

    def draw(number, level, top, left):
        if number == 0:
            return
        node = nodes[number - 1]
        if level == 3:
            for row, cells in enumerate(node.split("$"), top):
                for col, cell in enumerate(cells, left):
                    if cell == "*":
                        if not (0 <= row < size and 0 <= col < size):
                            raise ValueError(f"a living cell outside the grid, at row {row}, column {col}")
                        grid[row][col] = 1
            return
        half = 2 ** (level - 1)
        children = map(int, node.split()[1:])
        for child, (down, right) in zip(children, itertools.product((0, half), repeat=2)):
            draw(child, level - 1, top + down, left + right)

    if nodes:
        level = int(nodes[-1].split()[0]) if nodes[-1][0].isdigit() else 3
        corner = size // 2 - 2 ** (level - 1)
        draw(len(nodes), level, corner + 1, corner)
    return grid


def reference(start_grid, size, steps, wrapped):
    """The grid that Golly has after `steps` steps, on a torus if `wrapped`, else on a plane with dead surroundings."""
    if len(start_grid) != size or any(len(row) != size for row in start_grid):
        raise ValueError(f"the start grid is not {size} x {size}")
    rule = f"B3/S23:{'T' if wrapped else 'P'}{size},{size}"
    with tempfile.TemporaryDirectory() as folder:
        start = pathlib.Path(folder, "start.rle")
        final = pathlib.Path(folder, "final.mc")  # unlike .rle, it keeps the position
        start.write_text(write_rle(start_grid, rule))
        command = ["bgolly", "-q", "-q", "-a", "HashLife", "-m", str(steps), "-o", str(final), str(start)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        if not final.exists():
            raise RuntimeError(f"bgolly wrote no result: {done.stdout}{done.stderr}")
        return parse_macrocell(final.read_text(), size)


def plain_life(grid, steps, wrapped):
    """What reference() answers, from the rule alone and slowly."""
    size = len(grid)
    for _ in range(steps):
        counts = [[0] * size for _ in range(size)]
        for row, col in itertools.product(range(size), repeat=2):
            if not grid[row][col]:
                continue
            for down, right in itertools.product((-1, 0, 1), repeat=2):
                r, c = row + down, col + right
                if wrapped:
                    r, c = r % size, c % size
                if (down, right) != (0, 0) and 0 <= r < size and 0 <= c < size:
                    counts[r][c] += 1
        grid = [
            [int(count == 3 or (count == 2 and cell == 1)) for cell, count in zip(cells, row)]
            for cells, row in zip(grid, counts)
        ]
    return grid


def differences(expected, actual):
    """The (row, column) of each cell that differs."""
    if [len(row) for row in expected] != [len(row) for row in actual]:
        raise ValueError(f"a grid of {len(expected)} rows and one of {len(actual)} cannot be compared")
    return [
        (row, col)
        for row, pair in enumerate(zip(expected, actual))
        for col, (one, other) in enumerate(zip(*pair))
        if one != other
    ]


def report(expected, actual):
    """Prints what differs; True if nothing does."""
    wrong = differences(expected, actual)
    for row, col in wrong[:10]:
        print(f"row {row}, column {col}: expected {expected[row][col]}, found {actual[row][col]}")
    if wrong:
        print(f"{len(wrong)} of {len(expected) * len(expected[0])} cells differ")
    return not wrong


def self_check():
    """Compares reference() with plain_life() on random grids, odd and even, on both kinds of edges."""
    numbers = random.Random(1)
    equal = True
    for size, steps in [(3, 1), (4, 3), (5, 10), (8, 1), (9, 4), (16, 0), (16, 40), (33, 60), (64, 50)]:
        start = [[int(numbers.random() < 0.25) for _ in range(size)] for _ in range(size)]
        assert parse_rle(write_rle(start)) == start
        for wrapped in (False, True):
            print(f"{size} x {size}, {steps} steps, {'wrapped' if wrapped else 'flat'}")
            equal &= report(plain_life(start, steps, wrapped), reference(start, size, steps, wrapped))
    return equal


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("start", nargs="?", help="the grid before the first step")
    parser.add_argument("--steps", type=int)
    edges = parser.add_mutually_exclusive_group()
    edges.add_argument("--wrap", action="store_true", help="left joins right and top joins bottom")
    edges.add_argument("--flat", action="store_true")
    parser.add_argument("--final", help="the grid to compare with; without it, print Golly's")
    parser.add_argument("--self-check", action="store_true")
    options = parser.parse_args()
    if options.self_check:
        return 0 if self_check() else 1
    if options.start is None or options.steps is None or not (options.wrap or options.flat):
        parser.error("START, --steps and one of --wrap and --flat are needed")
    try:
        start = read_rle(options.start)
        expected = reference(start, len(start), options.steps, options.wrap)
        if options.final is None:
            sys.stdout.write(write_rle(expected))
            return 0
        return 0 if report(expected, read_rle(options.final)) else 1
    except (OSError, ValueError, RuntimeError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

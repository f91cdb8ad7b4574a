"""Alternating runs: in each round every server once, in random order, so all meet the same moods of the machine."""

import random
import sys

from . import tables
from .machine import Watch
from .programs import Refused


def measure(machine, options, contenders):
    """Runs each contender once a round. Contenders: (name, run), where run() returns figures or raises Refused.

    Returns a list of figures per name, each with its round and with what was wrong with it.
    """
    runs = {name: [] for name, _ in contenders}
    contenders = list(contenders)
    for round_ in range(options.rounds):
        random.shuffle(contenders)
        for contender in list(contenders):
            name, run = contender
            say(f"round {round_ + 1} of {options.rounds}: {name}")
            try:
                figures = measure_quietly(machine, options, run)
            except Refused as refusal:
                say("")
                print(f"{name} is left out: {refusal}")
                contenders.remove(contender)
                del runs[name]
                continue
            except RuntimeError as error:
                raise RuntimeError(f"{name}: {error}") from None
            runs[name].append({"round": round_, **figures})
    say("")
    return runs


def measure_quietly(machine, options, run):
    """Repeats the run while the machine is not quiet, but not for ever."""
    for attempt in range(options.attempts):
        with Watch(machine) as watch:
            figures = run()
        if not watch.complaints:
            break
    return {**figures, "attempts": attempt + 1, "complaints": watch.complaints}


def say(text):
    """How far it has come, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def report(title, runs, columns, compared, floors):
    """Prints medians and spreads of `columns`, {key: heading}, and the one `compared` as a part of each floor's."""
    print(f"## {title}\n")
    floors = [floor for floor in floors if floor in runs]
    what = columns[compared].partition(" us/")[0]
    rows = []
    for name, figures in sorted(runs.items(), key=lambda item: (item[0] not in floors, item[0])):
        row = [name, *(tables.spread([run[key] for run in figures]) for key in columns)]
        row += [tables.ratio(figures, runs[floor], compared) for floor in floors]
        rows.append(row)
    tables.print_table(["", *columns.values(), *(f"{what} / {floor}" for floor in floors)], rows)
    report_complaints(runs)


def report_complaints(runs):
    """Says of each run that was not quiet even at the last attempt."""
    noisy = [(name, run) for name, figures in runs.items() for run in figures if run["complaints"]]
    for name, run in noisy:
        print(f"- not quiet: {name}, round {run['round'] + 1}: {'; '.join(run['complaints'])}")
    if noisy:
        print()

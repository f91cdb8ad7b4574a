"""What the figures share: how one is registered and told, and how a round is measured beside another."""

import multiprocessing
import statistics

ROUNDS = 5
LONG_ROUNDS = 3  # of those that take a minute each

FIGURES = {}


def figure(function):
    """Registers it, by its name on the command line."""
    FIGURES[function.__name__] = function
    return function


class Found:
    """What was measured: a sentence, and whether each part of it is as it should be."""

    def __init__(self):
        self.parts = []
        self.is_reached = True

    def add(self, text, is_reached=True):
        self.parts.append(text if is_reached else f"**{text}**")
        self.is_reached = self.is_reached and is_reached

    def __str__(self):
        return "; ".join(self.parts)


def p99(samples):
    return statistics.quantiles(samples, n=100)[98]


def milliseconds(seconds):
    return f"{seconds * 1000:.1f} ms"


def ratio(found, what, alone, meanwhile, most):
    """Adds the p99 of both, and how many times the one the other is: the median over the rounds."""
    ratios = [p99(each) / p99(other) for each, other in zip(meanwhile, alone)]
    middle = statistics.median(ratios)
    found.add(f"{what} p99 {milliseconds(p99(sum(alone, [])))} alone, {milliseconds(p99(sum(meanwhile, [])))} meanwhile: "
              f"{middle:.2f} x (median of {len(ratios)} rounds, {min(ratios):.2f} to {max(ratios):.2f})", middle <= most)


class Crowd:
    """A process with many connections, so that what they cost is not ours. `work(pipe, *arguments)` runs in it."""

    def __init__(self, work, *arguments):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=work, args=(theirs, *arguments), daemon=True)
        self.process.start()

    def ask(self, what):
        self.pipe.send(what)
        return self.pipe.recv()

    def end(self):
        self.pipe.send("end")
        self.process.join()

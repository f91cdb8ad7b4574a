#!/usr/bin/python3
"""Tells whether a WebSocket server and client are what RFC 6455 and RFC 7692 say: case by case, without leniency.

The cases have the numbers of the public Autobahn test suite. What that tolerates as not strict fails here.

    tests/conformance/run.py                              our server and our client, epoll
    tests/conformance/run.py --role client --backend io_uring --cases '6.4.*' '7.*'
    tests/conformance/run.py --quick --fail-fast          in a short form, until something fails
    tests/conformance/run.py --messages 1000 --table build/reports/conformance.md
                                                          whole, on all backends, plain, TLS and HTTP/2, as a report
    tests/conformance/run.py --url ws://127.0.0.1:9001/   somebody else's server
    tests/conformance/run.py --command 'node echo.js'     somebody else's client
"""

import argparse
import contextlib
import fnmatch
import importlib
import itertools
import pathlib
import sys
import time

import subjects
import table
from cases import Volley
from support import environment
from support.frames import Violation

# Each with the words that the name of a run has for it.
TRANSPORTS = {"plain": [], "tls": ["TLS"], "http2": ["HTTP/2"]}
SECTIONS = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13)
# How many messages and bytes a volley may have. The list has a thousand in most, however large, which takes minutes.
QUICK, USUAL = (20, 2 << 20), (1000, 8 << 20)


def sections(patterns=("*",), depth=USUAL):
    """Titles and cases, as they are to be run, by the number of the section."""
    chosen = {}
    for number in SECTIONS:
        module = importlib.import_module(f"section_{number}")
        cases = [case for case in module.CASES if any(fnmatch.fnmatchcase(case.number, each) for each in patterns)]
        if depth is QUICK:
            cases = [case for case in cases if case.is_quick]
        cases = [case.at_most(*depth) if isinstance(case, Volley) else case for case in cases]
        if cases:
            chosen[number] = module.TITLE, cases
    return chosen


def hold(subject, case):
    """Holds a case in all its ways. Returns what was wrong, or ""."""
    for way in case.rounds():
        peer = None
        try:
            with subject.peer(case) as peer:
                case.hold(peer, way)
        except Violation as violation:
            lines = [f"{way}: {violation}" if way else str(violation), *(peer.history if peer else [])]
            return "\n    ".join([*lines, subject.revive()]).rstrip()
    return ""


class Progress:
    """Runs cases against a subject and prints how it goes."""

    def __init__(self, most_failures):
        self._most_failures = most_failures
        self.failures = 0

    def run(self, name, make_subject, wanted):
        """Runs the sections `wanted`. Returns what was wrong, by the numbers of the cases that ran."""
        print(f"{name}:", flush=True)
        outcomes, subject = {}, make_subject()
        for number, (title, cases) in wanted.items():
            start = time.monotonic()
            ran = self._run_section(subject, cases)
            outcomes.update(ran)
            good = sum(not wrong for wrong in ran.values())
            print(f"  {number:2} {title}: {good} of {len(cases)} pass, {time.monotonic() - start:.1f} s", flush=True)
            if self.is_over():
                break
        if wrong := subject.stop():
            self._fail(f"the end: {wrong}")
        return outcomes

    def is_over(self):
        return self.failures >= self._most_failures

    def _run_section(self, subject, cases):
        outcomes = {}
        for case in cases:
            outcomes[case.number] = wrong = hold(subject, case)
            if wrong:
                self._fail(f"{case.number} {case.title}, expecting {case.expects}\n    {wrong}")
                if self.is_over():
                    break
        return outcomes

    def _fail(self, text):
        self.failures += 1
        print(f"FAILS {text}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--role", choices=["server", "client", "both"], default="both", help="who is tested")
    parser.add_argument("--backend", choices=["epoll", "io_uring"], help="epoll by default, and both for a table")
    parser.add_argument("--transport", choices=list(TRANSPORTS), help="plain by default, and all for a table")
    parser.add_argument("--tls", dest="transport", action="store_const", const="tls", help="--transport tls")
    parser.add_argument("--cases", nargs="+", default=["*"], metavar="PATTERN", help="such as '6.4.*'")
    parser.add_argument("--quick", dest="depth", action="store_const", const=QUICK, default=USUAL,
                        help="fewer of the long cases, and these with fewer messages")
    parser.add_argument("--messages", dest="depth", type=lambda count: (int(count), 1 << 30), metavar="N",
                        help="so many at most in a case, 1000 for as many as the list has; otherwise those end at 8 MiB")
    parser.add_argument("--most-failures", type=int, default=30, metavar="N", help="end after so many; 30 by default")
    parser.add_argument("--fail-fast", dest="most_failures", action="store_const", const=1, help="end with the first")
    parser.add_argument("--url", help="a server that is already running and echoes")
    parser.add_argument("--command", help="a client: connects to the URL behind it and echoes until it is refused")
    parser.add_argument("--table", metavar="FILE", help="run all combinations and write a report about them, in Markdown")
    parser.add_argument("--list", action="store_true", help="list the cases")
    options = parser.parse_args()

    if options.transport == "http2" and (options.url or options.command):
        parser.error("--transport http2 is for our server and our client")

    wanted = sections(options.cases, options.depth)
    if options.list:
        for title, cases in wanted.values():
            print(title, *[f"  {case.number:8} {case.title}: {case.expects}" for case in cases], sep="\n")
        return 0
    progress = Progress(options.most_failures)

    if options.url or options.command:
        progress.run(options.url or options.command, lambda: subjects.foreign(options.url, options.command), wanted)
        return 1 if progress.failures else 0

    backends = [options.backend] if options.backend else ["epoll", "io_uring"] if options.table else ["epoll"]
    transports = [options.transport] if options.transport else list(TRANSPORTS) if options.table else ["plain"]
    roles = ["server", "client"] if options.role == "both" else [options.role]
    refusal = environment.refusal_of_io_uring(subjects.SERVER) if "io_uring" in backends else ""
    if refusal:
        print(refusal)
        backends.remove("io_uring")
        if not backends:
            return environment.SKIPPED
    columns = {}
    for transport, role, backend in itertools.product(transports, roles, backends):
        if not progress.is_over():
            name = ", ".join([role, backend, *TRANSPORTS[transport]])
            columns[name] = progress.run(name, lambda: subjects.make(role, backend, transport), wanted)
    if options.table:
        pathlib.Path(options.table).write_text(table.page(wanted, columns))
    return 1 if progress.failures else 0


if __name__ == "__main__":
    environment.exit_if_not_for_here()
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)

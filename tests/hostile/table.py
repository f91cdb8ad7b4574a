#!/usr/bin/env python3
"""Runs the hostile tests and prints what came of each row, as a page in Markdown. tools/reports puts it into
build/reports/; docs/reference/hostile-input.md says what the rows are.

    tests/hostile/table.py
    tests/hostile/table.py "epoll 1" "epoll 4" "io_uring 1" "io_uring 4" "epoll 1 TLS"
"""

import collections
import datetime
import io
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

from support.environment import BUILD

FOLDER = pathlib.Path(__file__).resolve().parent

INTRODUCTION = """\
# Bad input and faults: report

Written on {date} by

    {command}
"""

ROWS = {
    1: "A key that is missing, short or not base64",
    2: "No version",
    3: "Versions 12, 99 and others",
    4: "No `Connection: Upgrade`; POST; HTTP/1.0; another upgrade token",
    5: "Two keys",
    6: "No Host, two Hosts, Host with a user, path or comma",
    7: "2,000 header fields",
    8: "A header line of 1 MiB",
    9: "A head in segments of one byte",
    10: "64 to 100 KiB of target, method or field name",
    11: "Folds, space before the colon, control characters, names that are no tokens",
    12: "Bare LF, bare CR",
    13: "Content-Length with sign, prefix, list, twice, beyond 64 bits, empty",
    14: "Transfer-Encoding with a length, twice, unknown, not final, in HTTP/1.0",
    15: "Chunk sizes that overflow, signs, spaces, bare LF, endless extensions",
    16: "A handshake with a body",
    17: "Frames in the segment of the handshake",
    18: "HTTP after the 101",
    19: "Origins that are foreign, null, or look like ours",
    20: "Lists of 7,000 spaces, escapes in quotes",
    21: "Extensions that nobody knows",
    22: "Offers of compression with bad parameters",
    23: "HTTP/2, TLS, SSH and random bytes on the plain port; HTTP and others on the TLS port",
    24: "A head at a byte now and then",
    25: "Silence after the connect; a body at a byte now and then",
    26: "A TLS handshake that stalls or is cut at each record",
    27: "TLS 1.0 and 1.1, renegotiation",
    28: "A thousand overlapping ranges of a file",
    29: "Unmasked frames",
    30: "Reserved bits",
    31: "Reserved opcodes",
    32: "Control frames that are long or fragmented",
    33: "Fragments out of order",
    34: "Lengths with the top bit, of 2^63-1",
    35: "A message over the limit is announced",
    36: "Fragments over the limit together",
    37: "Lengths longer than they need to be",
    38: "Text that is not UTF-8, split anywhere",
    39: "Close frames of one byte, with bad codes, with bad reasons",
    40: "A normal close, an empty one",
    41: "Data after the close; a close inside a message",
    42: "More bytes behind a protocol error",
    43: "100,000 empty continuations",
    44: "131,000 fragments of one byte, on many connections",
    45: "Pings whose pongs are not read",
    46: "64 MiB for an echo that is not read",
    47: "A conversation in single bytes, and split at every point",
    48: "RSV1 where it may not be, RSV2 and RSV3, with compression",
    49: "Corrupt compressed data",
    50: "Bombs: one byte too many, 64 MiB in 64 KiB, in fragments, in many messages",
    51: "Compressed text that is not UTF-8",
    52: "Final, stored and empty blocks; compressed messages in fragments",
    53: "Windows and context takeover as they were agreed on",
    54: "Slow subscribers of a group",
    55: "Half-open peers: stopped, or gone without a word",
    56: "A close that is never answered",
    57: "FIN without a close, a reset inside a frame, half-close",
    58: "10,000 clients killed inside a frame",
    59: "64 descriptors for 200 clients",
    60: "Errors of accept",
    61: "Memory that is not to be had",
    62: "SIGTERM at load",
    63: "SIGKILL, and another server at once",
    65: "Views that throw, block, or send after the close",
    66: "A storm of connects, a full backlog",
    67: "SIGPIPE, EPIPE, resets while it sends",
    68: "Old memory in close frames",
    69: "Our client's masks",
    70: "Our client against servers that break the rules",
    71: "A call into the kernel that fails, at any step of a connection's life",
    72: "A program that was not scheduled for longer than a timeout",
    73: "Ten times as many waiting as a batch, a sweep or a queue takes at once",
    74: "A peer that does the least that keeps it alive, in each direction",
    75: "A crowd of young and honest peers",
    76: "Views, awaiters and callbacks that return nothing, throw, never return, or outlive their server",
    77: "Other users of the machine at the control socket, the ready notice, and inherited descriptors",
    78: "Control characters and terminal sequences in what a peer says",
    79: "Saves, moves, locks and backups of an editor at any moment of a build",
    80: "Names and numbers in settings, flags and URLs that are too big, too small, empty, or spelt in another way",
    81: "A crowd that leaves at once",
    82: "JSON, forms, templates and URLs nested or repeated 100,000 times, and then used",
    83: "A call that is posted to another loop, and fails there",
    84: "A client that leaves while the server has nothing to write",
    85: "Bodies that views read: slow, cut off, unread, broken, behind an early answer, 10,000 halves at once",
    86: "HTTP/2: rapid resets (CVE-2023-44487), CONTINUATION without end (CVE-2024-27316), floods of empty frames",
    87: "HTTP/2: windows of nothing or one byte",
    88: "HTTP/2: HPACK bombs, strings that are promised and do not come",
    89: "HTTP/2: line ends, hosts, codings and lengths that HTTP/1.1 would read differently",
    90: "HTTP/2: a preface and nothing, half a frame for ever",
    91: "HTTP/2: streams beyond the limit, ids that are old, even or used up, frames behind an end, bad padding, GOAWAY",
}


class Outcomes(unittest.TestResult):
    """The outcome of each test, by its file and name."""

    def __init__(self):
        super().__init__()
        self.of = {}

    def note(self, test, outcome):
        self.of[f"{type(test).__module__}.{test.id().rsplit('.', 1)[1]}"] = outcome

    def startTest(self, test):
        super().startTest(test)
        self.note(test, "passes")  # until it says otherwise

    def addSkip(self, test, reason):
        self.note(test, f"skipped: {reason}")

    def addFailure(self, test, failure):
        super().addFailure(test, failure)
        self.note(test, "**fails**")

    addError = addFailure

    def addSubTest(self, test, subtest, failure):
        if failure is not None:
            super().addSubTest(test, subtest, failure)
            self.note(test, "**fails**")


def run_here():
    """Runs the Python tests in this process. Returns outcomes by test."""
    sys.path.insert(0, str(FOLDER))
    outcomes = Outcomes()
    printed, sys.stdout = sys.stdout, io.StringIO()
    unittest.defaultTestLoader.discover(str(FOLDER), "[!.]*_test.py").run(outcomes)
    sys.stdout = printed
    for test, failure in outcomes.failures:
        print(test, failure, file=sys.stderr)
    return dict(outcomes.of)


def run_with(combination):
    """The same in a process of its own, for a backend and a number of loops."""
    environment = {**os.environ}
    if combination:
        backend, workers, *tls = combination.split()
        environment.update(C10K_TEST_BACKEND=backend, C10K_TEST_WORKERS=workers, C10K_TEST_TLS="1" if tls else "")
    done = subprocess.run([sys.executable, __file__, "--json"], env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def run_cpp(program):
    """Runs the rows' C++ tests in that program. Returns outcomes by test."""
    with tempfile.NamedTemporaryFile() as report:
        subprocess.run([program, "--gtest_filter=*Hostile*:*Row*", f"--gtest_output=json:{report.name}"], cwd=BUILD,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        done = json.load(report)
    outcomes = {}
    for suite in done["testsuites"]:
        for test in suite["testsuite"]:
            name = f"{suite['name'].lstrip('/')}.{test['name'].split('/')[0]}"
            if "failures" in test or name not in outcomes:
                outcomes[name] = "**fails**" if "failures" in test else "passes"
    return outcomes


def rows_of(test):
    """The rows that a test's name tells: test_row_07_..., Row07..., Row11And12, Rows01To23."""
    match = re.search(r"[Rr]ows?_?(\d\d)(?:(And|To)(\d\d))?", test)
    if match is None:
        return []
    first, last = int(match[1]), int(match[3] or match[1])
    return [row for row in ROWS if first <= row <= last] if match[2] != "And" else [first, last]


def table(columns):
    """The Markdown table of `columns`: outcomes by test, by column."""
    tests = collections.defaultdict(list)
    for outcomes in columns.values():
        for test in outcomes:
            for row in rows_of(test):
                if test not in tests[row]:
                    tests[row].append(test)
    lines = ["| row | input or fault | tests | " + " | ".join(columns) + " |", "|---|---|---|" + "---|" * len(columns)]
    for row, text in ROWS.items():
        results = []
        for outcomes in columns.values():
            seen = {outcomes[test] for test in tests[row] if test in outcomes}
            results.append("<br>".join(sorted(seen)) or "**no test**")
        names = "<br>".join(f"`{test}`" for test in sorted(tests[row]))
        lines.append(f"| {row} | {text} | {names} | " + " | ".join(results) + " |")
    return "\n".join(lines)


def main():
    if sys.argv[1:] == ["--json"]:
        json.dump(run_here(), sys.stdout)
        return 0
    cpp = {}
    for program in sorted(BUILD.glob("test_*")):
        cpp.update(run_cpp(program))
    columns = {}
    for combination in sys.argv[1:] or ["epoll 1"]:
        backend, workers, *tls = combination.split()
        loops = "1 loop" if workers == "1" else f"{workers} loops"
        columns[", ".join([backend, loops, *tls])] = {**run_with(combination), **cpp}
    page = table(columns)
    command = shlex.join(["tests/hostile/table.py", *sys.argv[1:]])
    print(INTRODUCTION.format(date=datetime.date.today().isoformat(), command=command))
    print(page)
    return 1 if "**" in page else 0


if __name__ == "__main__":
    sys.exit(main())

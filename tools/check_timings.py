#!/usr/bin/python3
"""Checks that no test sleeps, or fails because it took long: on a busy machine everything does. A test waits for what it
waits for (tests/support/waiting.py), counts events, or has a clock of its own. That something did not end too early may be
measured."""

import re
import sys

from includes import ROOT

WAITING = ROOT / "tests/support/waiting.py"  # the one place that looks again after a moment
CLOCK = r"(monotonic|perf_counter|time\.time)\("
FAULTS = {
    ".py": [(re.compile(r"\b(time|asyncio)\.sleep\("), "sleeps"),
            (re.compile(rf"assertLess(Equal)?\(.*{CLOCK}|assert .*{CLOCK}.*<"), "fails because it took long")],
    ".cpp": [(re.compile(r"\bthis_thread::sleep_|\b(nano|u)sleep\("), "sleeps"),
             (re.compile(r"(EXPECT|ASSERT)_L[TE]\(.*(steady|system)_clock::now"), "fails because it took long")],
}
FAULTS[".hpp"] = FAULTS[".cpp"]


def main():
    files = [file for file in sorted((ROOT / "tests").rglob("[!.]*")) if file.suffix in FAULTS and file != WAITING]
    wrong = [
        f"{file.relative_to(ROOT)}:{number}: {what}: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
        for pattern, what in FAULTS[file.suffix]
        if pattern.search(line)
    ]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(files)} files, {len(wrong)} that depend on the machine's speed.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

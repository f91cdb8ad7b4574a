#!/usr/bin/python3
"""Checks that each "Requires:" of a public header says what becomes of a caller who does not heed it.

Behind it, in the same comment, stands what it throws ("Throws std::logic_error otherwise.") or why nobody looks
("Not checked: it is the caller's own."). Prints each that says neither.
"""

import re
import sys

from includes import ROOT

# An exception that is a caller's fault, or "Not checked" with a reason.
SAYS = re.compile(r"Throws std::(logic_error|invalid_argument|length_error|out_of_range)\b|Not checked( in \w+)?: \w+")


def comments(text):
    """Yields (line number, text) of each block of comment lines."""
    start, block = 0, []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        comment = re.match(r"\s*// ?(.*)", line)
        if comment:
            start = start if block else number
            block.append(comment[1])
        elif block:
            yield start, block
            block = []


def faults(text):
    """Yields (line number, what is wrong) for one header."""
    for start, block in comments(text):
        # A part goes from one "Requires:" to the next.
        places = [i for i, line in enumerate(block) if "Requires:" in line]
        for place, end in zip(places, [*places[1:], len(block)]):
            part = " ".join(block[place:end]).split("Requires:", 1)[1]
            if not SAYS.search(part):
                yield start + place, 'a "Requires:" without "Throws std::..." or "Not checked: WHY"'


def main():
    headers = sorted((ROOT / "include").rglob("[!.]*.hpp"))
    wrong = [
        f"{header.relative_to(ROOT)}:{line}: {fault}"
        for header in headers
        for line, fault in faults(header.read_text())
    ]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(headers)} public headers, {len(wrong)} requirements of which nobody knows who checks them.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

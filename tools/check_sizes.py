#!/usr/bin/python3
"""Checks that a header of the library is short enough to be read in one go. Prints each that is not.

What a header needs besides what its users call, such as promises and patterns, is in include/c10k/internal/.
"""

import sys

from includes import ROOT

MAX_LINES = 199


def main():
    headers = sorted((ROOT / "include").rglob("[!.]*.hpp"))
    lines = {header: len(header.read_text().splitlines()) for header in headers}
    wrong = [
        f"{header.relative_to(ROOT)}: {count} lines, more than {MAX_LINES}: split it, or move what its users do not "
        "call to include/c10k/internal/"
        for header, count in lines.items()
        if count > MAX_LINES
    ]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(headers)} headers, the longest of {max(lines.values())} lines; {len(wrong)} are too long.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

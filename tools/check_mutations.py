#!/usr/bin/python3
"""Checks that each defect in tests/conformance/mutations.py can still be put into the source: the text that it replaces is in
its file once. Running them all takes an hour; this finds at once that the source has changed."""

import sys

from includes import ROOT

sys.dont_write_bytecode = True
sys.path.append(str(ROOT / "tests/conformance"))
from mutations import MUTATIONS


def main():
    wrong = [
        f"{mutation.file}: describe this defect as the code is now: {mutation.name}"
        for mutation in MUTATIONS
        if not (ROOT / mutation.file).is_file() or (ROOT / mutation.file).read_text().count(mutation.right) != 1
    ]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(MUTATIONS)} defects, {len(wrong)} that fit nowhere.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Checks that every object has one owner, which destroys it when no function of it can be on the stack, and is given what
it needs.

No object deletes itself, none is made by a plain `new`, and no comment has to warn that a call may end its object: the
owner lets it go with Loop::retire(), and the loop destroys it at the end of its turn. What the connections of a loop
share is in LoopServices: only LoopServices::of() looks it up, and only the edges ask which loop this thread has.
"""

import re
import sys

from includes import ROOT

FAULTS = {
    r"\bdelete this\b": "an object deletes itself: its owner lets it go with Loop::retire()",
    r"(?i)//.*\bmay (be )?(end|destroy|delete)(ed)? (this|it|both|the object)\b": (
        "a call that may end its own object: retire it instead"
    ),
    r"(?i)//.*\bowns itself\b": "an object that owns itself: give it an owner",
    r"(^\s*|\(|= )new [A-Z]\w*(<[^>]*>)?\{": "a plain new: std::make_unique says who owns it",
}

LOOKUPS = {
    r"\blocal<": ("Loop::local() has one user, LoopServices::of()", {"src/connection/loop_services.hpp"}),
    r"\bLoop::current\(\)": (
        "an object here is given its loop, or LoopServices: only the edges look it up",
        {
            "src/connection/client.cpp",
            "src/groups/cross_loop_batch.cpp",
            "src/groups/groups.cpp",
            "src/groups/local_group.cpp",
            "src/loop/loop.cpp",
            "src/manage/manage.cpp",
            "src/task/blocking.cpp",
            "src/task/completion.cpp",
            "src/task/descriptor.cpp",
            "src/task/on_loops.cpp",
            "src/task/task.cpp",
            "src/task/task_group.cpp",
            "src/web/site.cpp",
        },
    ),
}


def faults(file):
    """Yields (line number, what is wrong) for one file."""
    name = str(file.relative_to(ROOT))
    for number, line in enumerate(file.read_text().splitlines(), 1):
        for pattern, (fault, allowed) in LOOKUPS.items():
            if name not in allowed and re.search(pattern, line):
                yield number, fault
        for pattern, fault in FAULTS.items():
            if re.search(pattern, line):
                yield number, fault


def main():
    files = [file for top in ("src", "include") for file in sorted((ROOT / top).rglob("[!.]*.[ch]pp"))]
    wrong = [f"{file.relative_to(ROOT)}:{line}: {fault}" for file in files for line, fault in faults(file)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(files)} files, {len(wrong)} objects without an owner.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

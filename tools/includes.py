"""Which of the project's own files a source file includes."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.MULTILINE)


def includes(file):
    """Yields (line number, included file) for each include that names a file of the project."""
    text = file.read_text()
    for match in INCLUDE.finditer(text):
        for folder in (file.parent, ROOT / "include", ROOT / "src", ROOT / "demos", ROOT / "tests"):
            included = (folder / match[1]).resolve()
            if included.is_file() and included.is_relative_to(ROOT):
                yield text.count("\n", 0, match.start()) + 1, included
                break


def closure(file):
    """The file and all the project's files that it includes, directly or not."""
    seen, waiting = set(), [file]
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting += [included for _, included in includes(file)]
    return seen

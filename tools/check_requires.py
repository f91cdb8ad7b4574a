#!/usr/bin/python3
"""Checks that each "Requires:" of a public header says what becomes of a caller who does not heed it, and that it does.

Behind it, in the same comment, stands why nobody looks ("Not checked: it is the caller's own."), or what it throws
("Throws std::logic_error otherwise."). The library then has the sentence that is thrown; it begins with the name of the
function or the class whose constructor it is, as the caller writes it: "result(): the task has not ended". Where the
comment says "as for CLASS::FUNCTION()", that one's sentence will do. Prints each "Requires:" that lacks something.
"""

import re
import sys

from includes import ROOT

# An exception that is a caller's fault, or "Not checked" with a reason.
THROWS = re.compile(r"Throws std::(?:logic_error|invalid_argument|length_error|out_of_range)\b")
NOT_CHECKED = re.compile(r"Not checked(?: in \w+)?: \w+")
AS_FOR = re.compile(r"\bas for (?:\w+::)*(\w+)")
SENTENCE = re.compile(r'"(?:\w+::)*(\w+)(?:\(\))?: \w')
CALLED = re.compile(r"(?<![\w(])~?(\w+)\(")


def comments(lines):
    """Yields (line number, text, line number behind it) of each block of comment lines."""
    start, block = 0, []
    for number, line in enumerate([*lines, ""], 1):
        comment = re.match(r"\s*// ?(.*)", line)
        if comment:
            start = start if block else number
            block.append(comment[1])
        elif block:
            yield start, block, number
            block = []


def declared(lines):
    """The name of the function, or of the constructor's class, that is declared first."""
    for line in lines:
        for name in CALLED.findall(re.sub(r"\[\[.*?\]\]|\brequires\b.*|\btemplate <.*?>", "", line)):
            return name
    return None


def faults(text, sentences):
    """Yields (line number, what is wrong) for one header."""
    lines = text.splitlines()
    for start, block, behind in comments(lines):
        # A part goes from one "Requires:" to the next.
        places = [i for i, line in enumerate(block) if "Requires:" in line]
        for place, end in zip(places, [*places[1:], len(block)]):
            part = " ".join(block[place:end]).split("Requires:", 1)[1]
            if THROWS.search(part):
                names = {declared(lines[behind - 1:]), *AS_FOR.findall(part)}
                if not names & sentences:
                    yield start + place, f'a "Requires:" that is not checked: no sentence begins with "{min(map(str, names))}'
            elif not NOT_CHECKED.search(part):
                yield start + place, 'a "Requires:" without "Throws std::..." or "Not checked: WHY"'


def main():
    headers = sorted((ROOT / "include").rglob("[!.]*.hpp"))
    sources = [*headers, *(ROOT / "src").rglob("[!.]*.?pp")]
    sentences = {name for source in sources for name in SENTENCE.findall(source.read_text())}
    wrong = [
        f"{header.relative_to(ROOT)}:{line}: {fault}"
        for header in headers
        for line, fault in faults(header.read_text(), sentences)
    ]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(headers)} headers, {len(wrong)} requirements that are not kept.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

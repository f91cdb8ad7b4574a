#!/usr/bin/python3
"""Checks that words which the glossary has replaced do not come back.

The last column of each table in docs/internals/glossary.md has them in backquotes: `Word` may be no part of a name in the source,
`word_` or `two_words` no name, and `two words` may not stand in a comment or a page.
"""

import re
import sys

from includes import ROOT

GLOSSARY = ROOT / "docs/internals/glossary.md"
FOLDERS = ("benchmarks", "demos", "docs", "examples", "fuzz", "include", "share", "src", "tests", "tools")
SUFFIXES = {".cpp", ".hpp", ".py", ".md", ".txt", ".in"}
# Limits are named like their settings, whose names never change; the last is Envoy's.
KEPT = ("kMaxNewcomers", "kMailboxBytes", "HttpConnectionManager")
EXEMPT = {GLOSSARY, ROOT / "CHANGELOG.md"}  # they tell history


def replaced():
    """The words that may not come back, with those that are said instead."""
    words = {}
    for line in GLOSSARY.read_text().splitlines():
        cells = re.split(r" ?\| ?", line.strip("|"))
        if len(cells) == 3 and not line.startswith("|---"):
            for word in re.findall(r"`([^`]+)`", cells[2]):
                words[word] = cells[0].strip()
    return words


def said(found, words):
    """What is said instead of a name that was found."""
    return next(meant for word, meant in words.items() if word in found)


def pattern(words):
    """Finds each of the words. `Word` is also found inside of LongerWords, but not in constants, which settings name."""
    parts = [rf"\b(?!k[A-Z]|GitHub)\w*{re.escape(word)}(?![a-z])" if re.fullmatch(r"(?:[A-Z][a-z]+)+", word)
             else rf"\b{re.escape(word)}\b" for word in sorted(words, key=len, reverse=True)]
    return re.compile("|".join(parts))


def main():
    words = replaced()
    find = pattern(words)
    files = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CMakeLists.txt")]
    for folder in FOLDERS:
        files += [file for file in sorted((ROOT / folder).rglob("[!.]*")) if file.suffix in SUFFIXES and file not in EXEMPT]
    wrong = [
        f"{file.relative_to(ROOT)}:{number}: {match[0]}: say {said(match[0], words)}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
        for match in find.finditer(re.sub("|".join(KEPT), "", line))
    ]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(files)} files, {len(words)} words that may not come back, {len(wrong)} that did.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

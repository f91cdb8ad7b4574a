#!/usr/bin/python3
"""Checks the Markdown pages: each C++ block is a piece of a file that is compiled, each link leads somewhere, and
docs/README.md, or the README.md of its folder, lists each page of docs/, each public header and each public module of Python;
and each entry of the changelog has a category.

A block is a copy of the file that the comment in the line before it names, or of a region in it: what stands there
between `// [room]` and `// [/room]`.

    <!-- examples/echo.cpp -->
    <!-- examples/chat.cpp: room -->

In docs/ and the README every block of C++ must be one; others may. `--fix` copies them anew.
"""

import os
import re
import sys

from docs.modules import PUBLIC
from docs.pages import ROOT, Block, Prose, all_pages, anchor, read, region

INDEX = ROOT / "docs/README.md"
CHANGELOG = ROOT / "CHANGELOG.md"
CATEGORIES = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
MUST_QUOTE = [ROOT / "README.md", *(ROOT / "docs").rglob("[!.]*.md")]
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")


def snippets(page):
    """Yields (block, what the block should be, what is wrong) for each that is to be a copy."""
    for item in read(page):
        if not isinstance(item, Block):
            continue
        if item.source:
            try:
                wanted = region(*item.source)
            except (OSError, ValueError) as error:
                yield item, None, str(error)
                continue
            if item.text != wanted:
                yield item, wanted, f"is not what {item.comment} is: tools/check_docs.py --fix"
        elif item.language == "cpp" and page in MUST_QUOTE:
            yield item, None, "C++ that no file has: put <!-- FILE: REGION --> before it"


def headings(page):
    return [item.text.lstrip("# ") for item in read(page) if isinstance(item, Prose) and item.text.startswith("#")]


def broken_links(page):
    """Yields (line, what is wrong) for each link to what is not there. Others' sites are not asked."""
    for item in read(page):
        if not isinstance(item, Prose):
            continue
        for target in LINK.findall(re.sub(r"`[^`]*`", "`code`", item.text)):
            if re.match(r"\w+:|/", target):
                continue
            path, _, place = target.partition("#")
            file = page.parent / path if path else page
            if not file.exists():
                yield item.line, f"{target} does not exist"
            elif place and (file.suffix != ".md" or place not in map(anchor, headings(file))):
                yield item.line, f"{target} is no heading there"


def faults(page):
    """Yields (line, what is wrong)."""
    yield from ((block.line, fault) for block, _, fault in snippets(page))
    yield from broken_links(page)
    if page == CHANGELOG:
        yield from uncategorised(page)
    if page == INDEX:
        for header in sorted((ROOT / "include/c10k").glob("[!.]*.hpp")):
            if f"](../include/c10k/{header.name})" not in INDEX.read_text():
                yield 1, f"does not list c10k/{header.name}"
        for name, file in PUBLIC.items():
            if f"]({os.path.relpath(file, INDEX.parent)})" not in INDEX.read_text():
                yield 1, f"does not list the module {name}"
    elif page.is_relative_to(INDEX.parent) and not any(lists(index, page) for index in (INDEX, page.parent / "README.md")):
        yield 1, "no README.md lists it"


def uncategorised(page):
    """Yields (line, what is wrong) for each entry of the changelog that is under none of the categories."""
    category = None
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.startswith("## "):
            category = None
        elif line.startswith("### "):
            category = line.removeprefix("### ")
            if category not in CATEGORIES:
                yield number, f"{category} is none of {', '.join(CATEGORIES)}"
        elif line.startswith("- ") and category is None:
            yield number, f"put it under one of {', '.join(CATEGORIES)}"


def lists(index, page):
    """Whether that index has a link to the page."""
    return index.exists() and page != index and f"]({os.path.relpath(page, index.parent)})" in index.read_text()


def fix(page):
    """Writes the page with its copies made anew."""
    lines = page.read_text().splitlines(keepends=True)
    for block, wanted, _ in reversed(list(snippets(page))):
        if wanted is not None:
            lines[block.line : block.line + block.text.count("\n")] = [wanted]
    page.write_text("".join(lines))


def main():
    pages = all_pages()
    if sys.argv[1:] == ["--fix"]:
        for page in pages:
            fix(page)
    elif sys.argv[1:]:
        sys.exit(__doc__)
    wrong = [f"{page.relative_to(ROOT)}:{line}: {fault}" for page in pages for line, fault in faults(page)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(pages)} pages, {len(wrong)} things wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

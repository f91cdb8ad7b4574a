"""The project's Markdown pages: their prose, their fenced blocks, and where the text of a block comes from."""

import dataclasses
import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FENCE = re.compile(r"```(\w*)")
COMMENT = re.compile(r"<!-- (.+) -->")
SOURCE = re.compile(r"([\w/.-]+\.\w+)(?:: ([\w-]+))?")
MARK = re.compile(r"(?://|#) \[(/?)([\w-]+)\]")


@dataclasses.dataclass
class Prose:
    line: int  # of the file, from 1
    text: str  # a paragraph, a heading, a row of a table, ...


@dataclasses.dataclass
class Block:
    """What stands between two fences, with the comment in the line before them."""

    line: int  # of the opening fence
    language: str
    text: str
    comment: str

    @property
    def source(self):
        """The file, and the region in it or None, of which this is a copy; None if it is none."""
        match = SOURCE.fullmatch(self.comment)
        return (match[1], match[2]) if match else None


def all_pages():
    """Every Markdown file, those in build folders excepted."""
    return sorted(page for page in ROOT.rglob("[!.]*.md")
                  if not re.match(r"build|\.", page.relative_to(ROOT).parts[0]))


def read(page):
    """Yields the Prose and the Blocks of a page in their order."""
    paragraph, comment, block = [], "", None
    for number, line in enumerate([*page.read_text().splitlines(), ""], 1):
        if block:
            if line == "```":
                block.text = "".join(paragraph)
                yield block
                paragraph, comment, block = [], "", None
            else:
                paragraph.append(line + "\n")
            continue
        fence, note = FENCE.fullmatch(line), COMMENT.fullmatch(line)
        if line and not fence and not note:
            paragraph.append(line)
            comment = ""
            continue
        if paragraph:
            yield Prose(number - len(paragraph), "\n".join(paragraph))
            paragraph = []
        if fence:
            block = Block(number, fence[1], "", comment)
        elif note:
            comment = note[1]
    if block:
        raise ValueError(f"{page}:{block.line}: the block does not end")


def anchor(title):
    """What a link to a heading has behind its #, as GitHub has it."""
    title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def region(file, name):
    """The lines of a file between `// [name]` and `// [/name]`, without what they are all indented by; without a name,
    all its lines. Marks are left out."""
    lines, inside, found = [], name is None, name is None
    for line in (ROOT / file).read_text().splitlines():
        mark = MARK.fullmatch(line.strip())
        if mark is None:
            if inside:
                lines.append(line)
        elif mark[2] == name:
            inside, found = not mark[1], True
    if not found or (inside and name):
        raise ValueError(f"{file} has no whole region [{name}]")
    return textwrap.dedent("\n".join(lines)).strip("\n") + "\n"

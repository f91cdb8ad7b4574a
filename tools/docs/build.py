"""Writes the Markdown pages, and the files that they link to, as HTML into a folder. Run it with ./docs/build"""

import html
import os
import re
import shutil
import sys
from pathlib import Path

import markdown
from markdown.extensions.toc import TocExtension
from markdown.treeprocessors import Treeprocessor
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.token import STANDARD_TYPES, Name
from pygments.util import ClassNotFound

from pages import ROOT, anchor

HERE = Path(__file__).parent
INDEX = ROOT / "docs/README.md"
HEADERS = ROOT / "include/c10k"
HEADING_OR_LINK = re.compile(r"^## (.+)$|^- \[([^\]]+)\]\(([^)]+)\)", re.MULTILINE)
# What a header declares outside of classes: types with what they are, and functions.
DECLARATION = re.compile(r"^(?![ /]|template|namespace)(?:.*\b(?:class|struct|concept|using) (?:\[\[nodiscard\]\] )?"
                         r"(?=\w+[^;(]*(?: \{| = ))|[\[\]\w:<>&*, ]+ (?=\w+\())(\w+)", re.MULTILINE)


def address(file):
    """Where the page of a file is, from the top of the HTML."""
    if file == INDEX:
        return Path("index.html")
    path = file.relative_to(ROOT)
    if path.parts[0] == "docs":
        path = Path(*path.parts[1:])
    if path.suffix == ".png":
        return path
    return path.with_suffix(".html") if path.suffix == ".md" else path.with_name(path.name + ".html")


def way(source, target):
    """The link from the page of one file to that of the other."""
    return os.path.relpath(address(target), address(source).parent)


class Site:
    def __init__(self, folder):
        self.folder = folder
        self.waiting = [INDEX]
        self.seen = set()
        self.names = {}  # of what the headers declare: the header, and where in it
        for header in sorted(HEADERS.glob("[!.]*.hpp")):
            for match in DECLARATION.finditer(header.read_text()):
                self.names.setdefault(match[1], (header, match.start(1)))

    def build(self):
        """Writes the index, and whatever can be reached from there."""
        while self.waiting:
            file = self.waiting.pop()
            if file not in self.seen:
                self.seen.add(file)
                self.write(file)
        shutil.copy(HERE / "style.css", self.folder)
        light, dark = (HtmlFormatter(style=name).get_style_defs(".highlight") for name in ("friendly", "nord"))
        (self.folder / "code.css").write_text(f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n")

    def write(self, file):
        target = self.folder / address(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".png":
            shutil.copy(file, target)
            return
        title, body = self.from_markdown(file) if file.suffix == ".md" else self.from_code(file)
        page = (HERE / "page.html").read_text()
        for name, text in {"title": title, "top": os.path.relpath(".", address(file).parent),
                           "navigation": self.navigation(file), "body": body}.items():
            page = page.replace(f"{{{{{name}}}}}", text)
        target.write_text(page)

    def navigation(self, file):
        """The four kinds, and their pages: as the index has them."""
        lines = []
        for kind, title, link in HEADING_OR_LINK.findall(INDEX.read_text()):
            if kind:
                lines.append(f"<h2>{kind}</h2>")
            else:
                target = (INDEX.parent / link).resolve()
                here = ' aria-current="page"' if target == file else ""
                lines.append(f'<a href="{way(file, target)}"{here}>{html.escape(title)}</a>')
        return "\n".join(lines)

    def from_markdown(self, file):
        converter = markdown.Markdown(
            extensions=["fenced_code", "tables", "sane_lists", "codehilite",
                        TocExtension(slugify=lambda title, _: anchor(title))],
            extension_configs={"codehilite": {"css_class": "highlight", "guess_lang": False}})
        converter.treeprocessors.register(Links(self, file), "links", 0)
        text = file.read_text()
        return html.escape(re.search(r"^# (.+)$", text, re.MULTILINE)[1]), converter.convert(text)

    def from_code(self, file):
        """A file as it is. A name that a header declares leads to its declaration."""
        try:
            lexer = get_lexer_for_filename(file.name, stripnl=False)
        except ClassNotFound:
            lexer = TextLexer(stripnl=False)
        code, offset, pieces = file.read_text(), 0, []
        for kind, text in lexer.get_tokens(code):
            piece = f'<span class="{STANDARD_TYPES.get(kind, "")}">{html.escape(text)}</span>'
            header, place = self.names.get(text, (None, None)) if kind in Name else (None, None)
            if (header, place) == (file, offset):
                piece = f'<b id="{text}">{piece}</b>'
            elif header and (text[0].isupper() or code.startswith("(", offset + len(text))):
                self.waiting.append(header)
                piece = f'<a href="{way(file, header)}#{text}">{piece}</a>'
            pieces.append(piece)
            offset += len(text)
        title = file.relative_to(ROOT / "include" if file.parent == HEADERS else ROOT)
        return str(title), f'<h1>{title}</h1>\n<div class="highlight"><pre>{"".join(pieces)}</pre></div>'


class Links(Treeprocessor):
    """Makes links to files of the project links to their pages; to folders, there are none."""

    def __init__(self, site, file):
        super().__init__()
        self.site = site
        self.file = file

    def run(self, root):
        for element in root.iter():
            for attribute in ("href", "src"):
                link = element.get(attribute)
                if link is None or re.match(r"\w+:|[/#]", link):
                    continue
                path, mark, place = link.partition("#")
                target = (self.file.parent / path).resolve()
                if target.is_dir():
                    element.attrib.pop(attribute)
                    continue
                self.site.waiting.append(target)
                element.set(attribute, way(self.file, target) + mark + place)


def main():
    folder = Path(sys.argv[1])
    site = Site(folder)
    site.build()
    print(f"{len(site.seen)} pages; begin with {folder}/index.html")


if __name__ == "__main__":
    main()

"""Writes the Markdown pages, the files that they link to, a page for each public header and each public module of Python, and
the reports that there are (build/reports/), as HTML into a folder. Run it with ./docs/build"""

import functools
import html
import itertools
import json
import os
import re
import shutil
import sys
import textwrap
from pathlib import Path

import markdown
from markdown.extensions.toc import TocExtension
from markdown.treeprocessors import Treeprocessor
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import CppLexer, PythonLexer, TextLexer, get_lexer_for_filename
from pygments.token import STANDARD_TYPES, Name
from pygments.util import ClassNotFound

import diagram
import headers
import modules
import settings
from pages import ROOT, anchor

HERE = Path(__file__).parent
INDEX = ROOT / "docs/README.md"
HEADERS = ROOT / "include/c10k"
REPORTS = Path(os.environ.get("C10K_BUILD", ROOT / "build")) / "reports"
PICTURES = {".png", ".svg", ".webp"}
MERMAID = re.compile(r"^```mermaid\n(stateDiagram.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r'<h([123])(?: id="([^"]*)")?>(.*?)</h\1>')
HEADING_OR_LINK = re.compile(r"^## (.+)$|^- \[([^\]]+)\]\(([^)]+)\)", re.MULTILINE)
# What a header declares outside of classes: types with what they are, and functions.
DECLARATION = re.compile(r"^(?![ /]|template|namespace)(?:.*\b(?:class|struct|concept|using) (?:\[\[nodiscard\]\] )?"
                         r"(?=\w+[^;(]*(?: \{| = ))|[\[\]\w:<>&*, ]+ (?=\w+\())(\w+)", re.MULTILINE)


# A comment begins with one of these words where it states a contract of its declaration.
LABELS = re.compile(r"(^|(?<=[.;] ))(Requires|Suspends|Stops|Thread|Throws|Lifetime)\b(:?)")
LABEL_BEGINS_LINE = re.compile(r"\n(?=(?:Requires|Suspends|Stops|Thread|Throws|Lifetime)\b)")
CODE_OR_NAME = re.compile(r"`([^`]+)`|\b(?:([A-Z]\w+)\b(?!\()|(\w+)(?=\(\)))")


# Of a docstring: code in single or double backquotes, and a section such as "Args:".
CODE = re.compile(r"(`{1,2})([^`]+)\1")
SECTION = re.compile(r"(Args|Raises|Returns|Yields):")
MODULES = {file: name for name, file in modules.PUBLIC.items()}


def is_header(file):
    return file.parent == HEADERS and file.suffix == ".hpp"


def address(file, as_source=False):
    """Where the page of a file is, from the top of the HTML. A public header has two: what it declares, and itself. So have a
    public module of Python, and the table of settings."""
    if file == INDEX:
        return Path("index.html")
    if is_header(file) and not as_source:
        return Path("reference/c10k") / f"{file.stem}.html"
    if file in MODULES and not as_source:
        return Path("reference/python") / f"{MODULES[file]}.html"
    if file == settings.ROWS and not as_source:
        return Path("reference/settings.html")
    if file.parent == REPORTS:
        return Path("reports") / f"{file.stem}.html"
    path = file.relative_to(ROOT)
    if path.parts[0] == "docs":
        path = Path(*path.parts[1:])
    if path.suffix in PICTURES:
        return path
    return path.with_suffix(".html") if path.suffix == ".md" else path.with_name(path.name + ".html")


def way(page, target, as_source=False):
    """The link from one page, by its address, to that of a file."""
    return os.path.relpath(address(target, as_source), page.parent)


class Site:
    def __init__(self, folder):
        self.folder = folder
        self.reports = sorted(REPORTS.glob("*.md"))
        self.waiting = [INDEX, *self.reports]
        self.seen = set()
        self.headings = []  # for the search: text, the page's title, and where it is
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
        for name in ("style.css", "search.js"):
            shutil.copy(HERE / name, self.folder)
        (self.folder / "headings.js").write_text(f"const headings = {json.dumps(sorted(self.headings), indent=0)};\n")
        light, dark = (HtmlFormatter(style=name).get_style_defs(".highlight") for name in ("friendly", "nord"))
        (self.folder / "code.css").write_text(f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n")

    def write(self, file):
        target = self.folder / address(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix in PICTURES:
            shutil.copy(file, target)
        elif file.suffix == ".md":
            self.put(file, address(file), *self.from_markdown(file))
        else:
            self.put(file, address(file, as_source=True), *self.from_code(file))
            if is_header(file):
                self.put(file, address(file), *self.from_header(file))
            elif file in MODULES:
                self.put(file, address(file), *self.from_module(file))
            elif file == settings.ROWS:
                self.put(file, address(file), *self.from_settings(file))

    def put(self, file, place, title, body):
        """Writes the page of a file."""
        for level, place_in_page, text in HEADING.findall(body):
            text = html.unescape(re.sub(r"<[^>]+>", "", text))
            where = f"{place}#{html.unescape(place_in_page)}".rstrip("#")
            self.headings.append([text, "" if level == "1" else html.unescape(title), where])
        page = (HERE / "page.html").read_text()
        for name, text in {"title": title, "top": os.path.relpath(".", place.parent),
                           "navigation": self.navigation(file, place), "body": body}.items():
            page = page.replace(f"{{{{{name}}}}}", text)
        (self.folder / place).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / place).write_text(page)

    def navigation(self, file, place):
        """The kinds, and their pages: as the index has them."""
        entries = [(kind, title, (INDEX.parent / link).resolve())
                   for kind, title, link in HEADING_OR_LINK.findall(INDEX.read_text())]
        if self.reports:
            entries += [("Reports", "", None), *(("", report.stem, report) for report in self.reports)]
        lines = []
        for kind, title, target in entries:
            here = ' aria-current="page"' if target == file else ""
            lines.append(f"<h2>{kind}</h2>" if kind else f'<a href="{way(place, target)}"{here}>{html.escape(title)}</a>')
        return "\n".join(lines)

    def from_markdown(self, file):
        converter = markdown.Markdown(
            extensions=["fenced_code", "tables", "sane_lists", "codehilite",
                        TocExtension(slugify=lambda title, _: anchor(title))],
            extension_configs={"codehilite": {"css_class": "highlight", "guess_lang": False}})
        converter.treeprocessors.register(Links(self, file), "links", 0)
        text = MERMAID.sub(lambda match: f'<div class="states">{diagram.svg(match[1])}</div>\n', file.read_text())
        return html.escape(re.search(r"^# (.+)$", text, re.MULTILINE)[1]), converter.convert(text)

    def from_code(self, file):
        """A file as it is. A name that a header declares leads to its declaration."""
        try:
            lexer = get_lexer_for_filename(file.name, stripnl=False)
        except ClassNotFound:
            lexer = TextLexer(stripnl=False)
        code, offset, pieces, page = file.read_text(), 0, [], address(file, as_source=True)
        for kind, text in lexer.get_tokens(code):
            piece = f'<span class="{STANDARD_TYPES.get(kind, "")}">{html.escape(text)}</span>'
            header, place = self.names.get(text, (None, None)) if kind in Name else (None, None)
            if (header, place) == (file, offset):
                piece = f'<b id="{text}">{piece}</b>'
            elif header and (text[0].isupper() or code.startswith("(", offset + len(text))):
                self.waiting.append(header)
                piece = f'<a href="{way(page, header, as_source=True)}#{text}">{piece}</a>'
            pieces.append(piece)
            offset += len(text)
        title = file.relative_to(ROOT / "include" if file.parent == HEADERS else ROOT)
        return str(title), f'<h1>{title}</h1>\n<div class="highlight"><pre>{"".join(pieces)}</pre></div>'

    def from_header(self, file):
        """What a header declares, each with its comment."""
        title, page = str(file.relative_to(ROOT / "include")), address(file)
        parts = [f"<h1>{title}</h1>",
                 f'<p><code>#include &lt;{title}&gt;</code> (<a href="{way(page, file, as_source=True)}">source</a>)</p>']
        level, seen = 2, set()
        for item in headers.documented(file):
            if isinstance(item, headers.Section):
                if item.title:
                    level = 3
                    parts.append(f"<h2>{html.escape(item.title)}</h2>")
                parts.append(self.comment(file, item.comment))
                continue
            name = html.escape(item.name)
            if name not in seen:
                parts.append(f'<h{level} id="{name}">{name}</h{level}>')
            seen.add(name)
            parts += [self.code(item.code), self.comment(file, item.comment)]
            if item.members:
                parts.append('<div class="members">')
                for member in item.members:
                    self.headings.append([f"{item.name}::{member.name}", title, f"{page}#{item.name}"])
                    parts += [self.code(member.code), self.comment(file, member.comment)]
                parts.append("</div>")
        return title, "\n".join(parts)

    def from_module(self, file):
        """What a public module of Python has, each with its docstring."""
        title, page = MODULES[file], address(file)
        text, entries = modules.documented(file)
        parts = [f"<h1>{title}</h1>", f'<p>(<a href="{way(page, file, as_source=True)}">source</a>)</p>', self.docstring(text)]
        if file == modules.CONF:
            self.headings += [[name, title, f"{page}#{name}"] for name, *_ in modules.settings()]
            rows = "".join(f'<tr id="{name}"><td><code>{name}</code></td><td><code>{html.escape(default)}</code></td>'
                           f"<td>{html.escape(must_be)}</td><td>{html.escape(meaning)}</td></tr>"
                           for name, default, meaning, must_be in modules.settings())
            parts.append("<table><thead><tr><th>name</th><th>default</th><th>value</th><th>meaning</th></tr></thead>"
                         f"<tbody>{rows}</tbody></table>")
        for entry in entries:
            parts += [f'<h2 id="{entry.name}">{entry.name}</h2>', self.python(entry.code), self.docstring(entry.docstring)]
            if entry.members:
                parts.append('<div class="members">')
                for member in entry.members:
                    place = f"{entry.name}.{member.name}"
                    self.headings.append([place, title, f"{page}#{place}"])
                    parts += [f'<div id="{place}">', self.python(member.code), self.docstring(member.docstring), "</div>"]
                parts.append("</div>")
        return title, "\n".join(parts)

    def docstring(self, text):
        """A docstring as HTML: paragraphs, lists of arguments and errors, and code where it is indented."""
        parts, lines = [], text.splitlines()
        while lines:
            if not lines[0].strip():
                del lines[0]
            elif SECTION.fullmatch(lines[0]):
                name = lines.pop(0)
                parts += [f"<p><b>{name}</b></p>", self.definitions(textwrap.dedent("\n".join(self.indented(lines))))]
            elif lines[0].startswith(" ") or lines[0].startswith("==="):
                is_table = lines[0].startswith("===")
                code = "\n".join(self.paragraph(lines) if is_table else self.indented(lines))
                parts.append(f"<pre>{html.escape(code)}</pre>" if is_table else self.python(textwrap.dedent(code)))
            else:
                paragraph = "\n".join(self.paragraph(lines))
                parts.append(f"<p>{self.inline(re.sub(r'::$', ':', paragraph))}</p>")
        return "\n".join(parts)

    def definitions(self, text):
        """What follows "Args:": a name, a colon and a text, which may go on in indented lines."""
        rows = [row.partition(": ") for row in re.split(r"\n(?=\S)", text.strip())]
        if not all(colon for _, colon, _ in rows):
            return f"<p>{self.inline(text)}</p>"
        return "<dl>" + "".join(f"<dt><code>{html.escape(name)}</code></dt><dd>{self.inline(' '.join(said.split()))}</dd>"
                                for name, _, said in rows) + "</dl>"

    @staticmethod
    def indented(lines):
        """Takes the lines off that are indented, with the empty ones between them."""
        taken = list(itertools.takewhile(lambda line: not line or line.startswith(" "), lines))
        del lines[:len(taken)]
        return taken

    @staticmethod
    def paragraph(lines):
        """Takes the lines off up to an empty or an indented one."""
        taken = list(itertools.takewhile(lambda line: line and not line.startswith(" "), lines))
        del lines[:len(taken)]
        return taken

    @staticmethod
    def inline(text):
        return CODE.sub(r"<code>\2</code>", html.escape(text, quote=False))

    @staticmethod
    def python(text):
        return highlight(text.rstrip(), PythonLexer(), HtmlFormatter(cssclass="highlight"))

    def from_settings(self, file):
        """The table of settings: it says more than the file does to a reader."""
        self.headings += [[name, "Settings", f"{address(file)}#{name}"] for name, *_ in settings.settings()]
        rows = "".join(f'<tr id="{name}"><td><code>{name}</code></td><td><code>{html.escape(default)}</code></td>'
                       f"<td>{html.escape(unit)}</td><td>{html.escape(reason)}</td></tr>"
                       for name, default, unit, reason in settings.settings())
        source = way(address(file), file, as_source=True)
        return "Settings", ("<h1>Settings</h1>\n<p>A setting stands in <code>c10k.conf</code> (<code>name = value</code>), in the "
                            "environment (<code>C10K_NAME</code>) or among the options (<code>--set name=value</code>); the later "
                            f'overrides the earlier. <a href="{source}">Source</a>.</p>\n<table><thead><tr><th>name</th>'
                            f"<th>default</th><th>unit</th><th>reason</th></tr></thead><tbody>{rows}</tbody></table>")

    @staticmethod
    def code(text):
        return highlight(text, CppLexer(), HtmlFormatter(cssclass="highlight"))

    def comment(self, file, lines):
        """The lines of a comment as HTML: paragraphs, and code where they are indented."""
        parts = []
        for is_code, group in itertools.groupby(lines, lambda line: line.startswith("    ") if line else None):
            text = "\n".join(group)
            if is_code:
                parts.append(self.code(textwrap.dedent(text)))
            elif text:
                parts += ["<p>" + LABELS.sub(r"\1<b>\2\3</b>", self.prose(file, paragraph)) + "</p>"
                          for paragraph in LABEL_BEGINS_LINE.split(text)]
        return "\n".join(parts)

    def prose(self, file, text):
        """Text in which names lead to where they are declared."""
        pieces, done = [], 0
        for match in CODE_OR_NAME.finditer(text):
            name = match[1] or match[2] or match[3]
            header, _ = self.names.get(name, (None, None))
            pieces.append(html.escape(text[done:match.start()]))
            piece = f"<code>{html.escape(match[1])}</code>" if match[1] else html.escape(match[0])
            if header and header != file and self.has_entry(header, name):
                self.waiting.append(header)
                piece = f'<a href="{way(address(file), header)}#{name}">{piece}</a>'
            pieces.append(piece)
            done = match.end()
        return "".join([*pieces, html.escape(text[done:])])

    @functools.cache
    def has_entry(self, header, name):
        return any(isinstance(item, headers.Entry) and item.name == name for item in headers.documented(header))


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
                element.set(attribute, way(address(self.file), target) + mark + place)


def main():
    folder = Path(sys.argv[1])
    site = Site(folder)
    site.build()
    print(f"{len(site.seen)} pages; begin with {folder}/index.html")


if __name__ == "__main__":
    main()

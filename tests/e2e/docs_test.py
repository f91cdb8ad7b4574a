"""The documentation as HTML: built by the command that is documented, and whole."""

import html.parser
import os
import pathlib
import subprocess
import tempfile
import unittest
import urllib.parse

import support

KINDS = ["Tutorial", "How-to", "Reference", "Explanation"]


class Page(html.parser.HTMLParser):
    """What a page links to, and what can be linked to in it."""

    def __init__(self, file):
        super().__init__()
        self.links, self.places, self.headings = [], set(), []
        self.heading = None
        self.feed(file.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        self.places.add(attributes.get("id"))
        if tag in ("h1", "h2"):
            self.headings.append("")
            self.heading = tag

    def handle_endtag(self, tag):
        if tag == self.heading:
            self.heading = None

    def handle_data(self, data):
        if self.heading:
            self.headings[-1] += data


def setUpModule():
    global folder, pages
    made = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(made.cleanup)
    folder = pathlib.Path(made.name).resolve()
    subprocess.run([support.SOURCE / "docs/build", folder], check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    pages = {file: Page(file) for file in folder.rglob("*.html")}


class Docs(unittest.TestCase):
    def test_every_link_leads_to_a_page_and_a_place_that_is_there(self):
        for file, page in pages.items():
            for link in page.links:
                parts = urllib.parse.urlsplit(link)
                if parts.scheme:
                    continue
                target = (file.parent / parts.path).resolve() if parts.path else file
                with self.subTest(page=file.relative_to(folder), link=link):
                    self.assertTrue(target.is_file())
                    self.assertTrue(target.is_relative_to(folder))
                    if parts.fragment:
                        self.assertIn(parts.fragment, pages[target].places)

    def test_every_page_leads_to_the_four_kinds(self):
        for file, page in pages.items():
            with self.subTest(page=file.relative_to(folder)):
                self.assertEqual(page.headings[:4], KINDS)

    def test_every_markdown_page_and_public_header_has_its_page(self):
        for source in (support.SOURCE / "docs").rglob("*.md"):
            name = source.relative_to(support.SOURCE / "docs").with_suffix(".html")
            self.assertIn(folder / ("index.html" if str(name) == "README.html" else name), pages)
        for header in (support.SOURCE / "include/c10k").glob("*.hpp"):
            self.assertIn(folder / "include/c10k" / f"{header.name}.html", pages)

    def test_names_lead_to_their_declarations(self):
        self.assertIn("websocket.hpp.html#WebSocket", pages[folder / "include/c10k/groups.hpp.html"].links)
        self.assertIn("WebSocket", pages[folder / "include/c10k/websocket.hpp.html"].places)


if __name__ == "__main__":
    support.main()

"""The documentation as HTML: built by the command that is documented, and whole."""

import html.parser
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import urllib.parse

from support.cases import main
from support.environment import MANAGE, SOURCE

KINDS = ["Tutorial", "How-to", "Topics", "Reference", "Internals"]


class Page(html.parser.HTMLParser):
    """What a page links to, and what can be linked to in it."""

    def __init__(self, file):
        super().__init__()
        self.links, self.places, self.headings, self.text = [], set(), [], ""
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
        self.text += data
        if self.heading:
            self.headings[-1] += data


def setUpModule():
    global folder, pages
    made = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(made.cleanup)
    build = pathlib.Path(made.name).resolve() / "build"
    folder = build / "docs"
    (build / "reports").mkdir(parents=True)
    (build / "reports/conformance.md").write_text("# Conformance: report\n\n| case | server |\n|---|---|\n| 1.1.1 | pass |\n")
    subprocess.run([SOURCE / "docs/build", folder], check=True,
                   env={**os.environ, "C10K_BUILD": str(build), "PYTHONDONTWRITEBYTECODE": "1"})
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

    def test_every_page_leads_to_the_kinds(self):
        for file, page in pages.items():
            with self.subTest(page=file.relative_to(folder)):
                self.assertEqual(page.headings[:len(KINDS)], KINDS)

    def test_every_markdown_page_and_public_header_has_its_page(self):
        for source in (SOURCE / "docs").rglob("*.md"):
            name = source.relative_to(SOURCE / "docs").with_suffix(".html")
            self.assertIn(folder / ("index.html" if str(name) == "README.html" else name), pages)
        for header in (SOURCE / "include/c10k").glob("[!.]*.hpp"):
            self.assertIn(folder / "reference/c10k" / f"{header.stem}.html", pages)
            self.assertIn(folder / "include/c10k" / f"{header.name}.html", pages)

    def test_the_page_of_a_header_has_its_declarations_with_their_comments(self):
        page = pages[folder / "reference/c10k/websocket.html"]
        self.assertLessEqual({"WebSocket", "ConnectionClosed", "SlowMember"}, page.places)
        self.assertIn("RecvAwaiter recv();", page.text)
        self.assertIn("Takes the next whole message off the queue.", page.text)
        self.assertNotIn("friend", page.text)
        self.assertNotIn("= delete", page.text)

    def test_every_documented_class_of_a_header_is_on_its_page(self):
        for header in (SOURCE / "include/c10k").glob("[!.]*.hpp"):
            page = pages[folder / "reference/c10k" / f"{header.stem}.html"]
            text = re.sub(r"^namespace [\w:]*internal \{.*?^\}  // namespace", "", header.read_text(), flags=re.M | re.S)
            for name in re.findall(r"^//.*\n(?:template.*\n)?(?:class|struct|enum class) (?:\[\[nodiscard\]\] )?(\w+)[^;]*\{",
                                   text, re.MULTILINE):
                with self.subTest(header=header.name, name=name):
                    self.assertIn(name, page.places)

    def test_the_page_of_a_module_of_python_has_its_names_with_their_docstrings(self):
        page = pages[folder / "reference/python/c10ktools.http.html"]
        self.assertLessEqual({"websocket", "WebSocketView", "WebSocketView.websocket", "is_websocket"}, page.places)
        self.assertIn("slow_member: SlowMember | None = None", page.text)
        self.assertIn("A request that is no handshake is answered with 426", page.text)
        self.assertIn("TypeErrorthe view is not an async def, or a method, or does not take ws.", page.text)
        self.assertIn("async def room(ws, name):", page.text)
        self.assertNotIn("``", page.text)
        page = pages[folder / "reference/python/c10k.html"]
        self.assertLessEqual({"Group.send", "WebSocket.recv", "WebSocket.close_code", "Runner.run"}, page.places)
        self.assertIn("recv() -> Awaitable[str | bytes | None]", page.text)

    def test_every_name_that_a_module_of_python_exports_is_on_its_page(self):
        modules = {"c10k": "c10k/__init__.py", "c10k.asgi": "c10k/asgi.py", "c10ktools.testing": "c10ktools/testing/__init__.py"}
        for module, file in modules.items():
            exported = re.search(r"^__all__ = \[(.*?)\]", (SOURCE / "python" / file).read_text(), re.MULTILINE | re.DOTALL)[1]
            for name in re.findall(r'"(\w+)"', exported):
                with self.subTest(module=module, name=name):
                    self.assertIn(name, pages[folder / f"reference/python/{module}.html"].places)

    def test_the_settings_of_django_are_on_the_page_of_their_module(self):
        page = pages[folder / "reference/python/c10ktools.conf.html"]
        names = re.findall(r'^    "(C10K_\w+)": ', (SOURCE / "python/c10ktools/conf.py").read_text(), re.MULTILINE)
        self.assertGreater(len(names), 8)
        self.assertLessEqual(set(names), page.places)
        self.assertIn("C10K_VIEW_LANES4", page.text)

    def test_the_search_knows_every_heading_of_every_page(self):
        headings = json.loads((folder / "headings.js").read_text().removeprefix("const headings = ").rstrip(";\n"))
        for text, page, place in headings:
            file, _, anchor = place.partition("#")
            with self.subTest(heading=text, page=page):
                self.assertIn(folder / file, pages)
                self.assertIn(anchor or None, pages[folder / file].places)
        titles = {text for text, page, _ in headings if not page}
        self.assertLessEqual({"Debugging: find out what a server does", "c10k/task.hpp"}, titles)

    def test_the_page_of_settings_says_what_the_program_says(self):
        said = json.loads(subprocess.run([MANAGE, "check", "--json"], stdout=subprocess.PIPE, check=False).stdout)["settings"]
        said = [setting for setting in said if not setting["name"].startswith("life_")]  # those are the demo's own
        page = pages[folder / "reference/settings.html"]
        self.assertLessEqual({setting["name"] for setting in said}, page.places)
        for setting in said:
            with self.subTest(setting=setting["name"]):
                self.assertIn(setting["reason"], page.text)
        self.assertIn("outbox_bytes64KiBbytes", page.text)
        self.assertIn("close_time5ss", page.text)

    def test_reports_that_there_are_have_pages(self):
        self.assertIn("1.1.1", pages[folder / "reports/conformance.html"].text)
        self.assertIn("reports/conformance.html", pages[folder / "index.html"].links)

    def test_names_lead_to_their_declarations(self):
        self.assertIn("websocket.hpp.html#WebSocket", pages[folder / "include/c10k/groups.hpp.html"].links)
        self.assertIn("WebSocket", pages[folder / "include/c10k/websocket.hpp.html"].places)
        self.assertIn("websocket.html#WebSocket", pages[folder / "reference/c10k/groups.html"].links)


if __name__ == "__main__":
    main()

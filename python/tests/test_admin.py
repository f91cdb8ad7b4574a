"""Django's admin, as a user of it goes from page to page: on runserver, and on ``python3 -m c10k``."""

import http.cookiejar
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import uuid

from asgi_test import Served
from django.test import SimpleTestCase

from server import HERE, PATIENCE, RunServer, needs_engine

NAME, PASSWORD = "ann", "correct horse"
SCANS = "/admin/project/scan/"


class Browser:
    """Keeps cookies, follows redirects, and fills the forms of pages."""

    def __init__(self, url):
        self.url = url
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def open(self, path, data=None, headers={}):
        """The path it ends up with, and the page."""
        request = urllib.request.Request(urllib.parse.urljoin(self.url, path), data, dict(headers))
        with self.opener.open(request, timeout=PATIENCE) as answer:
            self.headers = answer.headers
            return urllib.parse.urlsplit(answer.url).path, answer.read().decode()

    def submit(self, path, fields, files={}):
        """Fills the form of a page and sends it, as browsers do, with the token that is in it."""
        _, page = self.open(path)
        fields = {"csrfmiddlewaretoken": re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1], **fields}
        boundary = uuid.uuid4().hex
        body = b""
        for name, value in fields.items():
            body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, (filename, content) in files.items():
            body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'.encode()
            body += b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"
        body += f"--{boundary}--\r\n".encode()
        return self.open(path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}", "Referer": self.url})


class AdminTests:
    """What a server shows; a class that derives from it has the server's ``url``."""

    def setUp(self):
        self.browser = Browser(self.url)

    def log_in(self):
        path, page = self.browser.submit("/admin/login/?next=/admin/", {"username": NAME, "password": PASSWORD})
        self.assertEqual(path, "/admin/")
        self.assertIn("Site administration", page)

    def add(self, title, content):
        path, page = self.browser.submit(f"{SCANS}add/", {"title": title}, {"file": (f"{title}.bin", content)})
        self.assertEqual(path, SCANS)
        self.assertIn("was added successfully", page)
        return re.search(rf'href="{SCANS}(\d+)/change/">{title}<', page)[1]

    def test_strangers_are_asked_for_a_password(self):
        path, page = self.browser.open(SCANS)
        self.assertEqual(path, "/admin/login/")
        self.assertIn("Username", page)
        _, page = self.browser.submit("/admin/login/", {"username": NAME, "password": "wrong"})
        self.assertIn("Please enter the correct username and password", page)

    def test_a_form_without_its_token_is_refused(self):
        self.log_in()
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.browser.open(f"{SCANS}add/", b"title=x", {"Referer": self.url})
        caught.exception.close()
        self.assertEqual(caught.exception.code, 403)

    def test_an_object_is_added_with_its_file_changed_and_deleted(self):
        self.log_in()
        # Of a size that Django keeps in memory, and of one that it puts into a file.
        for title, content in (("small", b"\x00\xff\r\n"), ("large", os.urandom(5_000_000))):
            with self.subTest(title=title):
                number = self.add(title, content)
                stored = [file.read_bytes() for file in (self.files / "media" / "scans").glob(f"{title}*")]
                self.assertEqual(stored, [content])
                path, page = self.browser.submit(f"{SCANS}{number}/change/", {"title": f"renamed-{title}"})
                self.assertEqual(path, SCANS)
                self.assertIn("was changed successfully", page)
                _, page = self.browser.open(f"{SCANS}?q=renamed-{title}")
                self.assertIn(f">renamed-{title}</a>", page)
                self.assertIn("1 scan", page)
                _, page = self.browser.open(f"{SCANS}{number}/history/")
                self.assertIn("Added.", page)
                self.assertIn("Changed Title.", page)
                path, page = self.browser.submit(f"{SCANS}{number}/delete/", {"post": "yes"})
                self.assertEqual(path, SCANS)
                self.assertIn("was deleted successfully", page)
                self.assertNotIn(f">renamed-{title}</a>", page)

    def test_the_list_deletes_what_is_selected(self):
        self.log_in()
        numbers = [self.add(f"one-of-{number}", b"x") for number in range(2)]
        chosen = {"action": "delete_selected", "_selected_action": numbers[0]}
        _, page = self.browser.submit(SCANS, chosen)
        self.assertIn("Are you sure", page)
        _, page = self.browser.submit(SCANS, {**chosen, "post": "yes"})
        self.assertIn("Successfully deleted 1 scan", page)
        self.assertIn(">one-of-1</a>", page)

    def test_what_does_not_fit_is_told_beside_its_field(self):
        self.log_in()
        _, page = self.browser.submit(f"{SCANS}add/", {"title": ""})
        self.assertEqual(page.count("This field is required."), 2)

    def test_after_the_logout_a_password_is_needed_again(self):
        self.log_in()
        self.assertIn("sessionid", {cookie.name for cookie in self.browser.cookies})
        _, page = self.browser.submit("/admin/password_change/", {"old_password": "wrong"})
        self.assertIn("Your old password was entered incorrectly", page)
        # Django 4.2 logs out with a POST only.
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        form = urllib.parse.urlencode({"csrfmiddlewaretoken": token}).encode()
        _, page = self.browser.open("/admin/logout/", form, {"Referer": self.url})
        self.assertRegex(page, "Logged out|Thanks for spending")
        self.assertEqual(self.browser.open(SCANS)[0], "/admin/login/")

    def test_static_files_of_the_admin_are_served(self):
        _, page = self.browser.open("/admin/login/")
        links = re.findall(r'(?:href|src)="(/static/admin/[^"]+)"', page)
        self.assertTrue(links)
        for link in {*links, "/static/admin/js/core.js"}:
            _, text = self.browser.open(link)
            self.assertGreater(len(text), 100, link)
            self.assertRegex(self.browser.headers["Content-Type"], "css|javascript")
            self.assertIn("Last-Modified", self.browser.headers)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.browser.open(links[0], headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"})
        caught.exception.close()
        self.assertEqual(caught.exception.code, 304)


def prepare(folder):
    """Makes a database with a superuser. Returns what the environment of a server needs besides."""
    files = pathlib.Path(folder)
    shutil.copytree(HERE / "admin_project", files / "project", ignore=shutil.ignore_patterns("__pycache__"))
    path = [str(files), *(each for each in sys.path if each and each != str(HERE))]
    environment = {
        **os.environ,
        "ADMIN_PROJECT_FILES": folder,
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    for command in (
        ["migrate", "--run-syncdb", "-v", "0"],
        ["createsuperuser", "--no-input", "--username", NAME, "--email", "ann@example.com", "-v", "0"],
    ):
        subprocess.run([sys.executable, "-m", "django", *command], env=environment, cwd=folder, check=True)
    return {"ADMIN_PROJECT_FILES": folder, "DJANGO_SETTINGS_MODULE": "project.settings"}


class AdminTestCase(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="c10k-admin-"))
        cls.files = pathlib.Path(folder)
        cls.server = cls.enterClassContext(cls.serve(prepare(folder)))
        cls.url = f"http://127.0.0.1:{cls.server.port}/"


@needs_engine
class RunserverTests(AdminTests, AdminTestCase):
    @classmethod
    def serve(cls, environment):
        return RunServer("--noreload", project=HERE / "admin_project", environment=environment)


@needs_engine
class ServerTests(AdminTests, AdminTestCase):
    @classmethod
    def serve(cls, environment):
        return Served("project.asgi:application", folder=cls.files, environment=environment)

"""The pages of the demo in Django, and Django's admin, in a real browser."""

import pathlib
import signal
import sys
import tempfile
import unittest

from selenium.webdriver.common.by import By

import browser_test
import viewer_play_test
from support.browser import wait_for
from support.cases import main
from support.environment import BUILD, SKIPPED, SOURCE
from support.process import Program
from support.viewer_player import use_browser

sys.path += [str(SOURCE / "python" / "tests"), str(BUILD / "python")]
PYTHON = "/usr/bin/python3"


def setUpModule():
    browser_test.setUpModule()
    use_browser(browser_test.browser)


class DjangoServer(Program):
    """`manage.py runserver` of a project, ready to answer."""

    def __init__(self, settings="settings", folder=SOURCE / "python" / "demo", port=0, env=None):
        path = f"{BUILD / 'python'}:{folder}"
        super().__init__(
            "-B", "-m", "django", "runserver", f"127.0.0.1:{port}", "--noreload", program=PYTHON,
            env={"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": settings, **(env or {})},
        )
        self.port = int(self.wait_for(r"development server at http://127\.0\.0\.1:(\d+)/")[1])
        self.http = f"http://127.0.0.1:{self.port}"
        self.ws = f"ws://127.0.0.1:{self.port}"

    def stop(self):
        self.signal(signal.SIGINT)  # as a developer ends it
        return self.wait()


class Viewer(browser_test.Viewer):
    serve = DjangoServer


class Play(viewer_play_test.Play):
    serve = DjangoServer
    test_a_held_cell_makes_the_others_wait_a_step_later_with_each_ring = None  # the servers differ in no way that these
    test_the_end_of_the_program_takes_the_dock_away = None                     # would show


class Echo(browser_test.Echo):
    serve = DjangoServer


class Forms(browser_test.Forms):
    serve = DjangoServer


class Origins(browser_test.Origins):
    serve = DjangoServer


class Admin(unittest.TestCase):
    def test_an_object_is_added_with_its_file(self):
        from test_admin import NAME, PASSWORD, prepare

        folder = self.enterContext(tempfile.TemporaryDirectory())
        server = DjangoServer("project.settings", folder, env={**prepare(folder), "C10K_TEST_DEBUG": "true"})
        self.addCleanup(server.kill)
        browser = browser_test.browser
        browser.get_log("browser")

        def submit(name, **fields):
            for field, value in fields.items():
                browser.find_element(By.NAME, field).send_keys(value)
            old = browser.find_element(By.TAG_NAME, "html")
            browser.find_element(By.CSS_SELECTOR, name).click()
            wait_for(browser, lambda: browser.find_element(By.TAG_NAME, "html") != old, "the next page")

        browser.get(f"{server.http}/admin/")
        submit("input[type=submit]", username=NAME, password=PASSWORD)
        upload = pathlib.Path(folder, "scan.bin")
        upload.write_bytes(bytes(range(256)) * 4000)
        browser.get(f"{server.http}/admin/project/scan/add/")
        submit("input[name=_save]", title="A scan", file=str(upload))
        self.assertIn("was added successfully", browser.find_element(By.CLASS_NAME, "messagelist").text)
        self.assertEqual(browser.find_element(By.CSS_SELECTOR, "#result_list th.field-title").text, "A scan")
        self.assertEqual(pathlib.Path(folder, "media/scans/scan.bin").read_bytes(), upload.read_bytes())
        # The style sheet has come, and so have all scripts.
        header = browser.find_element(By.ID, "header")
        self.assertNotEqual(header.value_of_css_property("background-color"), "rgba(0, 0, 0, 0)")
        complaints = [entry["message"] for entry in browser.get_log("browser")]
        self.assertEqual([complaint for complaint in complaints if "favicon" not in complaint], [])
        browser.get("about:blank")
        self.assertEqual(server.stop(), 0, server.output)


if __name__ == "__main__":
    if not list((BUILD / "python").glob("_c10k.*")):
        print("the Python package is not built")
        sys.exit(SKIPPED)
    main()

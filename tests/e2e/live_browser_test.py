"""The dashboard in a real browser, with real connections."""

import re
import unittest

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from support import pictures
from support.browser import axe, chromium, sideways, wait_for
from support.cases import main
from support.frames import TEXT, frame
from support.process import ManageServer
from support.tcp import RawClient

WIDTHS = {1440: 6, 820: 3, 390: 2}  # and how many tiles stand in a row

PICTURES = [(1440, "light"), (390, "dark")]
TOO_WIDE = "return [...document.querySelectorAll('.scroll')].filter((table) => table.scrollWidth > table.clientWidth).length"

# How many connections the server's figures have.
COUNT = """
    const [token, done] = arguments;
    fetch("/_live/figures.json", {headers: {Authorization: `Bearer ${token}`}})
        .then((answer) => answer.json()).then((figures) => done(figures.now.websockets), () => done(0));
"""


def setUpModule():
    global browser
    browser = unittest.enterModuleContext(chromium())


class Live(unittest.TestCase):
    def setUp(self):
        self.server = self.start()

    def start(self, *options):
        server = ManageServer("--debug", "--set", "ping_interval=1h", *options)
        self.addCleanup(server.kill)
        self.url = server.wait_for(r"^Dashboard at (http://\S+)$")[1]
        return server

    def open(self):
        browser.get("about:blank")
        browser.get(self.url)
        self.wait_for_text("state", "Updated every second")
        self.wait_for_text("tiles", "Connections\\d")

    def clients(self, count):
        """So many WebSockets on the echo test."""
        clients = []
        for _ in range(count):
            client = RawClient(self.server.port)
            self.addCleanup(client.close)
            client.open("/test/ws/")
            clients.append(client)
        return clients

    def wait(self, condition, what):
        return wait_for(browser, condition, what)

    def text(self, id):
        return browser.execute_script("return document.getElementById(arguments[0]).textContent", id)

    def wait_for_text(self, id, pattern):
        self.wait(lambda: re.search(pattern, self.text(id)), f"{id}: {pattern}")

    def rows(self):
        """The ids in the table of connections."""
        return browser.execute_script(
            "return [...document.querySelectorAll('#rows tr:not(.gone) [data-follow]')].map((each) => each.dataset.follow)")

    def search(self, query, count):
        field = browser.find_element(By.ID, "query")
        field.clear()
        field.send_keys(query)
        self.wait(lambda: len(self.rows()) == count, f"{count} rows for {query}")
        browser.execute_script("document.activeElement.blur()")

    def scheme(self, name):
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})

    def assert_no_complaints(self):
        self.assertEqual([entry["message"] for entry in browser.get_log("browser") if "_live" in entry["message"]], [])

    def test_shows_real_figures_at_each_width_and_in_both_schemes(self):
        self.clients(7)
        browser.get_log("browser")
        self.open()
        self.assertNotIn("token", browser.current_url)
        self.search("route:/test/ws/", 7)
        self.wait_for_text("tiles", r"Connections[7-9]")
        self.wait_for_text("routes", r"/test/ws/WebSocket7")
        self.wait_for_text("facts", r"Backend(epoll|io_uring)Loops\d+Process\d+Up")
        self.wait_for_text("queues", r"nothing\d")
        browser.execute_script("scrollTo(0, 0)")
        for width, tiles in WIDTHS.items():
            browser.set_window_size(width, 900)
            inner = browser.execute_script("return innerWidth")
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
            for scheme in ("light", "dark"):
                self.scheme(scheme)
                with self.subTest(width=width, scheme=scheme, inner=inner):
                    self.assertLessEqual(sideways(browser), 0)
                    self.assertEqual(browser.execute_script(TOO_WIDE), 0, "tables that scroll sideways")
                    tops = browser.execute_script(
                        "return [...document.querySelectorAll('#tiles > div')].map((tile) => tile.offsetTop)")
                    self.assertEqual(tops.count(tops[0]), tiles)
                    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
                    self.assertEqual(paper, "rgb(246, 246, 243)" if scheme == "light" else "rgb(15, 18, 20)")
                    self.assertEqual(axe(browser), [])
                    if (width, scheme) in PICTURES:
                        self.assertEqual(pictures.fault(browser, f"live-{width}-{scheme}"), "")
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.assert_no_complaints()

    def test_is_searched_followed_and_closed_from_the_page(self):
        clients = self.clients(3)
        self.open()
        browser.find_element(By.TAG_NAME, "body").send_keys("/")
        self.assertEqual(browser.switch_to.active_element.get_attribute("id"), "query")
        browser.switch_to.active_element.send_keys("peer:127.0.0.1:" + str(clients[1].socket.getsockname()[1]))
        self.wait(lambda: len(self.rows()) == 1, "one row")
        (id,) = self.rows()
        browser.find_element(By.CSS_SELECTOR, f"[data-follow='{id}']").send_keys(Keys.ENTER)
        self.wait_for_text("follow-id", f"^{id}$")
        self.wait_for_text("follow-facts", "Peer127")
        clients[1].send(frame(TEXT, b"Spam <b>?</b>"))
        self.wait_for_text("tail", r"→ in .*Spam <b>\?</b>.*← out.*1\. Spam <b>\?</b>")
        self.assertEqual(axe(browser), [])
        browser.find_element(By.ID, "follow-close").click()
        self.assertEqual(axe(browser, "#closing"), [])
        code = browser.find_element(By.ID, "code")
        code.clear()
        code.send_keys("4000")
        browser.find_element(By.CSS_SELECTOR, "#closing [value=close]").click()
        self.wait_for_text("say", f"Connection {id} was closed with 4000")
        self.wait_for_text("tail", "closed with 4000")
        self.wait_for_text("closes", "4xxx")

    def test_no_row_moves_while_it_is_used(self):
        clients = self.clients(4)
        self.open()
        self.search("route:/test/ws/", 4)
        before = self.rows()
        button = browser.find_element(By.CSS_SELECTOR, f"[data-follow='{before[1]}']")
        browser.execute_script("arguments[0].focus()", button)
        clients[0].close()
        more = self.clients(2)
        self.wait_for_text("found", "^3 of 5 shown")
        self.assertEqual(len(browser.find_elements(By.CSS_SELECTOR, "#rows tr.gone")), 1)
        self.assertEqual(browser.find_elements(By.CSS_SELECTOR, "#rows tr")[1].get_attribute("data-key"), before[1])
        self.assertEqual(browser.switch_to.active_element, button)
        browser.execute_script("arguments[0].blur()", button)
        self.wait(lambda: len(self.rows()) == 5, "the rows that there are")
        ActionChains(browser).move_to_element(browser.find_element(By.CSS_SELECTOR, "#rows tr")).perform()
        kept = self.rows()
        more[0].close()
        self.wait_for_text("found", "^4 of 4 shown")
        self.assertEqual(len(browser.find_elements(By.CSS_SELECTOR, "#rows tr")), 5)
        self.assertEqual(len(set(kept) - set(self.rows())), 1)
        ActionChains(browser).move_to_element(browser.find_element(By.ID, "state")).perform()
        self.wait(lambda: len(browser.find_elements(By.CSS_SELECTOR, "#rows tr")) == 4, "the rows that there are")

    def test_says_when_the_server_has_gone_and_when_it_may_not(self):
        self.open()
        self.server.stop()
        self.wait_for_text("state", r"^Server unreachable\. Trying again in \d s\. The figures are from \d\d:\d\d:\d\d\.$")
        self.assertIn("stale", browser.find_element(By.TAG_NAME, "body").get_attribute("class"))

        self.server = self.start("--set", "live_control=off")
        self.clients(1)
        self.open()
        self.search("route:/test/ws/", 1)
        self.assertFalse(browser.find_element(By.CSS_SELECTOR, "[data-follow]").is_enabled())
        self.wait_for_text("found", "need the setting live_control")

        browser.get(self.url.split("#")[0] + "#token=wrong")
        browser.refresh()
        self.wait_for_text("state", "^No access$")
        self.assertTrue(browser.find_element(By.ID, "notice").is_displayed())
        browser.get(self.url)
        self.wait_for_text("state", "Updated every second")

    def test_pauses(self):
        self.open()
        browser.find_element(By.ID, "hold").click()
        self.wait_for_text("state", "^Paused$")
        before = self.text("tiles")
        self.clients(3)
        self.wait(lambda: browser.execute_async_script(COUNT, self.url.split("token=")[1]) >= 3, "the server's count")
        self.assertEqual(self.text("tiles"), before)
        browser.find_element(By.ID, "hold").click()
        self.wait_for_text("routes", r"/test/ws/WebSocket3")


if __name__ == "__main__":
    main()

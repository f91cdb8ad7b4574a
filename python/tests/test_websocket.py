"""What a view can do and what its client gets, through WebSocketClient."""

import asyncio

from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import Client, SimpleTestCase, TestCase, override_settings

from c10ktools.http import ConnectionClosed, WebSocketView, is_websocket, websocket
from c10ktools.testing import WebSocketClient, WebSocketRefused

from support import urls


class Views(TestCase):
    async def test_a_view_gets_messages_and_the_client_its_answers(self):
        async with WebSocketClient().connect("/echo/") as ws:
            for message in ("text", b"bytes", "", "ä€𝄞"):
                await ws.send(message)
                self.assertEqual(await ws.receive(), message)

    async def test_a_view_gets_what_the_url_captured_converted(self):
        async with WebSocketClient().connect("/rooms/tea/41/") as ws:
            self.assertEqual(await ws.receive(), "tea 42")

    async def test_the_websocket_closes_with_1000_when_the_view_returns(self):
        async with WebSocketClient().connect("/rooms/tea/41/") as ws:
            self.assertEqual(await ws.closed_by_view(), 1000)
            self.assertIsNone(await ws.receive())
            with self.assertRaises(ConnectionClosed):
                await ws.send("too late")

    async def test_recv_returns_none_when_the_client_closes(self):
        seen = []

        @websocket
        async def view(ws):
            seen.append(await ws.recv())
            seen.append((ws.closed, ws.close_code, ws.close_reason))

        with override_settings(ROOT_URLCONF=urls(view)):
            ws = await WebSocketClient().connect("/")
            await ws.close(4000, "enough")
        self.assertEqual(seen, [None, (True, 4000, "enough")])

    async def test_a_view_closes_with_a_code_and_a_reason(self):
        @websocket
        async def view(ws):
            ws.close(4001, "no seat")

        with override_settings(ROOT_URLCONF=urls(view)):
            async with WebSocketClient().connect("/") as ws:
                self.assertIsNone(await ws.receive())
                self.assertEqual((ws.close_code, ws.close_reason), (4001, "no seat"))

    async def test_wrong_types_and_codes_raise_at_the_caller(self):
        @websocket
        async def view(ws):
            for wrong in (1, None, ["x"]):
                with self.assertRaisesMessage(TypeError, "a message is str, bytes"):
                    ws.send(wrong)
            for code in (999, 1005, 1006, 1015, 2000, 5000):
                with self.assertRaises(ValueError):
                    ws.close(code)
            ws.send("done")

        with override_settings(ROOT_URLCONF=urls(view)):
            async with WebSocketClient().connect("/") as ws:
                self.assertEqual(await ws.receive(), "done")

    async def test_send_from_another_thread_arrives(self):
        @websocket
        async def view(ws):
            await asyncio.to_thread(ws.send, "from a thread")
            await ws.recv()

        with override_settings(ROOT_URLCONF=urls(view)):
            async with WebSocketClient().connect("/") as ws:
                self.assertEqual(await ws.receive(), "from a thread")

    async def test_asyncio_works_inside_a_view(self):
        @websocket
        async def view(ws):
            queue = asyncio.Queue()
            with self.assertRaises(TimeoutError):
                async with asyncio.timeout(0):
                    await ws.recv()
            async with asyncio.TaskGroup() as group:
                group.create_task(queue.put("one"))
                group.create_task(queue.put("two"))
            self.assertIs(ws.task, asyncio.current_task())
            ws.send(await queue.get() + await queue.get())

        with override_settings(ROOT_URLCONF=urls(view)):
            async with WebSocketClient().connect("/") as ws:
                self.assertEqual(await ws.receive(), "onetwo")

    async def test_whatever_is_awaited_can_be_a_task(self):
        @websocket
        async def view(ws):
            async with asyncio.TaskGroup() as group:
                receiving = group.create_task(ws.recv())
                group.create_task(ws.send("ready"))
            await ws.send(receiving.result())

        with override_settings(ROOT_URLCONF=urls(view)):
            async with WebSocketClient().connect("/") as ws:
                self.assertEqual(await ws.receive(), "ready")
                await ws.send("for the task")
                self.assertEqual(await ws.receive(), "for the task")

    async def test_a_view_that_pushes_waits_for_the_close(self):
        async def push(ws):
            await ws.send("news")
            await asyncio.Event().wait()

        @websocket
        async def view(ws):
            pushing = asyncio.create_task(push(ws))
            await ws.wait_closed()
            pushing.cancel()

        with override_settings(ROOT_URLCONF=urls(view)):
            async with WebSocketClient().connect("/") as ws:
                self.assertEqual(await ws.receive(), "news")

    async def test_messages_come_one_by_one(self):
        @websocket
        async def view(ws):
            ws.send(f"{await anext(ws)} {await ws.recv()}")

        with override_settings(ROOT_URLCONF=urls(view)):
            async with WebSocketClient().connect("/") as ws:
                await ws.send("first")
                await ws.send("second")
                self.assertEqual(await ws.receive(), "first second")

    async def test_the_best_subprotocol_that_both_speak_is_chosen(self):
        for offered, chosen in ((["v1", "v2"], "v2"), (["v1"], "v1"), (["v0"], None), ([], None)):
            async with WebSocketClient().connect("/subprotocols/", subprotocols=offered) as ws:
                self.assertEqual(await ws.receive(), str(chosen))
                self.assertEqual(ws.subprotocol, chosen)

    async def test_the_request_is_kept_unless_the_view_or_the_settings_say_no(self):
        async with WebSocketClient().connect("/no-request/") as ws:
            self.assertEqual(await ws.receive(), "None")

        @websocket
        async def view(ws):
            ws.send(str(ws.request and ws.request.path))

        for keep, text in ((True, "/"), (False, "None")):
            with override_settings(ROOT_URLCONF=urls(view), C10K_KEEP_REQUEST=keep):
                async with WebSocketClient().connect("/?a=b") as ws:
                    self.assertEqual(await ws.receive(), text)


class Failures(TestCase):
    async def test_the_exception_of_a_view_reaches_the_test(self):
        ws = await WebSocketClient().connect("/raises/")
        with self.assertLogs("django.request", "ERROR"):
            self.assertEqual(await ws.receive(), "first")
            with self.assertRaisesMessage(LookupError, "a view failed"):
                await ws.receive()
        self.assertEqual(ws.close_code, 1011)

    async def test_without_raise_request_exception_the_test_sees_1011(self):
        ws = await WebSocketClient(raise_request_exception=False).connect("/raises/")
        with self.assertLogs("django.request", "ERROR") as log:
            self.assertEqual(await ws.closed_by_view(), 1011)
        self.assertIn("WebSocket view failed: /raises/", log.output[0])
        self.assertIn('raise LookupError("a view failed")', log.output[0])
        # The traceback begins in the view.
        self.assertNotIn("c10ktools/", log.output[0])
        self.assertEqual(log.records[0].request.path, "/raises/")

    async def test_a_view_that_returns_something_is_named(self):
        with self.assertLogs("django.request", "WARNING") as logged:
            async with WebSocketClient().connect("/returns/") as ws:
                self.assertEqual(await ws.closed_by_view(), 1000)
        self.assertIn("view project.views.returns returned HttpResponse, which nobody gets", logged.output[0])

    async def test_the_admins_get_mail_about_it(self):
        from django.core import mail

        with override_settings(DEBUG=False):
            async with WebSocketClient(raise_request_exception=False).connect("/raises/") as ws:
                await ws.closed_by_view()
        self.assertEqual(len(mail.outbox), 1)
        self.assertIn("WebSocket view failed: /raises/", mail.outbox[0].subject)
        self.assertIn("LookupError", mail.outbox[0].body)

    async def test_what_fails_before_the_101_fails_as_a_page_does(self):
        client = WebSocketClient()
        for path, error in (("/raises-before/", LookupError), ("/wrong-arguments/", TypeError)):
            with self.assertRaises(error), self.assertLogs("django.request", "ERROR"):
                await client.connect(path)
        client.raise_request_exception = False
        with self.assertLogs("django.request", "ERROR"):
            self.assertEqual((await client.handshake("/wrong-arguments/")).status_code, 500)

    async def test_a_view_that_sends_to_a_client_that_has_gone_ends_silently(self):
        @websocket
        async def view(ws):
            await ws.recv()
            ws.send("to nobody")

        with override_settings(ROOT_URLCONF=urls(view)), self.assertNoLogs("django.request"):
            async with WebSocketClient().connect("/"):
                pass

    async def test_a_view_that_does_not_end_is_cancelled_and_the_test_fails(self):
        @websocket
        async def view(ws):
            await asyncio.Event().wait()

        with override_settings(ROOT_URLCONF=urls(view)):
            ws = await WebSocketClient().connect("/")
            with self.assertRaisesMessage(TimeoutError, "The view of / sent nothing for 0 seconds"):
                await ws.receive(timeout=0)
            ws = await WebSocketClient().connect("/")
            with self.assertRaisesMessage(TimeoutError, "The view of / did not end after the close"):
                await ws.close(timeout=0)


class Refusals(TestCase):
    async def test_a_refusal_is_a_response_as_of_a_page(self):
        client = WebSocketClient()
        response = await client.handshake("/members/")
        self.assertRedirects(response, "/login/?next=/members/", fetch_redirect_response=False)
        with self.assertRaisesMessage(WebSocketRefused, "/members/: the handshake was refused with 302") as caught:
            await client.connect("/members/")
        self.assertEqual(caught.exception.response.status_code, 302)

    async def test_the_chain_refuses_what_it_refuses_to_pages(self):
        client = WebSocketClient()
        answers = {"/nowhere/": 404, "/rooms/a b/": 404, "/staff/": 403, "/echo": 301, "/page/": 200}
        for path, status in answers.items():
            with self.subTest(path):
                self.assertEqual((await client.handshake(path)).status_code, status)

    async def test_a_host_that_is_not_ours_is_400(self):
        response = await WebSocketClient().handshake("/echo/", HTTP_HOST="evil.example")
        self.assertEqual(response.status_code, 400)

    @override_settings(SECURE_SSL_REDIRECT=True)
    async def test_ssl_redirect_knows_wss(self):
        client = WebSocketClient()
        self.assertEqual((await client.handshake("/echo/")).status_code, 301)
        self.assertEqual((await client.handshake("/echo/", secure=True)).status_code, 101)

    def test_a_page_request_is_426_without_hop_by_hop_headers(self):
        for path in ("/echo/", "/socket-only/"):
            response = Client().get(path)
            self.assertEqual(response.status_code, 426)
            self.assertNotIn("Upgrade", response)


class OneUrlForBoth(TestCase):
    async def test_the_page_and_the_websocket_are_on_one_url(self):
        for path in ("/both/", "/both/async/"):
            async with WebSocketClient().connect(path) as ws:
                self.assertEqual(await ws.receive(), "The WebSocket")
            response = await asyncio.to_thread(Client().get, path)
            self.assertEqual((response.status_code, response.content), (200, b"The page"))
            self.assertIn("Upgrade", response["Vary"])
            self.assertEqual((await asyncio.to_thread(Client().post, path)).status_code, 405)

    async def test_a_view_may_ask_whether_it_is_a_handshake(self):
        @websocket
        async def talk(ws):
            ws.send("The WebSocket")

        def view(request):
            return talk(request) if is_websocket(request) else HttpResponse("The page")

        with override_settings(ROOT_URLCONF=urls(view)):
            async with WebSocketClient().connect("/") as ws:
                self.assertEqual(await ws.receive(), "The WebSocket")
            self.assertEqual((await asyncio.to_thread(Client().get, "/")).content, b"The page")

    async def test_options_of_a_class_apply(self):
        async with WebSocketClient().connect("/both/", subprotocols=["v1"]) as ws:
            self.assertEqual(ws.subprotocol, "v1")


class Decoration(SimpleTestCase):
    def test_a_synchronous_view_is_an_error_that_names_its_line(self):
        def view(ws):
            pass

        line = view.__code__.co_firstlineno
        message = f'@websocket needs an "async def", not def view ({__file__}, line {line})'
        with self.assertRaisesMessage(TypeError, message):
            websocket(view)
        with self.assertRaisesMessage(TypeError, f"{__file__}, line {line}"):
            websocket(subprotocols=["a"])(view)

    def test_another_decorator_below_is_an_error_that_says_so(self):
        from django.contrib.auth.decorators import login_required

        async def view(ws):
            pass

        with self.assertRaisesMessage(TypeError, "write @websocket directly above async def view"):
            websocket(login_required(view))

    def test_generators_classes_and_others_are_errors(self):
        async def view(ws):
            yield

        class AView:
            pass

        for wrong, text in ((view, 'without "yield"'), (AView, "derive from WebSocketView"), ("text", "not text")):
            with self.assertRaisesMessage(TypeError, text):
                websocket(wrong)

    def test_a_synchronous_method_is_an_error_when_the_class_is_made(self):
        with self.assertRaisesMessage(TypeError, 'AView.websocket() needs an "async def"'):

            class AView(WebSocketView):
                def websocket(self, ws):
                    pass

    def test_a_method_and_a_view_without_a_websocket_are_errors_that_name_their_line(self):
        async def no_parameter():
            pass

        class AView:
            async def get(self, ws):
                pass

        for wrong, text in ((no_parameter, "whose first parameter is the WebSocket"), (AView.get, "AView.get() is a method")):
            with self.assertRaisesMessage(TypeError, text) as caught:
                websocket(wrong)
            self.assertIn(f"({__file__}, line {wrong.__code__.co_firstlineno})", str(caught.exception))

    def test_a_class_without_a_websocket_is_an_error_in_the_urlconf(self):
        class Misspelt(WebSocketView):
            async def webscoket(self, ws):
                pass

        with self.assertRaisesMessage(TypeError, 'Misspelt has no "async def websocket(self, ws, ...)"'):
            Misspelt.as_view()

    def test_wrong_options_are_errors(self):
        with self.assertRaisesMessage(ValueError, "slow_member is one of 'close', 'drop_oldest', 'drop_newest'"):
            websocket(slow_member="drop")
        with self.assertRaisesMessage(TypeError, "subprotocols is a list of names, such as ['v1']"):
            websocket(subprotocols="v1")

    def test_the_wrapper_keeps_the_name_and_is_not_asynchronous(self):
        @websocket
        async def room(ws):
            """A room."""

        self.assertEqual((room.__name__, room.__doc__), ("room", "A room."))
        self.assertFalse(asyncio.iscoroutinefunction(room))
        self.assertTrue(room.accepts_websocket)


class Origins(TestCase):
    async def status(self, origin, path="/echo/", **options):
        with self.settings(**options.pop("settings", {})):
            return (await WebSocketClient().handshake(path, origin=origin, **options)).status_code

    async def test_a_page_of_this_host_may_open_it(self):
        self.assertEqual(await self.status("http://testserver"), 101)
        self.assertEqual(await self.status("http://testserver:80"), 101)
        self.assertEqual(await self.status("https://testserver", secure=True), 101)
        self.assertEqual(await self.status(None), 101)

    async def test_a_page_of_another_may_not(self):
        for origin in (
            "http://evil.example", "https://testserver", "http://testserver:8080", "http://testserver.evil.example",
            "null", "", "testserver", "http://testserver:99999", "http://[", "http://testserver/path",
        ):
            with self.subTest(origin), self.assertLogs("django.security.csrf", "WARNING"):
                self.assertEqual(await self.status(origin), 403)

    async def test_trusted_origins_may_in_both_forms_of_django(self):
        for trusted, origin, status in (
            ("https://shop.example", "https://shop.example", 101),
            ("https://shop.example", "http://shop.example", 403),
            ("https://*.shop.example", "https://a.b.shop.example", 101),
            ("https://*.shop.example", "https://evilshop.example", 403),
            ("https://shop.example:8443", "https://shop.example:8443", 101),
            ("https://shop.example:8443", "https://shop.example", 403),
            ("shop.example", "https://shop.example", 101),
            (".shop.example", "http://a.shop.example", 101),
            ("shop.example", "https://a.shop.example", 403),
            ("http://[::1]:8000", "http://[::1]:8000", 101),
        ):
            with self.subTest(trusted=trusted, origin=origin):
                self.assertEqual(await self.status(origin, settings={"CSRF_TRUSTED_ORIGINS": [trusted]}), status)

    async def test_csrf_exempt_opens_it_to_all(self):
        self.assertEqual(await self.status("http://evil.example", "/exempt/"), 101)

    def test_a_foreign_page_is_refused_before_the_session_is_asked(self):
        client = WebSocketClient()
        client.cookies["sessionid"] = "x"
        with self.assertNumQueries(0):
            response = async_to_sync(client.handshake)("/echo/", origin="http://evil.example")
        self.assertEqual(response.status_code, 403)


class State(TestCase):
    async def test_the_language_of_the_request_is_the_views(self):
        async with WebSocketClient().connect("/language/", headers={"Accept-Language": "fr"}) as ws:
            self.assertEqual(await ws.receive(), "fr")

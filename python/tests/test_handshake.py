"""The way of a handshake through Django's chain, on the threads of the pool."""

import asyncio
import contextvars
import threading

from django.contrib import messages
from django.core.signals import request_finished, request_started
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import TransactionTestCase, override_settings

from c10ktools.http import websocket

from support import MemoryHandshake, Server, urls


class Answers(TransactionTestCase):
    async def test_a_101_has_the_cookies_and_headers_of_middleware_but_none_of_a_body(self):
        def decorated(request):
            request.session["seen"] = True
            return view(request)

        @websocket
        async def view(ws):
            await ws.recv()

        with override_settings(ROOT_URLCONF=urls(decorated)):
            async with Server() as server:
                handshake = await server.open(headers=[(b"accept-encoding", b"gzip")])
                names = [name for name, _ in handshake.answer.result()[1]]
                self.assertEqual(handshake.answer.result()[0], 101)
                self.assertIn("sessionid=", handshake.header(b"set-cookie")[0])
                self.assertEqual(handshake.header(b"x-frame-options"), ["DENY"])
                self.assertEqual([name for name in names if name.startswith(b"content-")], [])

    async def test_a_refusal_is_sent_as_django_made_it(self):
        async with Server() as server:
            handshake = await server.open("/members/")
            self.assertEqual(handshake.answer.result()[0], 302)
            self.assertEqual(handshake.header(b"location"), ["/login/?next=/members/"])
            handshake = await server.open("/page/")
            self.assertEqual((handshake.answer.result()[0], handshake.body), (200, b"A page"))
            handshake = await server.open("/nowhere/")
            self.assertEqual(handshake.answer.result()[0], 404)
            self.assertIn(b"Not Found", handshake.body)

    async def test_the_middleware_that_projects_have_lets_a_101_pass(self):
        def copies(get_response):
            def middleware(request):
                response = get_response(request)
                response["Content-Type"], response.content
                copy = HttpResponse(response.content, status=response.status_code)
                copy["X-Copied"] = "yes"
                return copy

            return middleware

        stack = [
            "django.middleware.cache.UpdateCacheMiddleware",
            "django.middleware.gzip.GZipMiddleware",
            "django.middleware.http.ConditionalGetMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.common.BrokenLinkEmailsMiddleware",
            "django.middleware.cache.FetchFromCacheMiddleware",
            "test_handshake.copying",
        ]
        global copying
        copying = copies
        with override_settings(MIDDLEWARE=stack):
            async with Server() as server:
                handshake = await server.open("/echo/", headers=[(b"accept-encoding", b"gzip")])
                self.assertEqual(handshake.answer.result()[0], 101)
                self.assertEqual(handshake.header(b"x-copied"), ["yes"])
                self.assertEqual(handshake.header(b"content-encoding"), [])

    async def test_a_middleware_may_answer_in_place_of_the_view(self):
        global replacing
        seen = []

        @websocket
        async def view(ws):
            seen.append("started")

        def replacing(get_response):
            def middleware(request):
                get_response(request)
                return HttpResponse("Closed for today", status=503)

            return middleware

        with override_settings(MIDDLEWARE=["test_handshake.replacing"], ROOT_URLCONF=urls(view)):
            async with Server() as server:
                handshake = await server.open()
                self.assertEqual((handshake.answer.result()[0], handshake.body), (503, b"Closed for today"))
        self.assertEqual(seen, [])

    async def test_a_101_that_no_websocket_made_is_500_and_logged(self):
        async with Server() as server:
            with self.assertLogs("django.request", "ERROR") as log:
                handshake = await server.open("/plain-101/")
        self.assertEqual(handshake.answer.result()[0], 500)
        self.assertIn("A view answered 101, but no @websocket: /plain-101/", log.output[0])

    async def test_a_view_that_raises_before_the_101_is_a_500_of_django(self):
        async with Server() as server:
            with self.assertLogs("django.request", "ERROR") as log:
                for path in ("/raises-before/", "/wrong-arguments/"):
                    self.assertEqual((await server.open(path)).answer.result()[0], 500)
        self.assertIn("LookupError: a view failed before the 101", log.output[0])
        self.assertIn("missing 1 required positional argument: 'name'", log.output[1])

    @override_settings(DEBUG_PROPAGATE_EXCEPTIONS=True)
    async def test_an_exception_that_leaves_the_chain_is_500_and_logged(self):
        async with Server() as server:
            with self.assertLogs("django.request", "ERROR") as log:
                self.assertEqual((await server.open("/raises-before/")).answer.result()[0], 500)
        self.assertIn("LookupError", log.output[0])

    async def test_a_path_of_any_bytes_is_answered(self):
        async with Server() as server:
            for raw in (b"/%ff%fe/", b"/%00/", b"/rooms/%E2%82%AC/", b"//", b"*", b""):
                with self.subTest(raw):
                    handshake = await server.open("/", raw_path=raw)
                    self.assertIn(handshake.answer.result()[0], (400, 404))

    async def test_options_of_the_view_reach_the_engine(self):
        @websocket(slow_member="drop_oldest", subprotocols=["v2", "v1"])
        async def view(ws):
            await ws.recv()

        with override_settings(ROOT_URLCONF=urls(view)):
            async with Server() as server:
                handshake = await server.open(subprotocols=["v1"])
                self.assertEqual(handshake.accepted, {"subprotocol": "v1", "slow_member": "drop_oldest"})
        with override_settings(C10K_SLOW_MEMBER="drop_newest"):
            async with Server() as server:
                handshake = await server.open("/echo/", subprotocols=["v1"])
                self.assertEqual(handshake.accepted, {"subprotocol": None, "slow_member": "drop_newest"})


class Environ(TransactionTestCase):
    async def test_the_request_is_what_wsgi_would_have_made(self):
        seen = {}

        @websocket
        async def view(ws):
            seen.update(ws.request.META, path=ws.request.path, get=ws.request.GET.dict(), cookies=ws.request.COOKIES)

        with override_settings(ROOT_URLCONF=urls(view)):
            async with Server() as server:
                headers = [
                    (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"accept", b"x"), (b"accept", b"y"),
                    (b"x_forwarded_for", b"spoof"), (b"x-latin", "ä".encode("latin-1")),
                ]
                handshake = await server.open(headers=headers, query=b"q=%C3%A4")
                await asyncio.wait([handshake.websocket.task])
        self.assertEqual((seen["path"], seen["get"], seen["cookies"]), ("/", {"q": "ä"}, {"a": "1", "b": "2"}))
        self.assertEqual((seen["HTTP_ACCEPT"], seen["HTTP_X_LATIN"]), ("x,y", "ä"))
        addresses = [seen[name] for name in ("REMOTE_ADDR", "SERVER_PORT", "wsgi.url_scheme")]
        self.assertEqual(addresses, ["127.0.0.1", "8000", "http"])
        self.assertNotIn("HTTP_X_FORWARDED_FOR", seen)
        self.assertNotIn("c10k.websocket", seen)


    async def test_the_view_keeps_little_more_of_the_request_than_it_can_use(self):
        @websocket
        async def view(ws):
            request = ws.request
            ws.send(f"{request.scheme} {request.body!r} {request.get_host()} {request.resolver_match.func.__name__}")
            seen.append(request)

        seen = []
        with override_settings(ROOT_URLCONF=urls(view)):
            async with Server() as server:
                handshake = await server.open()
                self.assertEqual(await handshake.websocket.to_client.get(), "http b'' testserver view")
        request = seen[0]
        self.assertIs(request.environ, request.META)
        self.assertNotIn("wsgi.input", request.META)
        self.assertFalse(hasattr(request, "_messages"))
        self.assertIsNone(request.resolver_match.tried)

    async def test_equal_headers_of_two_requests_are_one_text(self):
        seen = []

        @websocket
        async def view(ws):
            seen.append(ws.request.META["HTTP_USER_AGENT"])

        with override_settings(ROOT_URLCONF=urls(view)):
            async with Server() as server:
                for _ in range(2):
                    await server.open(headers=[(b"user-agent", bytes(bytearray(b"A browser/1.0")))])
        self.assertIs(seen[0], seen[1])


class Chain(TransactionTestCase):
    @override_settings(C10K_HANDSHAKE_THREADS=1)
    async def test_signals_of_a_request_are_sent_on_one_thread_in_an_empty_context(self):
        seen = []
        variable = contextvars.ContextVar("variable")
        variable.set("of the loop")

        def note(sender, signal, **kwargs):
            name = "started" if signal is request_started else "finished"
            seen.append((name, threading.current_thread().name, variable.get(None), type(kwargs.get("environ"))))
            variable.set("of a handshake")

        request_started.connect(note)
        request_finished.connect(note)
        try:
            async with Server() as server:
                await server.open("/echo/")
                await server.open("/nowhere/")
        finally:
            request_started.disconnect(note)
            request_finished.disconnect(note)
        self.assertEqual([name for name, *_ in seen], ["started", "finished"] * 2)
        self.assertEqual({thread for _, thread, *_ in seen[:2]}, {seen[0][1]})
        self.assertIn("c10k-handshake-", seen[0][1])
        self.assertEqual([value for _, _, value, _ in seen], [None, "of a handshake"] * 2)
        self.assertIs(seen[0][3], dict)

    async def test_the_view_sees_the_context_variables_of_middleware(self):
        global setting
        variable = contextvars.ContextVar("variable")

        def setting(get_response):
            def middleware(request):
                token = variable.set("of the middleware")
                try:
                    return get_response(request)
                finally:
                    variable.reset(token)

            return middleware

        @websocket
        async def view(ws):
            ws.send(variable.get("nothing"))

        with override_settings(MIDDLEWARE=["test_handshake.setting"], ROOT_URLCONF=urls(view)):
            async with Server() as server:
                handshake = await server.open()
                self.assertEqual(await handshake.websocket.to_client.get(), "of the middleware")

    async def test_asynchronous_middleware_works(self):
        global asynchronous
        from django.utils.decorators import async_only_middleware

        @async_only_middleware
        def asynchronous(get_response):
            async def middleware(request):
                response = await get_response(request)
                response["X-Async"] = "yes"
                return response

            return middleware

        with override_settings(MIDDLEWARE=["test_handshake.asynchronous"]):
            async with Server() as server:
                handshake = await server.open("/thread/")
                self.assertEqual(handshake.header(b"x-async"), ["yes"])
                handshake.websocket.to_view.put("?")
                self.assertTrue(int(await handshake.websocket.to_client.get()))

    async def test_atomic_requests_end_before_the_view_begins(self):
        seen = []

        def outer(request):
            transaction.on_commit(lambda: seen.append("committed"))
            seen.append(connection.in_atomic_block)
            return view(request)

        @websocket
        async def view(ws):
            seen.append("view")

        settings = connection.settings_dict
        settings["ATOMIC_REQUESTS"] = True
        try:
            with override_settings(ROOT_URLCONF=urls(outer)):
                async with Server() as server:
                    handshake = await server.open()
                    await asyncio.wait([handshake.websocket.task])
        finally:
            settings["ATOMIC_REQUESTS"] = False
        self.assertEqual(seen, [True, "committed", "view"])

    async def test_messages_of_the_handshake_reach_the_next_page(self):
        def noting(request):
            messages.info(request, "Welcome")
            return view(request)

        @websocket
        async def view(ws):
            await ws.recv()

        with override_settings(ROOT_URLCONF=urls(noting)):
            async with Server() as server:
                handshake = await server.open()
                self.assertTrue(any("messages=" in cookie for cookie in handshake.header(b"set-cookie")))


class Queue(TransactionTestCase):
    @override_settings(C10K_HANDSHAKE_THREADS=2, C10K_HANDSHAKE_QUEUE=3)
    async def test_a_bounded_number_of_handshakes_waits_and_more_are_503(self):
        may_go, running = threading.Event(), threading.Semaphore(0)

        def slow(request):
            running.release()
            may_go.wait()
            return HttpResponse("done")

        with override_settings(ROOT_URLCONF=urls(slow)):
            async with Server() as server:
                first = [server.take() for _ in range(2)]
                for _ in first:
                    await asyncio.to_thread(running.acquire)
                waiting = [server.take() for _ in range(3)]
                refused = await server.open()
                self.assertEqual(refused.answer.result()[0], 503)
                self.assertEqual(refused.header(b"retry-after"), ["1"])
                self.assertFalse(any(each.answer.done() for each in first + waiting))
                may_go.set()
                for each in first + waiting:
                    self.assertEqual((await each.answer)[0], 200)
                self.assertEqual(sum("c10k-handshake" in each.name for each in threading.enumerate()), 2)

    @override_settings(C10K_HANDSHAKE_THREADS=2)
    async def test_a_slow_view_delays_no_handshake_on_another_thread(self):
        may_go = threading.Event()

        def slow_or_quick(request):
            if "slow" in request.GET:
                may_go.wait()
            return HttpResponse("done")

        with override_settings(ROOT_URLCONF=urls(slow_or_quick)):
            async with Server() as server:
                slow = server.take(query=b"slow=1")
                for _ in range(5):
                    await server.open()
                self.assertFalse(slow.answer.done())
                may_go.set()
                await slow.answer

    async def test_a_client_that_goes_while_the_chain_runs_leaves_nothing(self):
        seen = []

        def outer(request):
            handshake.gone = True
            return view(request)

        @websocket
        async def view(ws):
            seen.append("started")

        with override_settings(ROOT_URLCONF=urls(outer)):
            async with Server(lanes=1) as server:
                handshake = MemoryHandshake()
                server.handshakes.take(handshake)
                await asyncio.to_thread(server.handshakes.stop, 5)
                self.assertEqual(seen, [])
                self.assertEqual([len(lane.websockets) for lane in server.lanes], [0])

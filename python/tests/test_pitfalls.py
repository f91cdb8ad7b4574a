"""The fifteen pitfalls of taking a handshake through Django, each with the test that it has not come back."""

import asyncio
import os
import pathlib
import subprocess
import sys
import threading
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import SynchronousOnlyOperation
from django.core.handlers.wsgi import WSGIHandler
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse
from django.test import Client, SimpleTestCase, TestCase, TransactionTestCase, override_settings
from django.utils import translation
from django.utils.decorators import method_decorator

from c10ktools.http import WebSocketView, websocket
from c10ktools.pool import Pool
from c10ktools.testing import WebSocketClient

from support import Server, urls


async def ask(handshake, message="?"):
    """The view's answer to a message."""
    handshake.websocket.to_view.put(message)
    return await handshake.websocket.to_client.get()


class Pitfalls(TransactionTestCase):
    async def test_01_views_do_not_run_their_synchronous_code_in_the_context_of_the_chain(self):
        """As captured, the context says "would deadlock", or gives each connection a thread."""
        async with Server(lanes=3) as server:
            handshakes = [await server.open("/thread/") for _ in range(20)]
            threads = set(await asyncio.gather(*map(ask, handshakes)))
            self.assertEqual(len(threads), 3)
            names = [each.name for each in threading.enumerate() if str(each.ident) in threads]
            self.assertEqual(sorted(names), ["c10k-lane-1-1", "c10k-lane-2-1", "c10k-lane-3-1"])

    async def test_02_each_view_keeps_its_own_language(self):
        before = translation.get_language()
        async with Server() as server:
            german = await server.open("/language/", headers=[(b"accept-language", b"de")])
            french = await server.open("/language/", headers=[(b"accept-language", b"fr")])
            english = await server.open("/language/")
            self.assertEqual(await german.websocket.to_client.get(), "de")
            self.assertEqual(await french.websocket.to_client.get(), "fr")
            self.assertEqual(await english.websocket.to_client.get(), "en")
            self.assertEqual(await ask(english, "fr"), "fr")
            self.assertEqual([await ask(each, "") for each in (german, french, english)], ["de", "fr", "fr"])
            self.assertEqual(translation.get_language(), before)

    @override_settings(C10K_HANDSHAKE_THREADS=1, MIDDLEWARE=[])
    async def test_03_a_handshake_leaves_no_language_to_the_next_one(self):
        async with Server() as server:
            german = await server.open("/german/")
            self.assertEqual(await german.websocket.to_client.get(), "de")
            after = await server.open("/language/")
            self.assertEqual(await after.websocket.to_client.get(), "en-us")

    async def test_04_no_connection_is_closed_under_a_query_that_is_being_read(self):
        """Closing it raises "Cannot operate on a closed database." at the next row."""
        await sync_to_async(self.create_users)(250)
        may_go_on = asyncio.Event()

        @websocket
        async def view(ws):
            rows = await sync_to_async(lambda: get_user_model().objects.all().iterator(chunk_size=100).__iter__())()
            names = [(await sync_to_async(next)(rows)).username]
            ws.send("reading")
            await may_go_on.wait()
            while (user := await sync_to_async(next)(rows, None)) is not None:
                names.append(user.username)
            ws.send(str(len(names)))

        with override_settings(ROOT_URLCONF=urls(view)):
            async with Server(lanes=1, tidy_seconds=0) as server:
                reading = await server.open()
                self.assertEqual(await reading.websocket.to_client.get(), "reading")
                # Other handshakes close old connections, on their own threads; and the lane is asked to tidy up.
                for _ in range(5):
                    await server.open("/nowhere/")
                for lane in server.lanes:
                    lane.tidy()
                may_go_on.set()
                self.assertEqual(await reading.websocket.to_client.get(), "250")

    async def test_05_session_and_user_are_loaded_before_the_view_starts(self):
        """Loaded by the coroutine they raise SynchronousOnlyOperation."""
        client = Client()
        user = await sync_to_async(self.create_users)(1)
        await sync_to_async(client.force_login)(user)

        @websocket
        async def view(ws):
            ws.send(f"{ws.request.user.username} {ws.request.session['_auth_user_id']}")

        cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
        with override_settings(ROOT_URLCONF=urls(view)):
            async with Server() as server:
                handshake = await server.open(headers=[(b"cookie", cookie)])
                self.assertEqual(await handshake.websocket.to_client.get(), f"user0 {user.pk}")
                # For the session middleware, the chain has not looked at the session.
                self.assertNotIn("Cookie", "".join(handshake.header(b"vary")))

    async def test_06_a_session_changed_in_a_view_keeps_what_pages_have_written_meanwhile(self):
        store = SessionStore()
        await sync_to_async(store.create)()
        cookie = f"sessionid={store.session_key}".encode()
        async with Server() as server:
            handshake = await server.open("/session/", headers=[(b"cookie", cookie)])
            self.assertEqual(await ask(handshake), "1")
            await sync_to_async(self.write_session)(store.session_key, "page", "written")
            self.assertEqual(await ask(handshake), "2")
        final = await sync_to_async(SessionStore(store.session_key).load)()
        self.assertEqual(final, {"messages": 2, "page": "written"})

    async def test_07_a_lane_closes_its_connections_when_its_views_wait_for_messages(self):
        async with Server(lanes=1, tidy_seconds=0) as server:
            lane = next(iter(server.lanes))
            handshake = await server.open("/user-in-database/")
            self.assertEqual(await ask(handshake), "0")
            while await asyncio.wrap_future(lane.executor.submit(lambda: connection.connection)) is not None:
                await asyncio.sleep(0)
            # It opens another one when it is asked again.
            self.assertEqual(await ask(handshake), "0")

    async def test_07_a_connection_that_broke_is_replaced_at_once(self):
        @websocket
        async def view(ws):
            async for _ in ws:
                try:
                    ws.send(str(await sync_to_async(get_user_model().objects.count)()))
                except DatabaseError as error:
                    ws.send(type(error).__name__)

        def break_connection():
            connection.ensure_connection()
            connection.connection.close()
            connection.errors_occurred = True
            # SQLite has no way to ask, and says that each connection is usable.
            connection.is_usable = lambda: False

        with override_settings(ROOT_URLCONF=urls(view)):
            async with Server(lanes=1, tidy_seconds=60) as server:
                handshake = await server.open()
                self.assertEqual(await ask(handshake), "0")
                await asyncio.wrap_future(next(iter(server.lanes)).executor.submit(break_connection))
                self.assertEqual(await ask(handshake), "0")

    @override_settings(C10K_HANDSHAKE_THREADS=1)
    async def test_07_a_view_that_outlives_its_websocket_keeps_its_lane_until_it_ends(self):
        async with Server(lanes=1) as server:
            handshake = await server.open("/echo/")
            handshake.on_end, ws = lambda ws: None, handshake.websocket
            server.lanes.leave(ws)
            self.assertTrue(server.lanes.has(ws))
            ws.note_close(1001, "")
            await asyncio.wait([ws.task])
            await asyncio.sleep(0)
            self.assertFalse(server.lanes.has(ws))

    @override_settings(C10K_HANDSHAKE_THREADS=1)
    async def test_08_nothing_is_started_for_a_client_that_has_gone(self):
        may_go, seen = threading.Event(), []

        def view(request):
            seen.append(request.GET["who"])
            may_go.wait()
            return HttpResponse("done")

        with override_settings(ROOT_URLCONF=urls(view)):
            async with Server() as server:
                first, gone, last = [server.take(query=f"who={who}".encode()) for who in ("first", "gone", "last")]
                gone.gone = True
                may_go.set()
                await first.answer
                await last.answer
                self.assertFalse(gone.answer.done())
        self.assertEqual(seen, ["first", "last"])

    async def test_08_a_call_that_waits_in_a_lane_is_dropped_with_its_view(self):
        running, may_go, seen = asyncio.Event(), threading.Event(), []

        @websocket
        async def view(ws):
            who = ws.request.GET["who"]
            if who == "first":
                running.set()
                await sync_to_async(may_go.wait)()
            await sync_to_async(seen.append)(who)

        with override_settings(ROOT_URLCONF=urls(view)):
            async with Server(lanes=1) as server:
                await server.open(query=b"who=first")
                await running.wait()
                second = await server.open(query=b"who=second")
                await asyncio.sleep(0)
                second.websocket.task.cancel()
                await asyncio.wait([second.websocket.task])
                may_go.set()
        self.assertEqual(seen, ["first"])

    def test_09_other_servers_answer_426_400_and_501_and_no_bogus_101(self):
        """WSGI forbids the header "Upgrade", and a server that cannot open WebSockets would send the 101 as it is."""
        answers, bodies = [], []
        upgrade = {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "keep-alive, Upgrade", "HTTP_SEC_WEBSOCKET_KEY": "x"}
        for upgrade in ({}, {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "close"}, upgrade):
            environ = {"SCRIPT_NAME": "", "PATH_INFO": "/echo/", "QUERY_STRING": "", **upgrade}
            environ["HTTP_HOST"] = "testserver"
            setup_testing_defaults(environ)
            result = validator(WSGIHandler())(environ, lambda *answer: answers.append(answer[:2]))
            bodies.append(b"".join(result))
            result.close()
            self.assertNotIn("Upgrade", dict(answers[-1][1]))
        statuses = ["426 Upgrade Required", "400 Bad Request", "501 Not Implemented"]
        self.assertEqual([status for status, _ in answers], statuses)
        self.assertIn(b"lacks Connection: Upgrade and Sec-WebSocket-Key. A proxy", bodies[1])
        self.assertIn(b"Run Django on c10k", bodies[2])

    async def test_10_a_cache_does_not_answer_a_handshake_with_the_page(self):
        for _ in range(2):
            response = await asyncio.to_thread(Client().get, "/cached/")
            self.assertEqual(response.content, b"The page")
        async with WebSocketClient().connect("/cached/") as ws:
            self.assertEqual(await ws.receive(), "The WebSocket")
        self.assertEqual((await asyncio.to_thread(Client().get, "/cached/")).content, b"The page")

    async def test_11_an_asynchronous_get_does_not_make_the_view_asynchronous(self):
        """Django would await our response; and newer method_decorator() marks what it wraps as a coroutine."""

        def marking(view):
            async def wrapper(*args, **kwargs):
                return await view(*args, **kwargs)

            return wrapper

        @method_decorator(marking, name="get")
        class Both(WebSocketView):
            async def get(self, request):
                return HttpResponse("The page")

            async def websocket(self, ws):
                ws.send("The WebSocket")

        view = Both.as_view()
        self.assertFalse(asyncio.iscoroutinefunction(view))
        with override_settings(ROOT_URLCONF=urls(view)):
            async with Server() as server:
                handshake = await server.open()
                self.assertEqual(await handshake.websocket.to_client.get(), "The WebSocket")
            self.assertEqual((await asyncio.to_thread(Client().get, "/")).content, b"The page")

    async def test_13_a_transaction_inside_one_synchronous_call_works_and_one_around_awaits_raises(self):
        @websocket
        async def view(ws):
            def create(fail):
                with transaction.atomic():
                    get_user_model().objects.select_for_update().count()
                    get_user_model().objects.create_user("in a transaction")
                    if fail:
                        raise LookupError

            try:
                await sync_to_async(create)(fail=True)
            except LookupError:
                ws.send(str(await sync_to_async(get_user_model().objects.count)()))
            await sync_to_async(create)(fail=False)
            ws.send(str(await sync_to_async(get_user_model().objects.count)()))
            try:
                with transaction.atomic():
                    pass
            except SynchronousOnlyOperation:
                ws.send("raised")

        with override_settings(ROOT_URLCONF=urls(view)):
            async with Server() as server:
                handshake = await server.open()
                answers = [await handshake.websocket.to_client.get() for _ in range(3)]
        self.assertEqual(answers, ["0", "1", "raised"])

    async def test_14_each_client_and_each_server_has_the_middleware_of_its_time(self):
        async with Server() as server:
            with override_settings(MIDDLEWARE=["test_pitfalls.refuse_all"]):
                self.assertEqual((await WebSocketClient().handshake("/echo/")).status_code, 418)
                self.assertEqual((await server.open("/echo/")).answer.result()[0], 101)
                async with Server() as late:
                    self.assertEqual((await late.open("/echo/")).answer.result()[0], 418)
        self.assertEqual((await WebSocketClient().handshake("/echo/")).status_code, 101)

    def create_users(self, count):
        users = get_user_model().objects
        users.bulk_create([get_user_model()(username=f"user{number}") for number in range(count)])
        return users.first()

    def write_session(self, key, name, value):
        session = SessionStore(key)
        session[name] = value
        session.save()


def refuse_all(get_response):
    return lambda request: HttpResponse(status=418)


class Transactions(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.user = get_user_model().objects.create_user("ann", password="secret")

    async def test_12_views_see_the_transaction_of_a_test(self):
        """On other threads they would see another connection, and none of what the test has made."""
        client = WebSocketClient()
        self.assertEqual((await client.handshake("/members/")).status_code, 302)
        await client.aforce_login(self.user)
        async with client.connect("/members/") as ws:
            self.assertEqual(await ws.receive(), "Hello, ann")
        await client.alogout()
        self.assertEqual((await client.handshake("/members/")).status_code, 302)
        self.assertTrue(await client.alogin(username="ann", password="secret"))
        async with client.connect("/user-in-database/") as ws:
            await ws.send("count")
            self.assertEqual(await ws.receive(), "1")
            await ws.send("create")
            self.assertEqual(await ws.receive(), "2")
        self.assertTrue(await sync_to_async(get_user_model().objects.filter(username="made-by-view").exists)())

    def test_12_what_views_write_is_rolled_back_after_the_test(self):
        self.assertFalse(get_user_model().objects.filter(username="made-by-view").exists())


class Exit(SimpleTestCase):
    def test_15_a_slow_view_delays_no_reload(self):
        """The interpreter joins the threads of concurrent.futures when it exits."""
        may_go, running = threading.Event(), threading.Event()
        pool = Pool("slow", threads=1)
        pool.submit(lambda: (running.set(), may_go.wait()))
        running.wait()
        self.assertFalse(pool.stop(0))
        self.assertFalse(pool.submit(print))
        may_go.set()
        self.assertTrue(pool.stop(60))

        program = (
            "import asyncio, threading\n"
            "from asgiref.sync import sync_to_async\n"
            "from c10ktools.lanes import Lane\n"
            "from c10ktools.pool import Pool\n"
            "running = threading.Semaphore(0)\n"
            "def view(): running.release(); threading.Event().wait()\n"
            "pool = Pool('slow', threads=1)\n"
            "pool.submit(view)\n"
            "Lane('lane', asyncio.new_event_loop(), 60).executor.submit(view)\n"
            "running.acquire(); running.acquire()\n"
            "pool.stop(0)\n"
            "raise SystemExit(3)\n"
        )
        folder = pathlib.Path(__file__).parent
        result = subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment(), timeout=60)
        self.assertEqual(result.returncode, 3)


def environment():
    """For a program that imports what this one does."""
    path = os.pathsep.join(filter(None, sys.path))
    return {**os.environ, "PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "project.settings"}

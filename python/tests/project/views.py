"""The views that the tests open. Those of one test only are in that test."""

import asyncio
import hashlib
import os
import sys
import threading
import time

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page
from django.views.decorators.csrf import csrf_exempt

from c10ktools.http import WebSocketView, websocket
from c10ktools.sessions import update_session


def page(request):
    return HttpResponse("A page")


@websocket
async def echo(ws):
    async for message in ws:
        await ws.send(message)


@websocket
async def room(ws, name):
    ws.send(f"Welcome to {name}")
    while (message := await ws.recv()) is not None:
        ws.send(f"{name}: {message}")


@websocket
async def numbered(ws, name, number):
    await ws.send(f"{name} {number + 1}")


@login_required
@websocket
async def members(ws):
    ws.send(f"Hello, {ws.request.user}")
    await ws.recv()


@permission_required("auth.add_user", raise_exception=True)
@websocket
async def staff(ws):
    await ws.recv()


class Both(WebSocketView):
    subprotocols = ["v2", "v1"]

    def get(self, request):
        return HttpResponse("The page")

    async def websocket(self, ws):
        ws.send("The WebSocket")


class BothAsync(WebSocketView):
    async def get(self, request):
        return HttpResponse("The page")

    async def websocket(self, ws):
        ws.send("The WebSocket")


class SocketOnly(WebSocketView):
    async def websocket(self, ws):
        ws.send("The WebSocket")


@websocket
async def raises(ws):
    ws.send("first")
    raise LookupError("a view failed")


@websocket
async def paths(ws):
    script_name = ws.request.META["SCRIPT_NAME"]
    ws.send(f"{script_name} {ws.request.path} {reverse('room', args=['tea'])}")


@websocket
async def returns(ws):
    return HttpResponse("nobody gets it")


@websocket
async def exits(ws, status):
    if status:
        sys.exit(status)
    raise KeyboardInterrupt


def raises_before(request):
    raise LookupError("a view failed before the 101")


@websocket
async def wrong_arguments(ws, name):
    pass


@csrf_exempt
@websocket
async def exempt(ws):
    ws.send("open to all")


def plain_101(request):
    return HttpResponse(status=101)


@websocket
async def language(ws):
    ws.send(translation.get_language())
    while (message := await ws.recv()) is not None:
        if message:
            translation.activate(message)
        ws.send(translation.get_language())


def german(request):
    """A view that activates a language by itself, which nothing takes back."""
    translation.activate("de")
    return language(request)


@websocket(subprotocols=["v2", "v1"])
async def subprotocols(ws):
    ws.send(str(ws.subprotocol))


@websocket(keep_request=False)
async def no_request(ws):
    ws.send(str(ws.request))
    if await ws.recv():
        raise LookupError("a view without its request failed")


@websocket
async def thread(ws):
    async for _ in ws:
        ws.send(str(await sync_to_async(threading.get_ident)()))


@websocket
async def user_in_database(ws):
    users = get_user_model().objects
    async for message in ws:
        if message == "create":
            await sync_to_async(users.create_user)("made-by-view")
        ws.send(str(await sync_to_async(users.count)()))


@websocket
async def session(ws):
    def count(session):
        session["messages"] = session.get("messages", 0) + 1
        return session["messages"]

    async for _ in ws:
        ws.send(str(await update_session(ws.request, count)))


@method_decorator(cache_page(60), name="dispatch")
class Cached(WebSocketView):
    def get(self, request):
        return HttpResponse("The page")

    async def websocket(self, ws):
        ws.send("The WebSocket")


cached = Cached.as_view()


@csrf_exempt
def upload(request):
    file = request.FILES["file"]
    return JsonResponse({"name": file.name, "size": file.size, "note": request.POST["note"], "sha": sha(file.chunks())})


@csrf_exempt
def body(request):
    """The digest of the body, read in pieces."""
    length = request.META.get("CONTENT_LENGTH")
    return JsonResponse({"sha": sha(iter(lambda: request.read(100_000), b"")), "length": length})


def sha(pieces):
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


class Pieces:
    """A body that tells when it is closed: a generator would also be closed when it is forgotten."""

    def __init__(self, count):
        self._pieces = (b"%08d" % number * 1000 for number in range(count))

    def __iter__(self):
        return self._pieces

    def close(self):
        print("the stream was closed", flush=True)


def stream(request, pieces):
    return StreamingHttpResponse(Pieces(pieces))


def stream_fails(request):
    def generate():
        yield b"the beginning"
        raise LookupError("a stream failed")

    return StreamingHttpResponse(generate())


@websocket
async def blocks(ws, milliseconds):
    time.sleep(milliseconds / 1000)
    ws.send("done")


@websocket
async def pid(ws):
    ws.send(str(os.getpid()))
    await ws.recv()


@websocket
async def stubborn(ws):
    """Does not end when it is cancelled."""
    ws.send("begun")
    while True:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            pass

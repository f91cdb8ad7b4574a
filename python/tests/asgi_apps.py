"""The applications that asgi_test.py serves."""

import asyncio
import contextvars
import json
import os
import sys

from census import census, connections

flavour = contextvars.ContextVar("flavour", default="plain")
events = []  # what a WebSocket has received


def say(*values):
    """A line of the log, in one piece: several workers write to it."""
    os.write(1, (" ".join(map(str, values)) + "\n").encode())


def plain(value):
    """A scope as JSON."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


async def respond(send, body, status=200, headers=()):
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


async def app(scope, receive, send):
    """One path for each behaviour."""
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    elif scope["type"] == "http":
        await pages[scope["path"]](scope, receive, send)
    else:
        await sockets[scope["path"]](scope, receive, send)


async def lifespan(scope, receive, send):
    scope["state"]["shared"] = []
    while True:
        message = await receive()
        say(message["type"])
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def fails_to_start(scope, receive, send):
    assert scope["type"] == "lifespan"
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


async def has_no_lifespan(scope, receive, send):
    assert scope["type"] == "http", "only pages"
    await respond(send, b"no lifespan")


def factory():
    return has_no_lifespan


def wsgi(environ, start_response):
    """No ASGI application."""


# ---- Pages


async def hello(scope, receive, send):
    await respond(send, b"hello", headers=[(b"X-Kind", b"test"), (b"Connection", b"close-me-not")])


async def show_scope(scope, receive, send):
    await respond(send, json.dumps(plain(scope)).encode())
    for name in "asgi", "state", "extensions":
        scope[name]["left behind"] = True


async def pid(scope, receive, send):
    await respond(send, str(os.getpid()).encode())


async def echo_body(scope, receive, send):
    events = []
    while True:
        message = await receive()
        events.append(message)
        if not message["more_body"]:
            break
    await respond(send, b"".join(message["body"] for message in events))


async def stream(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
    for number in range(40):
        await send({"type": "http.response.body", "body": b"%d" % (number % 10) * 50_000, "more_body": True})
    await send({"type": "http.response.body"})


async def endless(scope, receive, send):
    """Streams until send() says that the client has gone."""
    await send({"type": "http.response.start", "status": 200})
    try:
        while True:
            await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
            await asyncio.sleep(0)
    except OSError as error:
        say("endless ended:", type(error).__name__)


async def wait_for_disconnect(scope, receive, send):
    say("waiting")
    first = await receive()
    second = await receive()
    say("page heard", first["type"], second["type"])


async def after_the_answer(scope, receive, send):
    await receive()
    await respond(send, b"done")
    say("afterwards", (await receive())["type"])


async def raise_early(scope, receive, send):
    raise ValueError("raised early")


async def raise_late(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"the beginning", "more_body": True})
    await asyncio.sleep(0)
    raise ValueError("raised late")


async def return_early(scope, receive, send):
    pass


async def wrong_messages(scope, receive, send):
    said = []
    for message in ({"type": "http.response.body"}, {"type": "websocket.send", "text": ""}):
        try:
            await send(message)
        except RuntimeError as error:
            said.append(str(error))
    await respond(send, json.dumps(said).encode())
    for message in ({"type": "http.response.start", "status": 200}, {"type": "http.response.body"}):
        try:
            await send(message)
        except RuntimeError as error:
            say("late:", error)


async def count(scope, receive, send):
    scope["state"]["own"] = scope["state"].get("own", 0) + 1
    scope["state"]["shared"].append(1)
    await respond(send, json.dumps([scope["state"]["own"], len(scope["state"]["shared"])]).encode())


async def tasks(scope, receive, send):
    flavour.set("mine")
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        child = group.create_task(child_flavour())
    name = type(asyncio.current_task()).__name__
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(30)
    except TimeoutError:
        await respond(send, f"{child.result()} {name} timed out".encode())


async def child_flavour():
    await asyncio.sleep(0)
    return flavour.get()


async def sleepy(scope, receive, send):
    say("sleepy began")
    await asyncio.sleep(1)
    await respond(send, b"slept well")


async def show_census(scope, receive, send):
    await respond(send, json.dumps({**census(), "connections": connections()}).encode())


async def length_only(scope, receive, send):
    await respond(send, b"", headers=[(b"content-length", b"1234")])


async def no_content(scope, receive, send):
    await respond(send, b"", status=204)


async def not_modified(scope, receive, send):
    await respond(send, b"", status=304, headers=[(b"etag", b'"x"')])


async def blocks(scope, receive, send):
    say("blocking")
    while True:
        pass


async def exits(scope, receive, send):
    sys.exit(7)


async def die(scope, receive, send):
    os._exit(9)


pages = {
    "/": hello,
    "/ä b": show_scope,
    "/scope": show_scope,
    "/pid": pid,
    "/body": echo_body,
    "/stream": stream,
    "/endless": endless,
    "/wait": wait_for_disconnect,
    "/afterwards": after_the_answer,
    "/raise-early": raise_early,
    "/raise-late": raise_late,
    "/return": return_early,
    "/wrong": wrong_messages,
    "/count": count,
    "/tasks": tasks,
    "/sleepy": sleepy,
    "/length": length_only,
    "/census": show_census,
    "/204": no_content,
    "/304": not_modified,
    "/die": die,
    "/exits": exits,
    "/blocks": blocks,
}


# ---- WebSockets


async def echo(scope, receive, send):
    assert (await receive()) == {"type": "websocket.connect"}
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            say("echo ended", message["code"], repr(message["reason"]))
            try:
                await send({"type": "websocket.send", "text": "late"})
            except OSError as error:
                say("late send:", type(error).__name__)
            return
        await send({**message, "type": "websocket.send"})


async def socket_scope(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept", "subprotocol": "two", "headers": [(b"x-kind", b"test")]})
    await send({"type": "websocket.send", "text": json.dumps(plain(scope))})
    await receive()


async def close_at_once(scope, receive, send):
    await receive()
    await send({"type": "websocket.close"})


async def deny(scope, receive, send):
    await receive()
    assert "websocket.http.response" in scope["extensions"]
    start = {"type": "websocket.http.response.start", "status": 401, "headers": [(b"www-authenticate", b"Basic")]}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": b"who ", "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b"are you?"})


async def close_later(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 4003, "reason": "enough"})
    say("after close", await receive())
    try:
        await send({"type": "websocket.send", "text": "late"})
    except OSError as error:
        say("send after own close:", type(error).__name__)


async def socket_raises(scope, receive, send):
    await receive()
    raise ValueError("raised before accept")


async def socket_raises_late(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    raise ValueError("raised after accept")


async def socket_returns(scope, receive, send):
    await receive()


async def socket_returns_late(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})


async def wrong_socket_messages(scope, receive, send):
    await receive()
    said = []
    for message in ({"type": "websocket.send", "text": "x"}, {"type": "http.response.start", "status": 200}):
        try:
            await send(message)
        except RuntimeError as error:
            said.append(str(error))
    await send({"type": "websocket.accept"})
    for message in ({"type": "websocket.accept"}, {"type": "websocket.send", "text": 5}):
        try:
            await send(message)
        except (RuntimeError, TypeError) as error:
            said.append(type(error).__name__)
    await send({"type": "websocket.send", "text": json.dumps(said)})


async def receive_in_a_task(scope, receive, send):
    """As Channels does it: waits for the peer in one task, and for something else in another."""
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await asyncio.create_task(receive())
        if message["type"] == "websocket.disconnect":
            say("task heard", message["code"])
            return
        await asyncio.create_task(send({"type": "websocket.send", "text": message["text"]}))


async def waits_elsewhere(scope, receive, send):
    """Its main coroutine waits for a task that receives, as a consumer of Channels does."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "ready"})
    done, _ = await asyncio.wait([asyncio.ensure_future(receive())])
    say("elsewhere heard", done.pop().result())


async def stubborn(scope, receive, send):
    """Does not end when it is cancelled."""
    await send({"type": "websocket.accept"})
    while True:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            pass


async def thinks_too_long(scope, receive, send):
    await receive()
    say("thinking")
    say("thinker heard", await receive())


async def receives_before_the_accept(scope, receive, send):
    await receive()
    waiting = asyncio.create_task(receive())
    await asyncio.sleep(0)
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": (await waiting)["text"]})


sockets = {
    "/think": thinks_too_long,
    "/early": receives_before_the_accept,
    "/echo": echo,
    "/scope": socket_scope,
    "/close": close_at_once,
    "/deny": deny,
    "/close-later": close_later,
    "/raise-early": socket_raises,
    "/raise-late": socket_raises_late,
    "/return": socket_returns,
    "/return-late": socket_returns_late,
    "/wrong": wrong_socket_messages,
    "/task": receive_in_a_task,
    "/elsewhere": waits_elsewhere,
    "/stubborn": stubborn,
}


# ---- Frameworks


def starlette():
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.responses import JSONResponse, StreamingResponse
    from starlette.routing import Route, WebSocketRoute

    async def page(request):
        form = await request.body()
        return JSONResponse({"name": request.path_params["name"], "size": len(form), "url": str(request.url)})

    async def numbers(request):
        async def each():
            for number in range(1000):
                yield f"{number}\n"

        return StreamingResponse(each())

    async def chat(websocket):
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text.upper())

    class Stamp(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            response = await call_next(request)
            response.headers["x-stamp"] = "yes"
            return response

    routes = [
        Route("/page/{name}", page, methods=["GET", "POST"]),
        Route("/numbers", numbers),
        WebSocketRoute("/chat", chat),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Stamp)])


def fastapi():
    from fastapi import Depends, FastAPI, File, UploadFile, WebSocket

    made = FastAPI()

    def limit(limit: int = 3):  # runs in a pool of threads
        return limit

    @made.get("/items/{number}")
    def item(number: int, limit: int = Depends(limit)):
        return {"number": number, "limit": limit}

    @made.post("/upload")
    async def upload(file: UploadFile = File()):
        return {"name": file.filename, "size": len(await file.read())}

    @made.websocket("/ws/{name}")
    async def socket(websocket: WebSocket, name: str):
        await websocket.accept()
        await websocket.send_json({"name": name})
        await websocket.close(4000)

    return made


if __name__ == "__main__":
    sys.exit("This module is served by asgi_test.py.")

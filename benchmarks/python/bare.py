"""Applications without a framework: an echo and a hello on ASGI, a hello on WSGI."""

HELLO = b"hello\n"


async def asgi(scope, receive, send):
    await {"websocket": echo, "http": hello, "lifespan": live}[scope["type"]](receive, send)


async def echo(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        if (text := event.get("text")) is not None:
            await send({"type": "websocket.send", "text": text})
        else:
            await send({"type": "websocket.send", "bytes": event["bytes"]})


async def hello(receive, send):
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(HELLO))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": HELLO})


async def live(receive, send):
    for phase in "startup", "shutdown":
        await receive()
        await send({"type": f"lifespan.{phase}.complete"})


def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(HELLO)))])
    return [HELLO]

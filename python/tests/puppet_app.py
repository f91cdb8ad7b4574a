"""An application that does what a test tells it to, and tells the test what it has heard.

``POST /script`` takes a list of messages in JSON, for the next request or WebSocket at another path; ``GET /heard``
gives its scope and the messages that it got, once it has ended. Bytes travel as ``{"base64": "..."}``.
"""

import asyncio
import base64
import json

script = []
heard = asyncio.Queue()


def decode(value):
    if isinstance(value, list):
        return [decode(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"base64"}:
        return base64.b64decode(value["base64"])
    return {key: decode(each) for key, each in value.items()}


def encode(value):
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return [encode(each) for each in value]
    if isinstance(value, dict):
        return {key: encode(each) for key, each in value.items() if key != "state"}
    return value


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise ValueError("there is nothing to start")
    if scope["path"] == "/script":
        script[:] = decode(json.loads(await body_of(receive)))
        await answer(send, b"")
    elif scope["path"] == "/heard":
        await answer(send, json.dumps(await heard.get()).encode())
    else:
        await play(scope, receive, send)


async def body_of(receive):
    body, is_whole = b"", False
    while not is_whole:
        message = await receive()
        body += message.get("body", b"")
        is_whole = not message.get("more_body", False)
    return body


async def answer(send, body):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def play(scope, receive, send):
    """A page answers when its request is whole. A WebSocket accepts or refuses, and then answers each message with the
    next one of the script."""
    account = {"scope": encode(scope), "messages": [], "error": ""}
    todo = list(script)
    try:
        if scope["type"] == "http":
            body, is_whole = b"", False
            while not is_whole:
                message = await receive()
                account["messages"].append(encode(message))
                is_whole = message["type"] != "http.request" or not message.get("more_body", False)
            while todo:
                await send(todo.pop(0))
        else:
            while True:
                message = await receive()
                account["messages"].append(encode(message))
                if message["type"] == "websocket.disconnect":
                    break
                if todo:
                    await send(todo.pop(0))
    except Exception as error:
        account["error"] = f"{type(error).__name__}: {error}"
        raise
    finally:
        heard.put_nowait(account)

from django.core.asgi import get_asgi_application

application = get_asgi_application()


async def router(scope, receive, send):
    """What Channels has: pages for Django, WebSockets for others."""
    if scope["type"] == "http":
        await application(scope, receive, send)
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "from the router"})
        await receive()

"""WebSocket views inside Django: add ``"c10ktools"`` to ``INSTALLED_APPS``, above ``django.contrib.staticfiles``.

    from c10ktools.http import websocket

    @websocket
    async def room(ws, name):
        async for message in ws:
            ws.send(message)

The modules, in the order in which a reader meets them:

==================  ====================================================================================================
``http``            ``@websocket``, ``WebSocketView`` and ``is_websocket``: what a project imports
``sessions``        changes a session from inside a WebSocket view
``conf``            the settings ``C10K_...`` with their defaults
``handshake``       takes a handshake through Django's whole request chain
``environ``         the WSGI environ of a request
``headers``         the headers of Django's responses as the engine takes them
``pool``            threads with a bounded queue, for handshakes and WSGI
``lanes``           threads for the synchronous code that views start, each with its database connections
``wsgi``            serves pages through WSGI
``application``     the engine's callbacks, answered by the modules above
``reporting``       reports an exception of a view as Django reports one of a page
``access_log``      a line for each request, in the logger ``django.server``
``watchdog``        names the view that blocks the loop
``sockets``         the listening socket, which a reload does not close
``reloading``       the outer process of ``runserver``, and its children
``checks``          system checks
``testing``         ``WebSocketClient``, for tests without a network
``management``      ``manage.py runserver``
==================  ====================================================================================================
"""
